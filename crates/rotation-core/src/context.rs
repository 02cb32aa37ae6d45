//! What the framework hands down to a backend, apart from what a step is about.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use crate::backend::BackendError;
use crate::event::Step;
use crate::random::RandomSource;
use crate::store::SecretReader;
use crate::time::{Clock, Deadline};

/// Which rotation a call belongs to, how much time it has, and the world outside.
pub struct StepContext<'a> {
    /// The ARN of the secret being rotated.
    pub(crate) secret_arn: &'a str,
    pub(crate) version: &'a str,
    pub(crate) step: Step,
    pub(crate) deadline: Deadline,
    pub(crate) outside: Outside<'a>,
}

/// The injected outside world: tests of a backend pass doubles, the framework passes the real one.
#[allow(clippy::exhaustive_structs, reason = "a plain list of parts, built by tests")]
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// Random bytes.
    pub random: &'a dyn RandomSource,
    /// Other secrets.
    pub secrets: &'a dyn SecretReader,
}

impl<'a> StepContext<'a> {
    /// A context as the framework makes it; for tests of a backend.
    #[must_use]
    pub fn new(
        secret_arn: &'a str,
        version: &'a str,
        step: Step,
        deadline: Deadline,
        outside: Outside<'a>,
    ) -> Self {
        Self {
            secret_arn,
            version,
            step,
            deadline,
            outside,
        }
    }

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

    /// How long this call may still take. In createSecret this is less than the invocation has
    /// left, so that what is made can be stored.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.remaining(self.outside.clock)
    }

    /// The wall time at which this invocation is over and no call of it will start any more. A
    /// backend writes it on what it mints, so that another invocation knows whether the maker may
    /// still be about to store it.
    #[must_use]
    pub fn wall_deadline(&self) -> SystemTime {
        self.deadline.wall
    }

    /// The wall time now.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.outside.clock.now()
    }

    /// Awaits `future` for as long as this call may take.
    ///
    /// # Errors
    ///
    /// [`BackendError::unavailable`] when the time is up; the future is then dropped.
    pub async fn timeout<F: Future>(&self, future: F) -> Result<F::Output, BackendError> {
        self.timeout_after(Duration::MAX, future).await
    }

    /// Awaits `future` for `limit`, or for as long as this call may take if that is less.
    ///
    /// # Errors
    ///
    /// [`BackendError::unavailable`] when the time is up; the future is then dropped.
    pub async fn timeout_after<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, BackendError> {
        let limit = limit.min(self.remaining());
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
            return Err(BackendError::unavailable("the time of this invocation is up"));
        }
        self.outside.clock.sleep(duration).await;
        Ok(())
    }

    /// Other secrets: a superuser's, an admin token.
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
