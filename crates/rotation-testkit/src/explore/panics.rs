//! A panic of the backend, or of its double, as a crash of the process.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use rotation_core::{Rotate, RotationError, RotationEvent, StepReport, async_trait};
use rotation_simulator::Faults;

use crate::sync::lock;

/// What somebody panicked with, until it is taken.
#[derive(Clone, Default)]
pub(super) struct Panics(Arc<Mutex<Option<String>>>);

impl Panics {
    pub(super) fn take(&self) -> Option<String> {
        lock(&self.0).take()
    }
}

/// A function whose panics are crashes of its process, and are recorded.
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
