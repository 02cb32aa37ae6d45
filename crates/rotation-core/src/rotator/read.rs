//! The values that a step reads before it decides.

use std::time::Duration;

use crate::error::{ErrorClass, RotationErrorKind, chain};
use crate::store::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretDescription, StoreError, StoreErrorKind, StoredVersion,
    VersionRef,
};

/// Which values a step wants beside the description.
#[derive(Clone, Copy, Default)]
pub(super) struct Wants {
    pub(super) current: bool,
    pub(super) pending: bool,
    pub(super) previous: bool,
}

/// What the round brought. The values are not yet judged: one that could not be read matters only
/// if the labels say that the step goes on.
pub(super) struct Snapshot {
    pub(super) description: SecretDescription,
    /// When the round began, on the monotonic clock: it may be as old as that.
    pub(super) at: Duration,
    pub(super) current: Read,
    pub(super) pending: Read,
    pub(super) previous: Read,
}

/// The outcome of one read.
pub(super) struct Read {
    operation: &'static str,
    result: Result<StoredVersion, StoreError>,
}

impl Read {
    pub(super) fn new(version: VersionRef<'_>, result: Result<StoredVersion, StoreError>) -> Self {
        let operation = operation(version);
        Self { operation, result }
    }

    /// The outcome of a read that was not wanted: "not found".
    pub(super) fn not_wanted(version: VersionRef<'_>) -> Self {
        let not_read = StoreError::not_applied(StoreErrorKind::NotFound, "not read");
        Self::new(version, Err(not_read))
    }

    /// The value, if there is one.
    pub(super) fn value(self) -> Result<Option<StoredVersion>, RotationErrorKind> {
        match self.result {
            Ok(version) => Ok(Some(version)),
            Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == StoreErrorKind::StageMismatch => {
                Err(RotationErrorKind::LabelsMoved)
            }
            Err(source) => Err(RotationErrorKind::Store {
                operation: self.operation,
                source,
            }),
        }
    }

    /// The value of an old version, if it can be had. One that Secrets Manager will not hand out,
    /// as when its KMS key is disabled, must not block every later rotation.
    pub(super) fn old_value(self) -> Result<Option<StoredVersion>, RotationErrorKind> {
        match &self.result {
            Err(error) if error.class() == ErrorClass::Misconfigured => {
                if error.kind() != StoreErrorKind::NotFound {
                    tracing::warn!(
                        error = chain(error),
                        "an old version cannot be read, so its credential counts as live"
                    );
                }
                Ok(None)
            }
            _ => self.value(),
        }
    }

    /// The current value. It must be of the version that the description calls current: the two
    /// were read side by side, and a write may have come between.
    pub(super) fn current(self, version: &str) -> Result<StoredVersion, RotationErrorKind> {
        let current = self.value()?.ok_or(RotationErrorKind::NoCurrentValue)?;
        match current.version_id == version {
            true => Ok(current),
            false => Err(RotationErrorKind::LabelsMoved),
        }
    }
}

/// What the read asks of Secrets Manager, in words.
fn operation(version: VersionRef<'_>) -> &'static str {
    match version {
        VersionRef::Stage(AWSCURRENT) | VersionRef::IdAndStage(_, AWSCURRENT) => {
            "hand out the AWSCURRENT value"
        }
        VersionRef::Stage(AWSPREVIOUS) | VersionRef::IdAndStage(_, AWSPREVIOUS) => {
            "hand out the AWSPREVIOUS value"
        }
        VersionRef::IdAndStage(_, AWSPENDING) => "hand out the AWSPENDING value",
        VersionRef::Stage(_) | VersionRef::Id(_) | VersionRef::IdAndStage(..) => "hand out a version's value",
    }
}
