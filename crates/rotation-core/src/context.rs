//! What the framework hands down to a backend, apart from what a step is about.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;

use crate::document::SecretValue;
use crate::error::BackendError;
use crate::event::Step;
use crate::random::{OsRandom, RandomSource};
use crate::reader::{NoSecrets, SecretReader};
use crate::time::{Clock, Deadline};

/// Which rotation a call belongs to, how much time it has, and the world outside.
pub struct StepContext<'a> {
    /// The ARN of the secret being rotated.
    pub(crate) secret_arn: &'a str,
    pub(crate) version: &'a str,
    pub(crate) step: Step,
    pub(crate) deadline: Deadline,
    pub(crate) as_of: SystemTime,
    pub(crate) outside: Outside<'a>,
}

/// The injected outside world: tests of a backend pass doubles, the framework passes the real one.
///
/// A test, or a tool that calls a backend outside a rotation, makes a [`StepContext`] from it:
///
/// ```
/// use std::time::Duration;
/// use rotation_core::{Outside, Step, TokioClock};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let clock = TokioClock::new();
/// let minute = Duration::from_secs(60);
/// let ctx = Outside::new(&clock).context("arn:aws:…:secret:crm", "token", Step::TestSecret, minute);
/// assert!(ctx.remaining() <= minute);
/// # }
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Outside<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// Random bytes.
    pub random: &'a dyn RandomSource,
    /// Other secrets.
    pub secrets: &'a dyn SecretReader,
}

impl<'a> Outside<'a> {
    /// This clock, the operating system's random source, and no other secrets: to read one is answered
    /// with "not found".
    #[must_use]
    pub fn new(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            random: &OsRandom,
            secrets: &NoSecrets,
        }
    }

    /// With another random source.
    #[must_use]
    pub fn with_random(self, random: &'a dyn RandomSource) -> Self {
        Self { random, ..self }
    }

    /// With these other secrets.
    #[must_use]
    pub fn with_secrets(self, secrets: &'a dyn SecretReader) -> Self {
        Self { secrets, ..self }
    }

    /// A context as the framework makes it: this step of this version has `time` from now.
    #[must_use]
    pub fn context(
        self,
        secret_arn: &'a str,
        version: &'a str,
        step: Step,
        time: Duration,
    ) -> StepContext<'a> {
        StepContext {
            secret_arn,
            version,
            step,
            deadline: Deadline::after(self.clock, time),
            as_of: self.clock.now(),
            outside: self,
        }
    }
}

const TIME_IS_UP: &str = "the time of this invocation is up";

impl<'a> StepContext<'a> {
    /// The ARN of the secret being rotated.
    #[must_use]
    pub fn secret_arn(&self) -> &str {
        self.secret_arn
    }

    /// The version being rotated in: its id, which is the client request token. 32 to 64
    /// printable ASCII characters, the same in every replay of this rotation.
    #[must_use]
    pub fn version(&self) -> &str {
        self.version
    }

    /// The step being done.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// How long this call may still take. In `create` of a minted credential this is less than the
    /// invocation has left, so that what is made can be stored.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.remaining(self.outside.clock)
    }

    /// The wall time at which this invocation is over: the framework starts no call after it. A
    /// backend writes it on what it mints, so that another invocation knows whether the maker may
    /// still be about to store it.
    #[must_use]
    pub fn wall_deadline(&self) -> SystemTime {
        self.deadline.wall
    }

    /// The wall time before this step read the secret: what had been stored by then, it has seen.
    ///
    /// Compare this with the [`wall_deadline`](Self::wall_deadline) of another maker, and nothing
    /// later: a maker whose time was not up then may have stored its credential since. Leave a
    /// margin, for clocks that differ and for a last request under way.
    #[must_use]
    pub fn as_of(&self) -> SystemTime {
        self.as_of
    }

    /// Awaits `future` for as long as this call may take.
    ///
    /// # Errors
    ///
    /// [`BackendError::unavailable`] when the time is up; the future is then dropped. If it was up
    /// before, the future is not begun.
    pub async fn timeout<F: Future>(&self, future: F) -> Result<F::Output, BackendError> {
        self.timeout_after(Duration::MAX, future).await
    }

    /// Awaits `future` for `limit`, or for as long as this call may take if that is less.
    ///
    /// # Errors
    ///
    /// As for [`timeout`](Self::timeout).
    pub async fn timeout_after<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, BackendError> {
        let limit = limit.min(self.remaining());
        if limit.is_zero() {
            return Err(BackendError::unavailable(TIME_IS_UP));
        }
        within(self.outside.clock, limit, future).await.ok_or_else(|| {
            BackendError::unavailable(format!("no answer within {:.1} s", limit.as_secs_f64()))
        })
    }

    /// Waits, if that much time is left.
    ///
    /// # Errors
    ///
    /// [`BackendError::unavailable`], at once, if the wait would not end before the time is up.
    pub async fn sleep(&self, duration: Duration) -> Result<(), BackendError> {
        if duration >= self.remaining() {
            return Err(BackendError::unavailable(TIME_IS_UP));
        }
        self.outside.clock.sleep(duration).await;
        Ok(())
    }

    /// The `AWSCURRENT` value of another secret, read into a type: a superuser's login, an admin token.
    ///
    /// # Errors
    ///
    /// [`BackendError::misconfigured`] if the value does not have the form of `T`, or if the secret
    /// cannot be read for a reason that a person must mend. [`BackendError::unavailable`] if the read
    /// may pass later, or if the time is up. Each names that secret, and never quotes its value.
    pub async fn read_secret<T: DeserializeOwned>(&self, secret_id: &str) -> Result<T, BackendError> {
        let value = self.read_secret_value(secret_id).await?;
        value.decode().map_err(|error| {
            BackendError::misconfigured(format!("the value of the secret {secret_id} cannot be used"))
                .with_source(error)
        })
    }

    /// The `AWSCURRENT` value of another secret as it is stored.
    ///
    /// # Errors
    ///
    /// As for [`read_secret`](Self::read_secret), but for the form of the value.
    pub async fn read_secret_value(&self, secret_id: &str) -> Result<SecretValue, BackendError> {
        let read = self.timeout(self.outside.secrets.read_current(secret_id)).await;
        let failed = |error: BackendError| error.context(format!("the secret {secret_id} could not be read"));
        read.map_err(failed)?.map_err(|error| failed(error.into()))
    }

    /// Other secrets, to be handed on. To read one, [`read_secret`](Self::read_secret) is shorter: it
    /// keeps the time, and its errors name the secret.
    #[must_use]
    pub fn secrets(&self) -> &'a dyn SecretReader {
        self.outside.secrets
    }

    /// Random bytes.
    #[must_use]
    pub fn random(&self) -> &'a dyn RandomSource {
        self.outside.random
    }
}

impl fmt::Debug for StepContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepContext")
            .field("secret_arn", &self.secret_arn)
            .field("version", &self.version)
            .field("step", &self.step)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}

/// The future's output, or `None` if the clock's timer came first. The future is polled first, so
/// one that is ready wins even when no time is left.
pub(crate) async fn within<F: Future>(clock: &dyn Clock, limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = clock.sleep(limit);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests;
