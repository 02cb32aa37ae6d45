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
use crate::retire::{Retire, Retirement};
use crate::store::SecretStore;
use crate::time::{Clock, Deadline, TokioClock};

use attempt::Attempt;

mod attempt;
mod create;
mod finish;
mod load;
mod put;
mod retire;
mod set;

/// A look at the labels that began longer ago than this is repeated before anything that relies on
/// it and cannot be undone.
const FRESH: Duration = Duration::from_secs(1);

/// How long a superseded credential goes on working.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Grace {
    /// Until the next rotation: at most two credentials live at a time, and slow readers have a
    /// whole interval to fetch the new one.
    #[default]
    UntilNextRotation,
    /// It is retired right after the new one became current, as for a key that leaked. With
    /// replicas, not before they are in sync.
    ///
    /// One secret can ask for this by the tag `rotation:grace` with the value `none`.
    None,
}

/// Does steps of rotations. The seam at which one function routes several secrets to several
/// backends: hold a `Box<dyn Rotate>` for each.
#[async_trait]
pub trait Rotate: Send + Sync {
    /// Does the step that the event asks for, within `remaining`, the time until the invocation
    /// is cut off. Give less than the whole, so that a failure can still be reported.
    ///
    /// # Errors
    ///
    /// [`RotationError`]. Report it as the invocation's failure: Secrets Manager then keeps the
    /// labels as they are and replays the rotation.
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError>;
}

#[async_trait]
impl<R: Rotate + ?Sized> Rotate for Box<R> {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        self.as_ref().rotate(event, remaining).await
    }
}

#[async_trait]
impl<R: Rotate + ?Sized> Rotate for Arc<R> {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        self.as_ref().rotate(event, remaining).await
    }
}

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
        let mut attempt = Attempt::new(self, event, deadline);
        let outcome = match event.step() {
            Step::CreateSecret => attempt.create().await?,
            Step::SetSecret => attempt.set().await?,
            Step::TestSecret => attempt.test().await?,
            Step::FinishSecret => attempt.finish().await?,
        };
        Ok(StepReport::new(outcome, attempt.retired))
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

/// What a step did.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// How it ended.
    pub outcome: Outcome,
    /// The credentials that were to be retired on the way, and what became of them.
    pub retired: Vec<Retired>,
}

impl StepReport {
    /// The report of a step; for other implementations of [`Rotate`].
    #[must_use]
    pub fn new(outcome: Outcome, retired: Vec<Retired>) -> Self {
        Self { outcome, retired }
    }
}

/// How a step ended well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// createSecret made a credential and stored it.
    Created,
    /// createSecret found a value stored for this token.
    AlreadyStored,
    /// setSecret made the pending credential valid in the target.
    Set,
    /// setSecret had nothing to do: the credential worked when it was made.
    NothingToSet,
    /// testSecret proved that the pending credential works.
    Tested,
    /// finishSecret moved `AWSCURRENT`.
    Promoted,
    /// The token was `AWSCURRENT` when the step began.
    AlreadyCurrent,
}

impl Outcome {
    /// The outcome in lower-case words joined by underscores, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::AlreadyStored => "already_stored",
            Self::Set => "set",
            Self::NothingToSet => "nothing_to_set",
            Self::Tested => "tested",
            Self::Promoted => "promoted",
            Self::AlreadyCurrent => "already_current",
        }
    }
}

/// A credential that was to be retired.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Retired {
    /// The version that holds it; the one being rotated in for a credential that was not stored.
    pub version: String,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Why it was to be retired.
    pub why: Retire,
    /// What became of it.
    pub result: Retirement,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_logs_and_metrics_are_pinned() {
        let outcomes = [
            (Outcome::Created, "created"),
            (Outcome::AlreadyStored, "already_stored"),
            (Outcome::Set, "set"),
            (Outcome::NothingToSet, "nothing_to_set"),
            (Outcome::Tested, "tested"),
            (Outcome::Promoted, "promoted"),
            (Outcome::AlreadyCurrent, "already_current"),
        ];
        for (outcome, word) in outcomes {
            assert_eq!(outcome.as_str(), word);
        }
        let reasons = [
            (Retire::FallingOff, "falling off its last label"),
            (Retire::Superseded, "superseded, with no grace"),
            (Retire::NotStored, "made and not stored"),
            (Retire::Rejected, "rejected by the target"),
        ];
        for (reason, words) in reasons {
            assert_eq!(reason.as_str(), words);
        }
    }
}
