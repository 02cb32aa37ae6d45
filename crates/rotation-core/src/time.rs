//! The clock, injected, so that no test sleeps and no history depends on the machine.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

/// Where time comes from. [`TokioClock`] outside tests.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock, to be compared across invocations and machines.
    fn now(&self) -> SystemTime;

    /// Time since some fixed point, which never goes back; deadlines are measured in it.
    fn elapsed(&self) -> Duration;

    /// Waits.
    ///
    /// # Panics
    ///
    /// [`TokioClock`] does where no tokio runtime with a timer runs it, as tokio's own `sleep`.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock, and tokio's timer.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: tokio::time::Instant,
}

impl TokioClock {
    /// A clock whose [`elapsed`](Clock::elapsed) starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// When an invocation ends, in both times: the remaining wall time is taken once, at entry, and
/// counted down on the monotonic clock from there.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// In [`Clock::elapsed`] time.
    pub(crate) at: Duration,
    /// In [`Clock::now`] time, for other machines to compare with.
    pub(crate) wall: SystemTime,
}

impl Deadline {
    /// A deadline that lies `remaining` from now. A span too long for the clock is cut to a year.
    #[must_use]
    pub fn after(clock: &dyn Clock, remaining: Duration) -> Self {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let remaining = remaining.min(YEAR);
        let now = clock.now();
        Self {
            at: clock.elapsed().saturating_add(remaining),
            wall: now.checked_add(remaining).unwrap_or(now),
        }
    }

    /// The same end, `reserve` earlier: what is left for a part of the work when something must
    /// follow it. The wall time stays that of the whole.
    #[must_use]
    pub(crate) fn less(self, reserve: Duration) -> Self {
        Self {
            at: self.at.saturating_sub(reserve),
            ..self
        }
    }

    pub(crate) fn remaining(self, clock: &dyn Clock) -> Duration {
        self.at.saturating_sub(clock.elapsed())
    }
}
