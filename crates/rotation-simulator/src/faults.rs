//! What goes wrong, planned by number or by name, and proof that it did.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::clock::TestClock;
use crate::fault::{Fault, Interruption, Passage};
use crate::sync::lock;

use gate::Gate;

mod gate;
mod turns;

/// The plan of faults, and the record of effects, shared by every door to the outside world.
///
/// Each effect of a rotation function passes here by its name and gets a running number. A fault
/// is planned for a number ([`at`](Self::at)) or for an occurrence of a name
/// ([`at_nth`](Self::at_nth)), and strikes once.
///
/// # Crashes
///
/// A crash is a future that never goes on, and a flag. The [driver](crate::Simulator::step) looks
/// at the flag after each poll and drops the future, as a process that dies drops everything it was
/// about to do. Manual time stands still between the two.
///
/// ```
/// use rotation_simulator::{Fault, Faults, Interruption};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let faults = Faults::new();
/// faults.at_nth("POST /keys", 2, Fault::LoseResponse);
///
/// let mut keys = 0;
/// assert_eq!(faults.pass("POST /keys", || keys += 1).await, Ok(()));
/// assert_eq!(faults.pass("POST /keys", || keys += 1).await, Err(Interruption::NoAnswer));
/// assert_eq!(keys, 2); // it was applied all the same
/// assert!(faults.all_struck());
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    clock: Option<Arc<dyn TestClock>>,
}

#[derive(Default)]
struct State {
    plans: Vec<Plan>,
    passages: Vec<Passage>,
    crashed: bool,
    driver: Option<Waker>,
    gate: Gate,
}

struct Plan {
    place: Place,
    fault: Fault,
    struck: bool,
}

enum Place {
    Number(usize),
    Nth { name: String, occurrence: usize },
}

impl Faults {
    /// No faults planned.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No faults planned; a crash holds this clock until it was [taken](Self::take_crash).
    pub(crate) fn holding(clock: Arc<dyn TestClock>) -> Self {
        Self {
            state: Arc::default(),
            clock: Some(clock),
        }
    }

    /// Plans a fault for the effect with this number, counted from 1 since the last
    /// [`clear`](Self::clear).
    pub fn at(&self, number: usize, fault: Fault) {
        self.plan(Place::Number(number), fault);
    }

    /// Plans a fault for the effect that is the `occurrence`th of this name, counted from 1.
    pub fn at_nth(&self, name: impl Into<String>, occurrence: usize, fault: Fault) {
        let name = name.into();
        self.plan(Place::Nth { name, occurrence }, fault);
    }

    fn plan(&self, place: Place, fault: Fault) {
        let struck = false;
        lock(&self.state).plans.push(Plan { place, fault, struck });
    }

    /// Does an effect that writes, or that cannot be stale, under the fault planned for it.
    ///
    /// # Errors
    ///
    /// An [`Interruption`] when the fault is one that the caller hears of.
    pub async fn pass<T>(&self, name: &str, apply: impl FnOnce() -> T) -> Result<T, Interruption> {
        self.turn().await;
        let fault = self.begin(name, |fault| fault != Fault::Stale);
        self.under(fault, |_| apply()).await
    }

    /// Does an effect that only reads; `apply` is told whether to answer from an older state.
    ///
    /// # Errors
    ///
    /// An [`Interruption`] when the fault is one that the caller hears of.
    pub(crate) async fn pass_read<T>(
        &self,
        name: &str,
        apply: impl FnOnce(bool) -> T,
    ) -> Result<T, Interruption> {
        self.turn().await;
        let fault = self.begin(name, |_| true);
        self.under(fault, apply).await
    }

    /// Does an effect that takes its time, under the fault planned for it: a whole call of a backend.
    ///
    /// # Errors
    ///
    /// An [`Interruption`] when the fault is one that the caller hears of.
    pub async fn pass_call<T>(&self, name: &str, call: impl Future<Output = T>) -> Result<T, Interruption> {
        self.turn().await;
        match self.begin(name, |fault| fault != Fault::Stale) {
            Some(Fault::CrashAfter) => {
                call.await;
                self.crash().await
            }
            Some(Fault::LoseResponse) => {
                call.await;
                Err(Interruption::NoAnswer)
            }
            Some(Fault::HangAfter) => {
                call.await;
                pending().await
            }
            None => Ok(call.await),
            // None of the others applies anything; so there is nothing to hand on.
            fault => self.under(fault, |_| ()).await.and(Err(Interruption::NoAnswer)),
        }
    }

