//! What no client can close.

/// Where the service's own API leaves a gap that no client can close.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Gap {
    /// A PutSecretValue of a rotation that was given up arrives late, and takes `AWSPENDING` from the new
    /// one: it has no compare-and-swap. The new rotation fails, and an operator has to start another.
    LatePut,
    /// A credential that is changed in place is changed late, by a rotation that was given up: the value that
    /// works is then in a version without labels. An operator, or a superuser secret, has to help.
    LateSet,
    /// An operator goes back to the version before while its credential is being ended: there is no lock
    /// over Secrets Manager and the target. `AWSCURRENT` then does not work, until a working value is
    /// stored.
    WentBack,
}

impl Gap {
    /// The gap in a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LatePut => "a late put of a rotation that was given up takes AWSPENDING from the new one",
            Self::LateSet => "a late change in place of a rotation that was given up",
            Self::WentBack => "an operator goes back to a credential while it is being ended",
        }
    }
}
