//! Clocks whose time a test moves.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rotation_core::{Clock, TokioClock, async_trait};

use crate::sync::lock;

/// A clock that a test can put forward.
pub trait TestClock: Clock {
    /// Puts the wall clock forward.
    fn skip(&self, duration: Duration);

    /// Keeps time from moving by itself, or lets it again; a clock of real time takes no notice.
    fn hold(&self, _held: bool) {}

    /// Ends the sleep that ends first, though whoever sleeps is not polled; a clock of real time takes no
    /// notice.
    fn nudge(&self) {}

    /// Whether waiting takes real time.
    fn is_real(&self) -> bool {
        false
    }
}

/// Time that stands still but for those who sleep.
///
/// The wall clock starts at 2026-01-01T00:00:00Z. A sleep puts the time forward to its own end
/// and no further, once it is the one that ends first and a whole round of polls has passed in which
/// no other sleep began or ended: so a timer around some work does not run out while the work still
/// goes on. Nothing really waits. A future that is pending for another reason than a sleep of this
/// clock counts as stuck: a timer around it runs out at once. Not for real sockets, therefore;
/// for those there is [`TravelClock`].
///
/// Clones share one time.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    held: bool,
    /// Counts the beginnings and ends of sleeps and the moves of the time.
    changes: u64,
    last_id: u64,
    sleeps: BTreeSet<SleepKey>,
}

/// When a sleep ends, and which one it is.
type SleepKey = (Duration, u64);

impl ManualClock {
    /// 2026-01-01T00:00:00Z, in seconds since the epoch.
    const START: Duration = Duration::from_secs(1_767_225_600);

    /// A clock that stands at its start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the time forward.
    pub fn advance(&self, duration: Duration) {
        let mut state = lock(&self.state);
        state.elapsed = state.elapsed.saturating_add(duration);
        state.changes += 1;
    }

    fn begin(&self, duration: Duration) -> Sleep {
        let mut state = lock(&self.state);
        state.last_id += 1;
        state.changes += 1;
        let key = (state.elapsed.saturating_add(duration), state.last_id);
        state.sleeps.insert(key);
        Sleep {
            state: Arc::clone(&self.state),
            key,
            seen: None,
        }
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        let at = Self::START.saturating_add(self.elapsed());
        UNIX_EPOCH.checked_add(at).unwrap_or(UNIX_EPOCH)
    }

    fn elapsed(&self) -> Duration {
        lock(&self.state).elapsed
    }

    async fn sleep(&self, duration: Duration) {
        self.begin(duration).await;
    }
}

impl TestClock for ManualClock {
    fn skip(&self, duration: Duration) {
        self.advance(duration);
    }

    fn hold(&self, held: bool) {
        lock(&self.state).held = held;
    }

    fn nudge(&self) {
        let mut state = lock(&self.state);
        if let Some((end, _)) = state.sleeps.first().copied() {
            state.elapsed = state.elapsed.max(end);
            state.sleeps.pop_first();
            state.changes += 1;
        }
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    key: SleepKey,
    /// The count of changes at the last poll.
    seen: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.state);
        let mut state = lock(&shared);
        let (end, _) = self.key;
        if state.elapsed >= end {
            return Poll::Ready(());
        }
        let all_wait = self.seen == Some(state.changes);
        if all_wait && !state.held && state.sleeps.first() == Some(&self.key) {
            state.elapsed = end;
            state.changes += 1;
            return Poll::Ready(());
        }
        self.seen = Some(state.changes);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.sleeps.remove(&self.key);
        state.changes += 1;
    }
}

/// The machine's clock with a wall clock that can be put forward, for programs that use real
/// sockets and yet want to skip an hour.
///
/// Sleeping and [`elapsed`](Clock::elapsed) are tokio's own. Clones share one time.
#[derive(Clone, Debug, Default)]
pub struct TravelClock {
    real: TokioClock,
    ahead: Arc<Mutex<Duration>>,
}

