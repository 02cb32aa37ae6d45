//! Why a call to Secrets Manager failed, and whether it may have had its effect.

use std::error::Error;
use std::fmt;

use crate::error::{BackendError, ErrorClass, chain};

/// Why a call to Secrets Manager failed, and whether it may have had its effect all the same.
///
/// `Display` prints the message and never a value; what the message says must be safe to print.
#[derive(thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    effect: Effect,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Nothing is there: no such secret, version, or value under the label.
    NotFound,
    /// The label is not on the version that was named.
    StageMismatch,
    /// The token already has another value.
    Conflict,
    /// Throttled, an internal error, a time-out, no connection: the same call may pass later.
    Unavailable,
    /// An IAM or resource policy forbids the call.
    Denied,
    /// KMS could not encrypt or decrypt.
    Encryption,
    /// Anything else that the service refuses, a full version quota among it.
    Invalid,
}

/// Whether a failed call changed something.
#[allow(clippy::exhaustive_enums, reason = "either it is certain or it is not")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// The service refused the call, or it never reached the service: nothing changed.
    NotApplied,
    /// The answer was lost: the call may have done its work, or may still do it.
    Unknown,
}

impl StoreError {
    /// An error of which it is certain that nothing changed.
    pub fn not_applied(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            effect: Effect::NotApplied,
            message: message.into(),
            source: None,
        }
    }

    /// A call whose answer was lost.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self {
            kind: StoreErrorKind::Unavailable,
            effect: Effect::Unknown,
            message: message.into(),
            source: None,
        }
    }

    /// The same error with its cause, whose `Display` must be safe to print.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the call may have changed something.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.kind {
            StoreErrorKind::Unavailable | StoreErrorKind::StageMismatch => ErrorClass::Unavailable,
            StoreErrorKind::NotFound
            | StoreErrorKind::Conflict
            | StoreErrorKind::Denied
            | StoreErrorKind::Encryption
            | StoreErrorKind::Invalid => ErrorClass::Misconfigured,
        }
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoreError({:?}, {:?}): {}",
            self.kind,
            self.effect,
            chain(self)
        )
    }
}

impl From<StoreError> for BackendError {
    fn from(error: StoreError) -> Self {
        let message = "another secret could not be read from Secrets Manager";
        match error.kind() {
            StoreErrorKind::Unavailable => Self::unavailable(message),
            _ => Self::misconfigured(message),
        }
        .with_source(error)
    }
}
