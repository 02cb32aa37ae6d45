//! What rotates in a history: the framework's rotator, or what a test makes of its parts.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use rotation_core::{
    CredentialBackend, Grace, Rotate, RotationError, RotationEvent, Rotator, StepReport, async_trait,
};
use rotation_simulator::{Faults, SeededRandom, Simulator, SimulatorStore};

use crate::faulty_backend::FaultyBackend;
use crate::sync::lock;

/// What a [`Rotate`] is made of, for one history.
#[non_exhaustive]
pub struct Core<B> {
    /// The backend, under the history's faults.
    pub backend: FaultyBackend<B>,
    /// Secrets Manager: its store, and its clock.
    pub simulator: Simulator,
    /// The grace to give.
    pub grace: Grace,
}

impl<B: CredentialBackend> Core<B> {
    /// The framework's own, with seeded randomness.
    #[must_use]
    pub fn rotator(self) -> Rotator<FaultyBackend<B>, SimulatorStore> {
        Rotator::new(self.backend, self.simulator.store())
            .with_clock(self.simulator.clock())
            .with_random(SeededRandom::new(1))
            .with_grace(self.grace)
    }
}

impl<B> fmt::Debug for Core<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

/// Makes the function of a history.
pub(super) type MakeCore<B> = dyn Fn(Core<B>) -> Arc<dyn Rotate> + Send + Sync;

/// What somebody panicked with, until it is taken.
#[derive(Clone, Default)]
pub(super) struct Panics(Arc<Mutex<Option<String>>>);

impl Panics {
    pub(super) fn take(&self) -> Option<String> {
        lock(&self.0).take()
    }
}

/// A function whose panics are crashes of its process, and are put down.
pub(super) struct Caught {
    rotate: Arc<dyn Rotate>,
    faults: Faults,
    panics: Panics,
}

impl Caught {
    pub(super) fn new(rotate: Arc<dyn Rotate>, faults: Faults, panics: Panics) -> Self {
        Self {
            rotate,
            faults,
            panics,
        }
    }
}

#[async_trait]
impl Rotate for Caught {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        let mut rotation = self.rotate.rotate(event, remaining);
        // Nothing of the history is looked at after a panic but what it said.
        let polled = poll_fn(
            |cx| match catch_unwind(AssertUnwindSafe(|| rotation.as_mut().poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
                Err(panic) => Poll::Ready(Err(panic)),
            },
        );
        match polled.await {
            Ok(result) => result,
            Err(panic) => {
                *lock(&self.panics.0) = Some(said(&*panic));
                self.faults.crash().await
            }
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "something that is no text".to_owned())
}
