//! Who can mend a failure, and how a chain of causes is printed.

use std::error::Error;
use std::fmt;

/// Who can mend a failure.
#[allow(clippy::exhaustive_enums, reason = "alarms are built on these three")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorClass {
    /// Nobody has to: Secrets Manager replays the rotation, and a replay may pass.
    Unavailable,
    /// This version will never become current: start a new rotation.
    Rejected,
    /// A person has to change something first; the message says what.
    Misconfigured,
}

impl ErrorClass {
    /// The class as one lower-case word, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error's message and those of its causes, joined by colons, without a message that the one
/// before it ends with already.
///
/// Safe to print when every `Display` in the chain is, as all of this crate's are.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}
