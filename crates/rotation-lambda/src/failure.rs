//! A step that failed, as Lambda is told of it.

use std::fmt;
use std::time::Duration;

use lambda_runtime::Diagnostic;
use rotation_core::{ErrorClass, EventError, RotationError, chain};

/// Why an invocation failed.
///
/// Converts into the runtime's [`Diagnostic`], whose `error_type` is one of these, stable, for alarms
/// and metric filters:
///
/// | `error_type` | what it means | who can mend it |
/// |---|---|---|
/// | `Rotation.Unavailable` | something did not answer, or was not ready | nobody has to: Secrets Manager replays the rotation |
/// | `Rotation.Rejected` | this version will never become current | start a new rotation |
/// | `Rotation.Misconfigured` | a permission, a value, a setting is wrong; the message says which | a person |
/// | `Rotation.BadEvent` | the function was invoked with something that is no rotation event | whoever invoked it |
/// | `Rotation.Panicked` | the backend panicked; the message says where | the backend's author |
///
/// `Display` and `Debug` are the same, safe to print, and hold the messages of all causes: Lambda
/// logs the one and sends the other to the service, and neither follows sources.
#[derive(thiserror::Error)]
#[error("{kind}")]
pub struct Failure {
    kind: Kind,
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("{}", chain(.0))]
    Rotation(RotationError),
    #[error("this is no rotation event: {0}; have Secrets Manager invoke the function")]
    Event(EventError),
    #[error(
        "the backend panicked, and its message is withheld, as it may hold a secret; the log has the place"
    )]
    Panicked,
}

impl Failure {
    pub(crate) fn event(error: EventError) -> Self {
        Self {
            kind: Kind::Event(error),
        }
    }

    pub(crate) fn panicked() -> Self {
        Self { kind: Kind::Panicked }
    }

    /// The stable name of what happened; see the table above.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match &self.kind {
            Kind::Rotation(error) => match error.class() {
                ErrorClass::Unavailable => "Rotation.Unavailable",
                ErrorClass::Rejected => "Rotation.Rejected",
                ErrorClass::Misconfigured => "Rotation.Misconfigured",
            },
            Kind::Event(_) => "Rotation.BadEvent",
            Kind::Panicked => "Rotation.Panicked",
        }
    }

    /// The rotation's own error, if it came to a rotation and the backend did not panic.
    #[must_use]
    pub fn rotation(&self) -> Option<&RotationError> {
        match &self.kind {
            Kind::Rotation(error) => Some(error),
            Kind::Event(_) | Kind::Panicked => None,
        }
    }
}

/// The one event that a step ends in, of a failure that no rotator saw.
pub(crate) fn log(class: ErrorClass, reason: &'static str, error: &str, took: Duration) {
    tracing::error!(
        outcome = "failed",
        class = class.as_str(),
        reason,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        error,
        "step failed"
    );
}

impl From<RotationError> for Failure {
    fn from(error: RotationError) -> Self {
        Self {
            kind: Kind::Rotation(error),
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.error_type().to_owned(),
            error_message: failure.to_string(),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.error_type())
    }
}

#[cfg(test)]
mod tests {
    use rotation_core::{RotationErrorKind, Step, StoreError, StoreErrorKind};

    use super::*;

    fn diagnostic(failure: impl Into<Failure>) -> (String, String) {
        let failure: Failure = failure.into();
        assert_eq!(
            format!("{failure:?}"),
            format!("{}: {failure}", failure.error_type())
        );
        let Diagnostic {
            error_type,
            error_message,
        } = failure.into();
        (error_type, error_message)
    }

    fn rotation(kind: RotationErrorKind) -> RotationError {
        RotationError::new(Step::CreateSecret, "v", kind)
    }

    #[test]
    fn each_class_has_its_type_and_the_message_has_every_cause() {
        let denied = StoreError::not_applied(StoreErrorKind::Denied, "DescribeSecret was denied")
            .with_source("the deepest cause");
        let denied = RotationErrorKind::Store {
            operation: "describe the secret",
            source: denied,
        };
        let rows = [
            (rotation(RotationErrorKind::NotWrittenYet), "Rotation.Unavailable"),
            (rotation(RotationErrorKind::DryRunLeftover), "Rotation.Rejected"),
            (rotation(denied), "Rotation.Misconfigured"),
        ];
        let mut message = String::new();
        for (error, expected) in rows {
            let told = diagnostic(error);
            assert_eq!(told.0, expected);
            message = told.1;
        }
        assert_eq!(
            message,
            "createSecret of version v: Secrets Manager did not describe the secret; give the function's role this \
             permission: DescribeSecret was denied: the deepest cause"
        );
    }

    #[test]
    fn what_is_no_step_has_a_type_too() {
        let (error_type, message) = diagnostic(Failure::event(EventError::Missing("Step")));
        assert_eq!(error_type, "Rotation.BadEvent");
        assert!(message.contains("Step"), "{message}");
        assert_eq!(diagnostic(Failure::panicked()).0, "Rotation.Panicked");
    }
}
