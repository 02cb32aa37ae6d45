//! Why a step failed, who can mend it, and how that is printed.

use std::fmt;

use crate::document::DocumentError;
use crate::event::Step;
use crate::retire::Retire;
use crate::stages::Refusal;
use crate::store::{StoreError, StoreErrorKind};

pub use backend::{Applied, BackendError};
pub use class::{ErrorClass, chain};

mod backend;
mod class;

/// A step that failed.
///
/// Both `Display` and `Debug` are safe to print. `Display` says what happened and what to do, and
/// leaves the causes to [`source`](std::error::Error::source); `Debug` is the same with the whole chain.
#[derive(thiserror::Error)]
#[error("{step} of version {version}: {kind}")]
pub struct RotationError {
    step: Step,
    version: String,
    #[source]
    kind: Box<RotationErrorKind>,
}

/// What happened, by meaning. Each says in its message what to do next.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RotationErrorKind {
    /// The version-stage checks refused the step; nothing was done.
    #[error("{0}")]
    Refused(Refusal),
    /// Secrets Manager failed a call.
    #[error("Secrets Manager did not {operation}{}", hint(.source.kind()))]
    Store {
        /// What was asked of it, in words.
        operation: &'static str,
        /// Its answer.
        source: StoreError,
    },
    /// The backend failed.
    #[error("the backend could not {operation}")]
    Backend {
        /// What was asked of it, in words.
        operation: &'static str,
        /// Its answer.
        source: BackendError,
    },
    /// A value is not a document that the backend can use.
    #[error("the {stage} value cannot be used; put a corrected value into the secret")]
    Document {
        /// The label under which it was read.
        stage: &'static str,
        /// What is wrong, never quoting the value.
        source: DocumentError,
    },
    /// `AWSCURRENT` has no value to make the next one from.
    #[error("the secret has no AWSCURRENT value to rotate; put a first value into it")]
    NoCurrentValue,
    /// setSecret or testSecret found no pending value.
    #[error(
        "the pending version has no value yet; it is written by createSecret, and the replay of the rotation starts there"
    )]
    NotWrittenYet,
    /// The labels moved while this step was reading or writing.
    #[error(
        "the staging labels moved during this step; somebody wrote to the secret, and the replay will see the new labels"
    )]
    LabelsMoved,
    /// createSecret found the pending value equal to the current one, and has released it.
    #[error(
        "the pending value equals the current one, the leftover of a dry run that failed; AWSPENDING has been released from it, start a new rotation"
    )]
    DryRunLeftover,
    /// The current credential failed its test, so the previous one, perhaps the only one that works, was kept.
    #[error(
        "the AWSCURRENT credential does not work, so nothing was retired; store a working value as AWSCURRENT, or wait if the target is down"
    )]
    CurrentBroken {
        /// How the test failed.
        source: BackendError,
    },
    /// The put's answer was lost and the value is not to be seen: it may still appear.
    #[error("it is not known whether the pending value was stored; the replay finds out and reconciles")]
    StoreUnknown {
        /// How the answer was lost.
        source: StoreError,
    },
    /// Another invocation of this step stored its credential first, and which one is not to be seen
    /// yet; ours was kept, lest it be the same.
    #[error(
        "another invocation stored its credential first; the replay goes on with that one, and the next rotation ends ours"
    )]
    LostRace {
        /// The answer to our put.
        source: StoreError,
    },
    /// The target rejected the pending credential for good; `AWSPENDING` has been released.
    #[error(
        "the target rejected the pending credential for good; AWSPENDING has been released, start a new rotation"
    )]
    PendingRejected {
        /// The target's reason.
        source: BackendError,
    },
    /// The rotation happened; the credential that it superseded was to stop working and has not.
    #[error(
        "the rotation is complete, but the superseded credential was not retired and may still work; the replay or the next rotation tries again, or revoke it by hand"
    )]
    SupersededStillLive {
        /// Why it could not be retired.
        #[source]
        cause: StillLive,
    },
    /// A credential that no version holds, or will hold, could not be retired.
    #[error("a credential that no version holds could not be retired ({}); the next rotation finds it", .reason.as_str())]
    NotCompensated {
        /// Why it was to be retired.
        reason: Retire,
        /// Why it could not be.
        source: BackendError,
    },
    /// The time of the invocation is up, or too little is left to start what cannot be undone.
    #[error("no time left to {doing}; raise the function's time-out if this recurs")]
    OutOfTime {
        /// What was going on.
        doing: &'static str,
    },
    /// No backend is set up for this secret; for functions that route several secrets.
    #[error("this function has no backend for the secret; add a route for it, or take the function off it")]
    NoBackend,
    /// The tag `rotation:grace` has a value that means nothing.
    #[error("the secret's tag rotation:grace must be none or until-next-rotation")]
    BadGraceTag,
}

