//! Secrets Manager in process: the model, a clock, the faults, and the doors to them.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotation_core::Clock;
use tokio::sync::Notify;

use crate::clock::{ManualClock, SharedClock, TestClock};
use crate::faults::Faults;
use crate::model::{Activity, ApiError, Model, Principal, Request, RotationEventRecord, ServiceOptions};
use crate::sync::lock;

pub use labels::LabelTable;
pub use operator::Operator;
pub use store::SimulatorStore;

mod function;
mod labels;
mod operator;
mod store;

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

/// One call that reached the service. Never holds a value.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// Who called.
    pub principal: Principal,
    /// The action: `GetSecretValue`.
    pub action: &'static str,
    /// The ARN or name that was given.
    pub secret_id: String,
    /// The version that was named; of UpdateSecretVersionStage `MoveToVersionId`.
    pub version: Option<String>,
    /// Of UpdateSecretVersionStage `RemoveFromVersionId`: without it the label is moved whatever
    /// version has it.
    pub remove_from: Option<String>,
    /// The label that was named.
    pub stage: Option<String>,
    /// The code of the answer: `ok`, or that of the error.
    pub outcome: &'static str,
}

impl Call {
    fn new<R: Request>(principal: Principal, request: &R) -> Self {
        let asked = request.asked();
        Self {
            principal,
            action: R::ACTION,
            secret_id: request.secret_id().to_owned(),
            version: asked.version.map(str::to_owned),
            remove_from: asked.remove_from.map(str::to_owned),
            stage: asked.stage.map(str::to_owned),
            outcome: "ok",
        }
    }
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

    /// The rotation function's door, for a [`Rotator`](rotation_core::Rotator).
    #[must_use]
    pub fn store(&self) -> SimulatorStore {
        SimulatorStore::new(self.clone())
    }

    /// The door of everybody else: no faults strike there.
    #[must_use]
    pub fn operator(&self) -> Operator {
        Operator::new(self.clone())
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
    ///
    /// # Errors
    ///
    /// The [`ApiError`] that the service answers with.
    pub fn call<R: Request>(&self, principal: Principal, request: R) -> Result<R::Response, ApiError> {
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

    /// Tells `observer` of everything that happens from now on: [`Model::observe`].
    pub fn observe(&self, observer: impl Fn(&Activity) + Send + Sync + 'static) {
        self.model().observe(observer);
    }

    /// The versions of a secret and their labels, to be printed; empty if there is no such secret.
    #[must_use]
    pub fn labels(&self, secret_id: &str) -> LabelTable {
        LabelTable::new(self.model().versions(secret_id))
    }

    /// The model itself, locked: for what no method here does. Do not hold it across an await.
    #[must_use]
    pub fn model(&self) -> impl std::ops::DerefMut<Target = Model> + '_ {
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
