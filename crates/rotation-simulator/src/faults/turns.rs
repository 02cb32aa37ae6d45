//! Effects one by one, for a scheduler that decides who does the next.

use std::task::{Context, Poll};

use super::Faults;
use crate::fault::Passage;
use crate::sync::lock;

impl Faults {
    /// From now on effects wait until each is [granted](Self::grant), or no longer.
    pub fn set_gated(&self, closed: bool) {
        lock(&self.state).gate.set_closed(closed);
    }

    /// Lets the next effect through: of whoever is polled next.
    pub fn grant(&self) {
        lock(&self.state).gate.grant();
    }

    /// Whether somebody came to wait for their turn since the last [grant](Self::grant).
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        lock(&self.state).gate.is_waiting()
    }

    /// Ready once somebody came to wait for their turn: also in a task of its own, as a proxy has.
    pub fn poll_waiting(&self, cx: &Context<'_>) -> Poll<()> {
        lock(&self.state).gate.poll_waiting(cx)
    }

    /// How many effects have passed.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.state).passages.len()
    }

    /// The effects passed after the first so many.
    #[must_use]
    pub fn passages_after(&self, count: usize) -> Vec<Passage> {
        lock(&self.state)
            .passages
            .get(count..)
            .unwrap_or_default()
            .to_vec()
    }
}
