//! What the service notes about rotations.

use std::fmt;
use std::time::SystemTime;

/// What the service notes in CloudTrail about a rotation.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RotationEventRecord {
    /// The event.
    pub name: RotationEventName,
    /// The secret's ARN.
    pub secret_arn: String,
    /// The version that was to be rotated in.
    pub version_id: String,
    /// When.
    pub at: SystemTime,
    /// Of a failure: the service's text.
    pub message: Option<String>,
    /// Of a failure: what the function said.
    pub cause: Option<String>,
    /// `eventID`: unique, in the form of a UUID.
    pub event_id: String,
}

/// The names that CloudTrail gives the events of a rotation.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the service's own name")]
pub enum RotationEventName {
    RotationStarted,
    RotationSucceeded,
    RotationFailed,
    RotationAbandoned,
    TestRotationStarted,
    TestRotationSucceeded,
    TestRotationFailed,
}

impl RotationEventName {
    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RotationStarted => "RotationStarted",
            Self::RotationSucceeded => "RotationSucceeded",
            Self::RotationFailed => "RotationFailed",
            Self::RotationAbandoned => "RotationAbandoned",
            Self::TestRotationStarted => "TestRotationStarted",
            Self::TestRotationSucceeded => "TestRotationSucceeded",
            Self::TestRotationFailed => "TestRotationFailed",
        }
    }
}

impl fmt::Display for RotationEventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
