//! Who calls, when, and which state they see.

use std::time::SystemTime;

use super::principal::Principal;

/// Who calls, when, and which state they see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(super) principal: Principal,
    pub(super) now: SystemTime,
    /// Answers from the state of before the last write.
    pub(super) stale: bool,
}
