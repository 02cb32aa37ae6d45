//! One invocation: event in, result out.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use lambda_runtime::LambdaEvent;
use rotation_core::{ErrorClass, Rotate, RotationEvent, StepReport};
use serde_json::{Value, json};
use tracing::Instrument;

use crate::{Failure, failure};

/// Does the step that an event asks for: the function without its runtime.
///
/// Under the Lambda runtime, in a `main` of your own:
///
/// ```no_run
/// use lambda_runtime::service_fn;
/// use rotation_core::Rotator;
/// use rotation_lambda::{Handler, SecretsManagerStore, client, telemetry};
///
/// # async fn example(backend: impl rotation_core::CredentialBackend) -> Result<(), lambda_runtime::Error> {
/// telemetry::init();
/// let handler = Handler::new(Rotator::new(backend, SecretsManagerStore::new(client().await?)));
/// lambda_runtime::run(service_fn(|event| handler.handle(event))).await
/// # }
/// ```
///
/// Under any other runtime, call [`step`](Self::step).
#[derive(Debug)]
pub struct Handler<R> {
    rotate: R,
    reserve: Option<Duration>,
}

impl<R: Rotate> Handler<R> {
    /// A handler over anything that does steps.
    pub fn new(rotate: R) -> Self {
        Self {
            rotate,
            reserve: None,
        }
    }

    /// Keeps this much of an invocation's time back, to report a failure in. One second by default,
    /// and a fifth of the time where that is less.
    #[must_use]
    pub fn with_reserve(mut self, reserve: Duration) -> Self {
        self.reserve = Some(reserve);
        self
    }

    /// Does the step that the event asks for. The answer, which Secrets Manager does not look at,
    /// says the outcome: `{"outcome": "created"}`.
    ///
    /// # Errors
    ///
    /// [`Failure`], which converts into the runtime's `Diagnostic`.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        let (payload, context) = event.into_parts();
        let span = tracing::info_span!("invocation", request_id = context.request_id);
        let deadline = deadline(SystemTime::now(), context.deadline());
        let report = self.step(&payload, deadline).instrument(span).await?;
        Ok(json!({"outcome": report.outcome.as_str()}))
    }

    /// Does the step that the event asks for, by `deadline`, the time at which the invocation is cut
    /// off. A deadline that has passed leaves no time: nothing is called.
    ///
    /// # Errors
    ///
    /// [`Failure`]: the event is none, the step failed, the backend panicked.
    pub async fn step(&self, event: &Value, deadline: SystemTime) -> Result<StepReport, Failure> {
        let now = SystemTime::now();
        let event = RotationEvent::parse(event).map_err(|error| {
            let failure = Failure::event(error);
            log(&failure, "bad_event", now);
            failure
        })?;
        let remaining = remaining(now, deadline, self.reserve);
        let rotated = AssertUnwindSafe(self.rotate.rotate(&event, remaining)).catch_unwind();
        match rotated.await {
            Ok(rotated) => rotated.map_err(Failure::from),
            Err(_) => {
                let failure = Failure::panicked();
                let step = tracing::info_span!(
                    "rotation_step",
                    secret = event.secret_id(),
                    version = event.client_request_token(),
                    step = event.step().as_str(),
                );
                step.in_scope(|| log(&failure, "panicked", now));
                Err(failure)
            }
        }
    }
}

/// November 2014 as a Unix time, when Lambda was announced: none of its deadlines lies before.
const LAMBDA_BEGAN: Duration = Duration::from_secs(1_415_000_000);

/// The deadline that the runtime was told. `cargo lambda watch` tells how long the function has, where
/// Lambda tells until when.
fn deadline(now: SystemTime, told: SystemTime) -> SystemTime {
    match told.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(length) if length < LAMBDA_BEGAN => now + length,
        _ => told,
    }
}

/// The time that a step has.
fn remaining(now: SystemTime, deadline: SystemTime, reserve: Option<Duration>) -> Duration {
    let left = deadline.duration_since(now).unwrap_or_default();
    left.saturating_sub(reserve.unwrap_or_else(|| (left / 5).min(Duration::from_secs(1))))
}

/// Of what no rotator saw, a person has to know.
fn log(failure: &Failure, reason: &'static str, began: SystemTime) {
    let took = began.elapsed().unwrap_or_default();
    failure::log(ErrorClass::Misconfigured, reason, &failure.to_string(), took);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_taken_for_a_length() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        assert_eq!(
            deadline(now, SystemTime::UNIX_EPOCH + minutes(10)),
            now + minutes(10)
        );
        assert_eq!(deadline(now, now + minutes(10)), now + minutes(10));
        assert_eq!(deadline(now, now - minutes(10)), now - minutes(10));
    }

    #[test]
    fn a_reserve_is_kept_back() {
        const SECOND: Duration = Duration::from_secs(1);
        let now = SystemTime::UNIX_EPOCH + 1000 * SECOND;
        let left = |seconds: u32, reserve| remaining(now, now + seconds * SECOND, reserve);
        assert_eq!(left(60, None), 59 * SECOND);
        assert_eq!(left(5, None), 4 * SECOND);
        assert_eq!(left(3, None), Duration::from_millis(2400));
        assert_eq!(left(0, None), Duration::ZERO);
        assert_eq!(left(60, Some(10 * SECOND)), 50 * SECOND);
        assert_eq!(left(5, Some(10 * SECOND)), Duration::ZERO);
        assert_eq!(remaining(now, now - SECOND, None), Duration::ZERO);
    }
}
