//! When a function has to die.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::pool::Pool;

/// Decides when the processes of a [`Function`](crate::Function) die in the middle of an invocation: a plan of
/// faults, or a timer of a test's own.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::task::{Context, Poll};
/// use rotation_lambda_host::KillSwitch;
///
/// /// Kills once, at once.
/// struct Once(AtomicBool);
///
/// impl KillSwitch for Once {
///     fn poll_wanted(&self, _: &mut Context<'_>) -> Poll<()> {
///         match self.0.load(Ordering::SeqCst) {
///             true => Poll::Ready(()),
///             false => Poll::Pending,
///         }
///     }
///
///     fn killed(&self) {
///         self.0.store(false, Ordering::SeqCst);
///     }
/// }
/// ```
pub trait KillSwitch: Send + Sync + 'static {
    /// Ready once the processes have to die. Until then it wakes the task of `cx` when that changes.
    fn poll_wanted(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// The processes that had an invocation have been killed; from now on nobody has to die until
    /// [`poll_wanted`](Self::poll_wanted) says so again.
    fn killed(&self);
}

/// Kills the processes whenever the switch wants it.
pub(crate) async fn watch(switch: Box<dyn KillSwitch>, pool: Arc<Pool>) -> Infallible {
    loop {
        poll_fn(|cx| switch.poll_wanted(cx)).await;
        pool.kill_busy();
        // Only now: whoever hears of it may rely on the processes being dead.
        switch.killed();
    }
}