impl TravelClock {
    /// The machine's clock, not put forward yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the wall clock forward.
    pub fn travel(&self, duration: Duration) {
        let mut ahead = lock(&self.ahead);
        *ahead = ahead.saturating_add(duration);
    }
}

#[async_trait]
impl Clock for TravelClock {
    fn now(&self) -> SystemTime {
        let now = self.real.now();
        now.checked_add(*lock(&self.ahead)).unwrap_or(now)
    }

    fn elapsed(&self) -> Duration {
        self.real.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.real.sleep(duration).await;
    }
}

impl TestClock for TravelClock {
    fn skip(&self, duration: Duration) {
        self.travel(duration);
    }

    fn is_real(&self) -> bool {
        true
    }
}

/// The clock of a [`Simulator`](crate::Simulator), whichever it is, to give to a
/// [`Rotator`](rotation_core::Rotator).
#[derive(Clone)]
pub struct SharedClock(pub(crate) Arc<dyn TestClock>);

#[async_trait]
impl Clock for SharedClock {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

impl TestClock for SharedClock {
    fn skip(&self, duration: Duration) {
        self.0.skip(duration);
    }

    fn hold(&self, held: bool) {
        self.0.hold(held);
    }

    fn nudge(&self) {
        self.0.nudge();
    }

    fn is_real(&self) -> bool {
        self.0.is_real()
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn};
    use std::pin::pin;

    const SECOND: Duration = Duration::from_secs(1);

    /// `future`, cut off by a timer that is polled after it, as the framework does.
    async fn within<F: Future>(clock: &ManualClock, limit: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut timer = clock.sleep(limit);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    #[tokio::test]
    async fn several_sleeps_within_a_timer_do_not_run_it_out() {
        let clock = ManualClock::new();
        let work = async {
            for _ in 0..5 {
                clock.sleep(SECOND).await;
            }
        };
        assert_eq!(within(&clock, 6 * SECOND, work).await, Some(()));
        assert_eq!(clock.elapsed(), 5 * SECOND);
    }

    #[tokio::test]
    async fn work_that_yields_after_a_sleep_is_not_cut_off() {
        let clock = ManualClock::new();
        let work = async {
            clock.sleep(SECOND).await;
            tokio::task::yield_now().await;
        };
        assert_eq!(within(&clock, 2 * SECOND, work).await, Some(()));
        assert_eq!(clock.elapsed(), SECOND);
    }

    #[tokio::test]
    async fn a_timer_around_a_hang_runs_out_and_no_later() {
        let clock = ManualClock::new();
        let hang = within(&clock, 2 * SECOND, pending::<()>());
        assert_eq!(within(&clock, 9 * SECOND, hang).await, Some(None));
        assert_eq!(clock.elapsed(), 2 * SECOND);
    }

    #[tokio::test]
    async fn sleeps_of_several_tasks_end_in_order() {
        let clock = ManualClock::new();
        let order = Mutex::new(Vec::new());
        let nap = |seconds| {
            let (clock, order) = (&clock, &order);
            async move {
                clock.sleep(SECOND * seconds).await;
                order.lock().unwrap().push((seconds, clock.elapsed()));
            }
        };
        tokio::join!(nap(3), nap(1), nap(2));
        assert_eq!(order.into_inner().unwrap(), [1, 2, 3].map(|s| (s, SECOND * s)));
    }

    #[test]
    fn a_held_clock_stands_still() {
        let clock = ManualClock::new();
        clock.hold(true);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut sleep = clock.sleep(SECOND);
        for _ in 0..5 {
            assert!(sleep.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(clock.elapsed(), Duration::ZERO);
        clock.hold(false);
        assert!(sleep.as_mut().poll(&mut cx).is_ready());
        assert_eq!(clock.elapsed(), SECOND);
    }

    #[tokio::test]
    async fn travel_moves_the_wall_clock_only() {
        let clock = TravelClock::new();
        let (wall, elapsed) = (clock.now(), clock.elapsed());
        clock.travel(3600 * SECOND);
        assert!(clock.now() >= wall + 3600 * SECOND);
        assert!(clock.elapsed() < elapsed + 60 * SECOND);
    }
}
