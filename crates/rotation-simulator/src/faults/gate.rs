//! Where effects wait for their turn.

use std::task::{Context, Poll, Waker};

/// Where effects wait for their turn while a scheduler lets them through one by one.
#[derive(Default)]
pub(super) struct Gate {
    closed: bool,
    granted: bool,
    waiting: bool,
    /// Those who wait; one of them may be in a task of its own.
    waiters: Vec<Waker>,
    /// Who wants to know that somebody waits.
    scheduler: Option<Waker>,
}

impl Gate {
    pub(super) fn set_closed(&mut self, closed: bool) {
        (self.closed, self.granted, self.waiting) = (closed, false, false);
        self.wake_all();
    }

    pub(super) fn grant(&mut self) {
        (self.granted, self.waiting) = (true, false);
        self.wake_all();
    }

    fn wake_all(&mut self) {
        self.waiters.drain(..).for_each(Waker::wake);
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Ready once somebody waits.
    pub(super) fn poll_waiting(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.waiting {
            return Poll::Ready(());
        }
        self.scheduler = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.closed || std::mem::take(&mut self.granted) {
            return Poll::Ready(());
        }
        self.waiting = true;
        if !self.waiters.iter().any(|waiter| waiter.will_wake(cx.waker())) {
            self.waiters.push(cx.waker().clone());
        }
        if let Some(scheduler) = self.scheduler.take() {
            scheduler.wake();
        }
        Poll::Pending
    }
}
