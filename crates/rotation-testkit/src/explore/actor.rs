//! One invocation of the function that a scheduler lets go on, effect by effect.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rotation_core::{Clock, Rotate, RotationEvent, Step};
use rotation_simulator::{Simulator, StepResult, TestClock};

/// What the function is told that it has.
pub(crate) const REMAINING: Duration = Duration::from_secs(60);

/// How many polls without any change make a stall: somebody waits for a time that another, who is not
/// polled, would have to reach first.
const STALL: u32 = 50;

type Invoked = Pin<Box<dyn Future<Output = StepResult> + Send>>;

/// An invocation under way.
pub(super) struct Actor {
    /// A for the service's own invocation, B for one that is delivered beside it, and so on.
    pub(super) name: char,
    pub(super) step: Step,
    pub(super) effects: usize,
    future: Invoked,
}

impl Actor {
    pub(super) fn new(
        name: char,
        simulator: &Simulator,
        rotate: &Arc<dyn Rotate>,
        event: &RotationEvent,
    ) -> Self {
        let (simulator, rotate, event) = (simulator.clone(), Arc::clone(rotate), event.clone());
        Self {
            name,
            step: event.step(),
            effects: 0,
            future: Box::pin(async move { simulator.invoke(&*rotate, &event, REMAINING).await }),
        }
    }

    /// Lets it do one effect, and whatever follows until it wants to do the next, in which it waits. Says
    /// how the invocation ended, if it did.
    pub(super) async fn advance(&mut self, simulator: &Simulator) -> Option<StepResult> {
        let (clock, faults) = (simulator.clock(), simulator.faults());
        faults.grant();
        let before = faults.count();
        let (mut seen, mut still) = ((before, clock.elapsed()), 0);
        // Time stands still while it goes on by itself, or its timers would take the pause for a wait.
        clock.hold(true);
        let ended = poll_fn(|cx| {
            let polled = self.future.as_mut().poll(cx);
            clock.hold(false);
            match polled {
                Poll::Ready(result) => return Poll::Ready(Some(result)),
                Poll::Pending if faults.poll_waiting(cx).is_ready() => return Poll::Ready(None),
                Poll::Pending => {}
            }
            let now = (faults.count(), clock.elapsed());
            still = if now == seen { still + 1 } else { 0 };
            seen = now;
            if still > STALL {
                clock.nudge();
                still = 0;
            }
            Poll::Pending
        })
        .await;
        self.effects += faults.count() - before;
        ended
    }
}
