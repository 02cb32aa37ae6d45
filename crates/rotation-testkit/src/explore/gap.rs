//! What no client can close.

use std::fmt;

/// Where the service's own API leaves a gap that no client can close.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Gap {
    /// A PutSecretValue of a rotation that was given up arrives late, and takes `AWSPENDING` from the new
    /// one: it has no compare-and-swap. The new rotation fails, and an operator has to start another.
    LatePut,
    /// A password is changed late, by a rotation that was given up: of a single user, or of the one of two
    /// whose turn it is. The value that works is then in a version without labels. An operator, or a superuser
    /// secret, has to help.
    LateSet,
    /// An operator goes back to the version before while its credential is being ended: there is no lock
    /// over Secrets Manager and the target. `AWSCURRENT` then does not work, until a working value is
    /// stored.
    WentBack,
    /// The UpdateSecretVersionStage of a rotation that was given up arrives late, after another rotation has
    /// ended the credential as an orphan, or given the same user its own password: the request compares with
    /// what is current, and nothing else. `AWSCURRENT` then does not work until that other rotation is
    /// promoted.
    LatePromotion,
    /// A credential that was made by hand loses its last label where no createSecret can end it: an operator or
    /// a rotation that was given up moves the labels, or the target refuses to end it, or Secrets Manager to
    /// hand out its value (the rotation then reports it as [kept](rotation_core::Retirement::Kept)). A key
    /// that a rotation made is found again by its label; this one a person has to end.
    ByHand,
}

impl fmt::Display for Gap {
    /// The gap in a few words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LatePut => "a late put of a rotation that was given up takes AWSPENDING from the new one",
            Self::LateSet => "a late change of a password by a rotation that was given up",
            Self::WentBack => "an operator goes back to a credential while it is being ended",
            Self::LatePromotion => {
                "a late promotion of a rotation that was given up, whose credential has ended"
            }
            Self::ByHand => "a credential made by hand loses its last label where nothing can end it",
        })
    }
}
