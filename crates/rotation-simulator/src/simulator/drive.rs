//! The service's side of a rotation: invokes the function, and sees it die.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use rotation_core::{Clock, Rotate, RotationEvent};

use super::Simulator;
use super::run::{StepResult, StepRun};
use crate::clock::TestClock;

/// How much later than `remaining` the invocation is cut off, as the framework asks for.
const MARGIN: Duration = Duration::from_secs(1);

impl Simulator {
    /// Invokes the function for the invocation that is due and acts on its result as the service
    /// does. `None` if none is due now.
    ///
    /// `remaining` is what the function is told that it has; a crash drops it at the await where
    /// it died.
    pub async fn step(&self, rotate: &dyn Rotate, remaining: Duration) -> Option<StepRun> {
        let clock = self.clock();
        let invocation = self.next_invocation()?;
        let started = clock.elapsed();
        let result = self.invoke(rotate, &invocation.event, remaining).await;
        self.report(&invocation, &result);
        Some(StepRun {
            invocation,
            result,
            duration: clock.elapsed().saturating_sub(started),
        })
    }

    /// Invokes the function until nothing is due any more, replays included: skips the time until
    /// the next is due.
    pub async fn run(&self, rotate: &dyn Rotate, remaining: Duration) -> Vec<StepRun> {
        let clock = self.clock();
        let mut runs = Vec::new();
        loop {
            if let Some(run) = self.step(rotate, remaining).await {
                runs.push(run);
                continue;
            }
            let Some(due) = self.next_due() else {
                return runs;
            };
            clock.skip(due.duration_since(clock.now()).unwrap_or_default());
        }
    }

    /// Invokes the function with this event, whatever is due, and reports nothing: a duplicate
    /// delivery, or an invocation that comes too late.
    pub async fn invoke(
        &self,
        rotate: &dyn Rotate,
        event: &RotationEvent,
        remaining: Duration,
    ) -> StepResult {
        let (clock, faults) = (self.clock(), self.faults());
        let mut rotation = rotate.rotate(event, remaining);
        let mut cut_off = clock.sleep(remaining.saturating_add(MARGIN));
        let result = poll_fn(|cx| {
            let polled = rotation.as_mut().poll(cx);
            // A process that died answers nothing, even if the future went on in another branch.
            if faults.poll_crashed(cx).is_ready() {
                return Poll::Ready(StepResult::Crashed);
            }
            match polled {
                Poll::Ready(Ok(report)) => Poll::Ready(StepResult::Done(report)),
                Poll::Ready(Err(error)) => Poll::Ready(StepResult::Failed(error)),
                Poll::Pending => cut_off.as_mut().poll(cx).map(|()| StepResult::TimedOut),
            }
        })
        .await;
        drop(rotation);
        if matches!(result, StepResult::Crashed) {
            _ = faults.take_crash();
        }
        result
    }
}