    /// Waits until a scheduler lets the next effect through; at once where none does.
    async fn turn(&self) {
        poll_fn(|cx| lock(&self.state).gate.poll(cx)).await;
    }

    async fn under<T>(&self, fault: Option<Fault>, apply: impl FnOnce(bool) -> T) -> Result<T, Interruption> {
        match fault {
            None => Ok(apply(false)),
            Some(Fault::Stale) => Ok(apply(true)),
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                apply(false);
                self.crash().await
            }
            Some(Fault::LoseRequest) => Err(Interruption::NoAnswer),
            Some(Fault::LoseResponse) => {
                apply(false);
                Err(Interruption::NoAnswer)
            }
            Some(Fault::Throttle) => Err(Interruption::Throttled),
            Some(Fault::Deny) => Err(Interruption::Denied),
            Some(Fault::InternalError) => Err(Interruption::InternalError),
            Some(Fault::Refuse) => Err(Interruption::Refused),
            Some(Fault::Hang) => pending().await,
            Some(Fault::HangAfter) => {
                apply(false);
                pending().await
            }
        }
    }

    /// Numbers and records an effect, and hands out the fault planned for it, for a door that carries it out by
    /// itself. A planned fault of a kind that the door `can` not carry out does not strike, and stays in the plan.
    #[must_use]
    pub fn begin(&self, name: &str, can: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut state = lock(&self.state);
        let number = state.passages.len() + 1;
        let occurrence = state
            .passages
            .iter()
            .filter(|passage| passage.name == name)
            .count()
            + 1;
        let planned = |place: &Place| match place {
            Place::Number(at) => *at == number,
            Place::Nth {
                name: of,
                occurrence: at,
            } => of == name && *at == occurrence,
        };
        let fault = state
            .plans
            .iter_mut()
            .find(|plan| !plan.struck && planned(&plan.place) && can(plan.fault))
            .map(|plan| {
                plan.struck = true;
                plan.fault
            });
        state.passages.push(Passage {
            number,
            name: name.to_owned(),
            fault,
        });
        fault
    }

    /// The process dies here: sets the flag that the driver looks at, and never goes on.
    pub async fn crash(&self) -> ! {
        if let Some(clock) = &self.clock {
            clock.hold(true);
        }
        let driver = {
            let mut state = lock(&self.state);
            state.crashed = true;
            state.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
        loop {
            pending::<()>().await;
        }
    }

    /// Whether a crash struck since the last call, for a driver of one's own: drop the future
    /// first, then call this, which lets manual time go on.
    #[must_use]
    pub fn take_crash(&self) -> bool {
        let crashed = std::mem::take(&mut lock(&self.state).crashed);
        if let (true, Some(clock)) = (crashed, &self.clock) {
            clock.hold(false);
        }
        crashed
    }

    /// Ready once a crash struck; until then the crash wakes this context.
    pub(crate) fn poll_crashed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.crashed {
            return Poll::Ready(());
        }
        state.driver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Every effect passed, in order.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        lock(&self.state).passages.clone()
    }

    /// The effects that a fault struck.
    #[must_use]
    pub fn struck(&self) -> Vec<Passage> {
        let mut passages = self.passages();
        passages.retain(|passage| passage.fault.is_some());
        passages
    }

    /// Whether every planned fault struck. A test asserts this, so that it cannot pass empty.
    #[must_use]
    pub fn all_struck(&self) -> bool {
        lock(&self.state).plans.iter().all(|plan| plan.struck)
    }

    /// Forgets the plans and the record; the next effect is number 1 again.
    pub fn clear(&self) {
        let mut state = lock(&self.state);
        state.plans.clear();
        state.passages.clear();
    }
}

/// A crash kills the function's processes, and is over once they are dead.
#[cfg(feature = "server")]
impl rotation_lambda_host::KillSwitch for Faults {
    fn poll_wanted(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_crashed(cx)
    }

    fn killed(&self) {
        _ = self.take_crash();
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("passages", &self.passages())
            .finish_non_exhaustive()
    }
}
