//! What the framework hands down to a backend, apart from what a step is about.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use crate::error::BackendError;
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
    pub(crate) as_of: SystemTime,
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

const TIME_IS_UP: &str = "the time of this invocation is up";

impl<'a> StepContext<'a> {
    /// A context as the framework makes it, as of now; for tests of a backend.
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
            as_of: outside.clock.now(),
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

    /// Other secrets: a superuser's, an admin token. A read waits for Secrets Manager, so it goes through
    /// [`timeout`](Self::timeout): `ctx.timeout(ctx.secrets().read_current(arn)).await??`.
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
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use crate::document::SecretValue;
    use crate::error::ErrorClass;
    use crate::random::OsRandom;
    use crate::store::{StoreError, StoreErrorKind};

    use super::*;

    /// A clock whose sleeps end at once and put the time forward.
    #[derive(Debug, Default)]
    struct Leaping(Mutex<Duration>);

    #[async_trait]
    impl Clock for Leaping {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + self.elapsed()
        }

        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, duration: Duration) {
            *self.0.lock().unwrap() += duration;
        }
    }

    struct Nothing;

    #[async_trait]
    impl SecretReader for Nothing {
        async fn read_current(&self, _: &str) -> Result<SecretValue, StoreError> {
            Err(StoreError::not_applied(
                StoreErrorKind::NotFound,
                "no secrets here",
            ))
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_context_says_which_rotation_and_keeps_its_time() {
        let clock = Leaping::default();
        let outside = Outside {
            clock: &clock,
            random: &OsRandom,
            secrets: &Nothing,
        };
        let deadline = Deadline::after(&clock, 10 * SECOND);
        let ctx = StepContext::new("arn", "token", Step::SetSecret, deadline, outside);
        assert_eq!(
            (ctx.secret_arn(), ctx.version(), ctx.step()),
            ("arn", "token", Step::SetSecret)
        );
        assert_eq!(ctx.wall_deadline(), SystemTime::UNIX_EPOCH + 10 * SECOND);
        ctx.sleep(4 * SECOND).await.unwrap();
        assert_eq!(ctx.remaining(), 6 * SECOND);
        assert_eq!(ctx.as_of(), SystemTime::UNIX_EPOCH);
        assert!(ctx.sleep(6 * SECOND).await.is_err());
        assert_eq!(ctx.remaining(), 6 * SECOND);

        assert_eq!(ctx.timeout(async { 7 }).await.unwrap(), 7);
        let late = ctx.timeout_after(2 * SECOND, std::future::pending::<()>()).await;
        assert_eq!(late.unwrap_err().to_string(), "no answer within 2.0 s");
        assert_eq!(ctx.remaining(), 4 * SECOND);
        ctx.timeout(std::future::pending::<()>()).await.unwrap_err();
        let begun = ctx.timeout(async { panic!("begun after the time was up") }).await;
        assert!(begun.is_err());
    }

    #[test]
    fn what_is_kept_back_is_taken_off_the_time_and_not_off_the_wall() {
        let clock = Leaping::default();
        let deadline = Deadline::after(&clock, 10 * SECOND);
        assert_eq!(deadline.less(3 * SECOND).remaining(&clock), 7 * SECOND);
        assert_eq!(deadline.less(3 * SECOND).wall, deadline.wall);
        let year = Deadline::after(&clock, Duration::MAX).remaining(&clock);
        assert_eq!(year, Duration::from_secs(365 * 24 * 3600));
    }

    #[tokio::test]
    async fn a_secret_that_cannot_be_read_keeps_its_class() {
        let missing = Nothing.read_current("x").await.unwrap_err();
        assert_eq!(BackendError::from(missing).class(), ErrorClass::Misconfigured);
        let lost = BackendError::from(StoreError::unknown("no answer"));
        assert_eq!(lost.class(), ErrorClass::Unavailable);
        assert!(format!("{lost:?}").ends_with("no answer"), "{lost:?}");
    }
}
