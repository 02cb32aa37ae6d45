//! Where effects wait for their turn.

use std::task::Poll;

/// Where effects wait for their turn while a scheduler lets them through one by one.
#[derive(Default)]
pub(super) struct Gate {
    pub(super) closed: bool,
    pub(super) granted: bool,
    pub(super) waiting: bool,
}

impl Gate {
    pub(super) fn poll(&mut self) -> Poll<()> {
        if !self.closed || std::mem::take(&mut self.granted) {
            return Poll::Ready(());
        }
        self.waiting = true;
        Poll::Pending
    }
}
