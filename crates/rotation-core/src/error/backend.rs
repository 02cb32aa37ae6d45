//! Why a backend could not do what it was asked.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::document::DocumentError;
use crate::random::RandomUnavailable;

use super::class::{ErrorClass, chain};

/// Why a backend could not do what it was asked, with the class that the framework acts on.
///
/// The message, and the `Display` of the source and of its sources, are printed: none may hold a
/// secret. `Debug` prints the same texts and not the source's own `Debug`.
#[derive(thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    class: ErrorClass,
    applied: Applied,
    message: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Whether a target that rejected a credential applied some of it.
#[allow(clippy::exhaustive_enums, reason = "either it is certain or it is not")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Applied {
    /// It is certain that neither this try nor an earlier one changed anything.
    Nothing,
    /// Something may have been changed.
    Maybe,
}

impl BackendError {
    /// The target did not answer, or not yet as it should: the same step may pass later.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorClass::Unavailable, Applied::Maybe, message.into())
    }

    /// The target will never take this value.
    pub fn rejected(message: impl Into<Cow<'static, str>>, applied: Applied) -> Self {
        Self::new(ErrorClass::Rejected, applied, message.into())
    }

    /// A person has to act first; the message says what to do.
    pub fn misconfigured(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorClass::Misconfigured, Applied::Maybe, message.into())
    }

    fn new(class: ErrorClass, applied: Applied, message: Cow<'static, str>) -> Self {
        Self {
            class,
            applied,
            message,
            source: None,
        }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error with what was going on as its message, and its own message as the first cause.
    /// The class is kept, and so is whether anything was applied.
    ///
    /// ```
    /// use rotation_core::{BackendError, ErrorClass, chain};
    ///
    /// let error = BackendError::unavailable("no answer within 2.0 s").context("the key could not be listed");
    /// assert_eq!(chain(&error), "the key could not be listed: no answer within 2.0 s");
    /// assert_eq!(error.class(), ErrorClass::Unavailable);
    /// ```
    #[must_use]
    pub fn context(self, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(self.class, self.applied, message.into()).with_source(self)
    }

    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Whether this says that the value is rejected for good and nothing of it was applied.
    #[must_use]
    pub fn is_rejected_unapplied(&self) -> bool {
        self.class == ErrorClass::Rejected && self.applied == Applied::Nothing
    }
}

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackendError({:?}): {}", self.class, chain(self))
    }
}

impl From<DocumentError> for BackendError {
    fn from(error: DocumentError) -> Self {
        Self::misconfigured("a secret's value does not have the form that is needed").with_source(error)
    }
}

impl From<RandomUnavailable> for BackendError {
    fn from(error: RandomUnavailable) -> Self {
        Self::unavailable("no random bytes").with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_an_error_prints_the_chain_and_not_the_debug_of_its_source() {
        #[derive(thiserror::Error)]
        #[error("connection refused")]
        struct Leaky;
        impl fmt::Debug for Leaky {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("password=hunter2")
            }
        }
        let error = BackendError::unavailable("no answer").with_source(Leaky);
        assert_eq!(
            format!("{error:?}"),
            "BackendError(Unavailable): no answer: connection refused"
        );
    }

    #[test]
    fn context_keeps_what_the_framework_acts_on() {
        let rejected =
            BackendError::rejected("no such account", Applied::Nothing).context("the key is refused");
        assert!(rejected.is_rejected_unapplied());
        assert_eq!(chain(&rejected), "the key is refused: no such account");
        let maybe = BackendError::rejected("half done", Applied::Maybe).context("the key is refused");
        assert!(!maybe.is_rejected_unapplied());
    }
}
