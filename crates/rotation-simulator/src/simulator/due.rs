//! The service's own side of a rotation, for whoever invokes the function by themselves.

use std::time::SystemTime;

use rotation_core::Clock;

use super::Simulator;
use crate::model::{Invocation, InvocationResult};

impl Simulator {
    /// The invocation that is due now, the one that has waited longest first. At most one at a time per secret:
    /// the next is due after [`report`](Self::report).
    #[must_use]
    pub fn next_invocation(&self) -> Option<Invocation> {
        let now = self.clock().now();
        self.model().next_invocation(now)
    }

    /// When the next invocation is due, if one is to come.
    #[must_use]
    pub fn next_due(&self) -> Option<SystemTime> {
        self.model().next_due()
    }

    /// Tells the service how an invocation ended. The next step is then due at once, or the whole process after
    /// the replay interval, or the rotation is over. An invocation whose rotation was abandoned, cancelled or
    /// replaced in the meantime changes nothing.
    pub fn report(&self, invocation: &Invocation, result: impl Into<InvocationResult>) {
        let now = self.clock().now();
        self.model().report(invocation, result.into(), now);
    }
}
