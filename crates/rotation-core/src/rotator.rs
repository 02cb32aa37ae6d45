//! One step of one rotation: load, decide, act.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::Instrument;

use crate::backend::CredentialBackend;
use crate::context::within;
use crate::error::{RotationError, RotationErrorKind, chain};
use crate::event::{RotationEvent, Step};
use crate::random::{OsRandom, RandomSource};
use crate::store::SecretStore;
use crate::time::{Clock, Deadline, TokioClock};

use attempt::Attempt;
use calls::Calls;

pub use grace::Grace;
pub use report::{Ending, Outcome, StepReport};
pub use rotate::Rotate;

mod attempt;
mod calls;
mod create;
mod decide;
mod finish;
mod grace;
mod labelled;
mod made;
mod put;
mod read;
mod reject;
mod report;
mod rotate;
mod set;
mod test;

/// [`Rotate`] for one backend over one store.
///
/// Holds no state between steps: what one invocation has to know of another stands in Secrets
/// Manager or at the target. One rotator serves any number of secrets and overlapping calls.
pub struct Rotator<B, S> {
    backend: B,
    store: S,
    clock: Arc<dyn Clock>,
    random: Arc<dyn RandomSource>,
    grace: Grace,
}

impl<B: CredentialBackend, S: SecretStore> Rotator<B, S> {
    /// A rotator with the machine's clock and random source, and grace until the next rotation.
    pub fn new(backend: B, store: S) -> Self {
        Self {
            backend,
            store,
            clock: Arc::new(TokioClock::new()),
            random: Arc::new(OsRandom),
            grace: Grace::default(),
        }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// With another random source.
    #[must_use]
    pub fn with_random(mut self, random: impl RandomSource) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// With another grace for superseded credentials.
    #[must_use]
    pub fn with_grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }

    async fn step(&self, event: &RotationEvent, deadline: Deadline) -> Result<StepReport, RotationErrorKind> {
        let calls = Calls::new(&self.store, self.clock.as_ref(), event, deadline);
        let random = self.random.as_ref();
        let mut attempt = Attempt::new(&self.backend, &self.store, calls, random, self.grace);
        let outcome = match event.step() {
            Step::CreateSecret => attempt.create().await?,
            Step::SetSecret => attempt.set().await?,
            Step::TestSecret => attempt.test().await?,
            Step::FinishSecret => attempt.finish().await?,
        };
        Ok(StepReport::new(outcome, attempt.endings))
    }
}

#[async_trait]
impl<B: CredentialBackend, S: SecretStore> Rotate for Rotator<B, S> {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        let span = tracing::info_span!(
            "rotation_step",
            secret = event.secret_id(),
            version = event.client_request_token(),
            step = event.step().as_str(),
            backend = self.backend.profile().name(),
        );
        let started = self.clock.elapsed();
        let deadline = Deadline::after(self.clock.as_ref(), remaining);
        async {
            // Each await below is timed by itself, so that its error says what was going on; this
            // is for a backend that never yields to its own.
            let result = within(self.clock.as_ref(), remaining, self.step(event, deadline))
                .await
                .unwrap_or(Err(RotationErrorKind::OutOfTime {
                    doing: "finish the step",
                }))
                .map_err(|kind| RotationError::new(event.step(), event.client_request_token(), kind));
            log(&result, self.clock.elapsed().saturating_sub(started));
            result
        }
        .instrument(span)
        .await
    }
}

/// The one event that a step ends in.
fn log(result: &Result<StepReport, RotationError>, duration: Duration) {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(report) => tracing::info!(outcome = report.outcome.as_str(), duration_ms, "step done"),
        Err(error) => {
            tracing::error!(
                outcome = "failed",
                class = error.class().as_str(),
                reason = error.kind().as_str(),
                duration_ms,
                error = chain(error),
                "step failed"
            );
        }
    }
}

impl<B, S> fmt::Debug for Rotator<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotator")
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
