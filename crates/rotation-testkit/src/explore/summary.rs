//! What is kept of a history when it is over.

use rotation_core::Step;
use rotation_simulator::Fault;

use super::gap::Gap;

/// What is kept of one history.
pub(super) struct Summary {
    pub(super) digest: u64,
    pub(super) struck: Vec<(Step, Fault)>,
    pub(super) gaps: Vec<Gap>,
    pub(super) logs: bool,
}
