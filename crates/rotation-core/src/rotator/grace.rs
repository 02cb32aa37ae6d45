//! How long a superseded credential goes on working.

use crate::error::RotationErrorKind;
use crate::store::SecretDescription;

/// How long a superseded credential goes on working.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Grace {
    /// Until the next rotation: at most two credentials live at a time, and slow readers have a
    /// whole interval to fetch the new one.
    #[default]
    UntilNextRotation,
    /// It is retired right after the new one became current, as for a key that leaked. With
    /// replicas, not before they are in sync.
    ///
    /// One secret can ask for this by the tag `rotation:grace` with the value `none`.
    None,
}

impl Grace {
    /// The grace that holds for this secret: its tag's, or else this one.
    pub(super) fn of(self, secret: &SecretDescription) -> Result<Self, RotationErrorKind> {
        match secret.tags.get("rotation:grace").map(String::as_str) {
            None => Ok(self),
            Some("none") => Ok(Self::None),
            Some("until-next-rotation") => Ok(Self::UntilNextRotation),
            Some(_) => Err(RotationErrorKind::BadGraceTag),
        }
    }
}