/// Why a superseded credential still works.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StillLive {
    /// A replica still has the superseded value; readers there need it.
    #[error("the replica in {region} is not in sync")]
    ReplicaBehind {
        /// The Region that is behind.
        region: String,
    },
    /// Another version is `AWSPENDING`: the credential is left to that rotation, or, if a dry run
    /// left the label behind, to a person who takes it off.
    #[error("another version is AWSPENDING already, and the superseded credential is left to that rotation")]
    NextUnderWay,
    /// Replication to a Region failed; waiting does not help.
    #[error("replication to {region} failed; mend the replica or remove it")]
    ReplicaFailed {
        /// The Region whose replica has failed.
        region: String,
    },
    /// The credential has no id, so nobody can say what to end.
    #[error("the superseded credential has no id")]
    Unidentified,
    /// The backend failed.
    #[error("the backend could not retire it")]
    Backend(#[source] BackendError),
    /// Secrets Manager failed a call.
    #[error("Secrets Manager did not hand it out")]
    Store(#[source] StoreError),
    /// Its document cannot be read.
    #[error("its value cannot be used")]
    Document(#[source] DocumentError),
    /// The time of the invocation is up.
    #[error("no time was left")]
    OutOfTime,
}

fn hint(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::Denied => "; give the function's role this permission",
        StoreErrorKind::Encryption => "; check the KMS key's state and its policy for the function's role",
        _ => "",
    }
}

impl RotationError {
    /// The failure of a step; for other implementations of [`Rotate`](crate::Rotate).
    #[must_use]
    pub fn new(step: Step, version: &str, kind: RotationErrorKind) -> Self {
        Self {
            step,
            version: version.to_owned(),
            kind: Box::new(kind),
        }
    }

    /// The step that failed.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// The version that was to be rotated in.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &RotationErrorKind {
        &self.kind
    }

    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.kind.class()
    }
}

impl RotationErrorKind {
    /// What happened as lower-case words joined by underscores, for logs and alarms; stable.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Store { .. } => "store",
            Self::Backend { .. } => "backend",
            Self::Document { .. } => "document",
            Self::NoCurrentValue => "no_current_value",
            Self::NotWrittenYet => "not_written_yet",
            Self::LabelsMoved => "labels_moved",
            Self::DryRunLeftover => "dry_run_leftover",
            Self::CurrentBroken { .. } => "current_broken",
            Self::StoreUnknown { .. } => "store_unknown",
            Self::LostRace { .. } => "lost_race",
            Self::PendingRejected { .. } => "pending_rejected",
            Self::SupersededStillLive { .. } => "superseded_still_live",
            Self::NotCompensated { .. } => "not_compensated",
            Self::OutOfTime { .. } => "out_of_time",
            Self::NoBackend => "no_backend",
            Self::BadGraceTag => "bad_grace_tag",
        }
    }

    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(refusal) => refusal.class(),
            Self::Store { source, .. } => source.class(),
            Self::Backend { source, .. } => source.class(),
            Self::NotWrittenYet
            | Self::LabelsMoved
            | Self::StoreUnknown { .. }
            | Self::LostRace { .. }
            | Self::NotCompensated { .. }
            | Self::OutOfTime { .. } => ErrorClass::Unavailable,
            Self::DryRunLeftover | Self::PendingRejected { .. } => ErrorClass::Rejected,
            Self::CurrentBroken { source } => match source.class() {
                ErrorClass::Unavailable => ErrorClass::Unavailable,
                ErrorClass::Rejected | ErrorClass::Misconfigured => ErrorClass::Misconfigured,
            },
            Self::SupersededStillLive { cause } => cause.class(),
            Self::Document { .. } | Self::NoCurrentValue | Self::NoBackend | Self::BadGraceTag => {
                ErrorClass::Misconfigured
            }
        }
    }
}

impl StillLive {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ReplicaBehind { .. } | Self::NextUnderWay | Self::OutOfTime => ErrorClass::Unavailable,
            Self::Backend(source) => source.class(),
            Self::Store(source) => source.class(),
            Self::ReplicaFailed { .. } | Self::Unidentified | Self::Document(_) => ErrorClass::Misconfigured,
        }
    }
}

impl fmt::Debug for RotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RotationError({}): {}", self.class(), chain(self))
    }
}

impl fmt::Debug for RotationErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_says_each_thing_once() {
        let store = StoreError::not_applied(StoreErrorKind::Denied, "AccessDeniedException: no");
        let kind = RotationErrorKind::Store {
            operation: "describe the secret",
            source: store,
        };
        let error = RotationError::new(Step::SetSecret, "v", kind);
        assert_eq!(
            format!("{error:?}"),
            "RotationError(misconfigured): setSecret of version v: Secrets Manager did not describe the secret; \
             give the function's role this permission: AccessDeniedException: no"
        );
        assert_eq!(error.class(), ErrorClass::Misconfigured);
    }
}
