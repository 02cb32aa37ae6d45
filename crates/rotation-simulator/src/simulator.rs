//! Secrets Manager in process: the model, a clock, the faults, and the doors to them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rotation_core::Clock;
use tokio::sync::Notify;

use crate::clock::{ManualClock, SharedClock, TestClock};
use crate::faults::Faults;
use crate::model::{Activity, ApiError, Model, Principal, Request, RotationEventRecord, ServiceOptions};
use crate::sync::lock;

use call::Call;
use labels::LabelTable;

pub(crate) mod call;
mod drive;
mod due;
mod function;
pub(crate) mod labels;
pub(crate) mod look;
pub(crate) mod operator;
pub(crate) mod run;
pub(crate) mod store;

/// A Secrets Manager of one's own, in process.
///
/// Clones share everything. [`store`](Self::store) is the rotation function's door, through which
/// [`faults`](Self::faults) strike; [`operator`](Self::operator) is everybody else's;
/// [`run`](Self::run) and [`step`](Self::step) invoke the function as the service does.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    model: Mutex<Model>,
    calls: Mutex<Vec<Call>>,
    faults: Faults,
    clock: SharedClock,
    /// Notified of each request that writes, whichever door it came through.
    written: Arc<Notify>,
}

impl Simulator {
    /// A service with no secrets, and a [`ManualClock`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(ManualClock::new())
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(clock: impl TestClock) -> Self {
        let clock = SharedClock(Arc::new(clock));
        Self {
            shared: Arc::new(Shared {
                model: Mutex::default(),
                calls: Mutex::default(),
                faults: Faults::holding(Arc::new(clock.clone())),
                clock,
                written: Arc::default(),
            }),
        }
    }

    /// Changes what AWS does not publish, from now on.
    pub fn configure(&self, change: impl FnOnce(&mut ServiceOptions)) {
        change(self.model().options_mut());
    }

    /// The clock, for a [`Rotator`](rotation_core::Rotator).
    #[must_use]
    pub fn clock(&self) -> SharedClock {
        self.shared.clock.clone()
    }

    /// Puts the wall clock forward.
    pub fn skip(&self, duration: Duration) {
        self.shared.clock.skip(duration);
    }

    /// The plan of faults; targets take a clone of it, so that their requests count, too.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// Answers a request, with no faults: what a door does.
    pub(crate) fn call<R: Request>(&self, principal: Principal, request: R) -> Result<R::Response, ApiError> {
        self.answer(principal, request, false)
    }

    fn answer<R: Request>(
        &self,
        principal: Principal,
        request: R,
        stale: bool,
    ) -> Result<R::Response, ApiError> {
        let call = Call::new(principal, &request);
        let now = self.shared.clock.now();
        let answer = if stale {
            self.model().handle_stale(principal, request, now)
        } else {
            self.model().handle(principal, request, now)
        };
        self.log(call, answer.as_ref().err());
        if R::WRITES {
            self.shared.written.notify_one();
        }
        answer
    }

    /// Who waits for it wakes up after each request that writes.
    #[cfg(feature = "server")]
    pub(crate) fn written(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.written)
    }

    fn log(&self, mut call: Call, error: Option<&ApiError>) {
        if let Some(error) = error {
            call.outcome = error.code().as_str();
        }
        lock(&self.shared.calls).push(call);
    }

    /// The calls that reached the service, through every door.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        lock(&self.shared.calls).clear();
    }

    /// The rotation events so far, as CloudTrail names them.
    #[must_use]
    pub fn records(&self) -> Vec<RotationEventRecord> {
        self.model().records().to_vec()
    }

    /// Tells `observer` of everything that happens from now on, instead of the observer of before.
    ///
    /// It is called while the simulator is at work: it must not ask the simulator anything.
    pub fn observe(&self, observer: impl Fn(&Activity) + Send + Sync + 'static) {
        self.model().observe(observer);
    }

    /// Denies an action to a principal, as an IAM policy does: `PutSecretValue`. With `kms:Decrypt` values can
    /// be neither read nor written, with `kms:GenerateDataKey` not written, as with a key's policy.
    pub fn deny(&self, principal: Principal, action: &str) {
        self.model().deny(principal, action);
    }

    /// Allows it again.
    pub fn allow(&self, principal: Principal, action: &str) {
        self.model().allow(principal, action);
    }

    /// The versions of a secret and their labels, to be printed; empty if there is no such secret.
    #[must_use]
    pub fn labels(&self, secret_id: &str) -> LabelTable {
        LabelTable::new(self.model().versions(secret_id))
    }

    /// The model itself, locked. Do not hold it across an await.
    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.shared.model)
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}
