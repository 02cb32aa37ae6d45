//! One invocation of the function, and how it ended.

use std::fmt;
use std::time::Duration;

use rotation_core::{RotationError, StepReport};

use crate::model::{Invocation, InvocationResult};

/// One invocation and how it ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct StepRun {
    /// Which step of which rotation.
    pub invocation: Invocation,
    /// How it ended.
    pub result: StepResult,
    /// How long it took, in the simulator's time.
    pub duration: Duration,
}

/// How an invocation ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum StepResult {
    /// The function returned.
    Done(StepReport),
    /// The function failed.
    Failed(RotationError),
    /// A fault ended the process.
    Crashed,
    /// The function did not return in time and was cut off, one second after `remaining`.
    TimedOut,
}

impl StepResult {
    /// Whether the function returned, which is all that the service goes by.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl fmt::Display for StepResult {
    /// What the function did: `returns: stored`, `fails: …`, `is dead`. A failure is told without its context.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(report) => write!(f, "returns: {}", report.outcome.as_str()),
            Self::Failed(error) => write!(f, "fails: {}", error.kind()),
            Self::Crashed => f.write_str("is dead"),
            Self::TimedOut => f.write_str("is cut off by Lambda"),
        }
    }
}

/// What the service goes by.
impl From<&StepResult> for InvocationResult {
    fn from(result: &StepResult) -> Self {
        match result {
            StepResult::Done(_) => Self::Succeeded,
            StepResult::Failed(error) => Self::Failed(error.to_string()),
            StepResult::Crashed => Self::Failed("Runtime exited".to_owned()),
            StepResult::TimedOut => Self::Failed("Task timed out".to_owned()),
        }
    }
}
