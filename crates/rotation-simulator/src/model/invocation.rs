//! One call of the rotation function.

use std::time::SystemTime;

use rotation_core::RotationEvent;

/// One invocation of the rotation function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Invocation {
    /// What the function is invoked with, `RotationToken` included.
    pub event: RotationEvent,
    /// Which run of the whole process it belongs to: 1, and one more for each replay.
    pub attempt: u32,
    /// Whether it is the dry run that `RotateImmediately=false` asks for.
    pub dry_run: bool,
    /// When it was due and handed out.
    pub at: SystemTime,
}

/// How an invocation ended, as the service sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvocationResult {
    /// The function returned, whatever it returned.
    Succeeded,
    /// The function failed, timed out or could not be invoked: why.
    Failed(String),
}
