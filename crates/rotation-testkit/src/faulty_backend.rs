//! Any backend, with faults before and after its calls and a look at which call is under way.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use rotation_core::{
    Applied, BackendError, CredentialBackend, Live, Profile, Retire, Retirement, StepContext, async_trait,
};
use rotation_simulator::{Faults, Interruption};
use serde_json::Value;

use crate::sync::lock;

/// A backend whose calls pass the [`Faults`], by the names `create()`, `set()`, `test()` and `retire()`:
/// for a backend whose target has no double that counts requests.
///
/// A fault before a call keeps it from being made; one after it lets it be made. To the framework a lost
/// request or answer, a throttle and an internal error are [unavailable](BackendError::unavailable), a
/// denial is [misconfigured](BackendError::misconfigured), a refusal is
/// [rejected](BackendError::rejected) with [`Applied::Maybe`].
///
/// ```
/// use rotation_core::Rotator;
/// use rotation_testkit::backends::{MintedKeys, MintingBackend};
/// use rotation_testkit::{Fault, Faults, FaultyBackend, Simulator};
///
/// let simulator = Simulator::new();
/// let target = MintedKeys::new(Faults::new()); // a target that nothing strikes
/// let backend = FaultyBackend::new(MintingBackend::new(target), simulator.faults());
/// simulator.faults().at_nth("create()", 1, Fault::CrashAfter);
/// let rotator = Rotator::new(backend, simulator.store()).with_clock(simulator.clock());
/// # drop(rotator);
/// ```
pub struct FaultyBackend<B> {
    backend: Arc<B>,
    faults: Faults,
    strikes: bool,
    asked: Arc<Mutex<Asked>>,
    /// What the backend made, in clear, whether it was stored or not: to look for in output.
    made: Arc<Mutex<Vec<Made>>>,
}

/// A credential that was made.
pub(crate) struct Made {
    pub(crate) id: Option<String>,
    pub(crate) credential: Value,
}

/// What a backend was asked to retire.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The ids, ever.
    pub(crate) begun: BTreeSet<String>,
    /// Those that may have been ended by calls that are over, to be taken out.
    pub(crate) ended: Vec<Option<String>>,
}

impl<B: CredentialBackend> FaultyBackend<B> {
    /// This backend under these faults.
    pub fn new(backend: B, faults: Faults) -> Self {
        Self {
            backend: Arc::new(backend),
            faults,
            strikes: true,
            asked: Arc::default(),
            made: Arc::default(),
        }
    }

    /// The same backend, only watched: faults strike its own requests.
    pub(crate) fn watching(backend: B, faults: Faults) -> Self {
        Self {
            strikes: false,
            ..Self::new(backend, faults)
        }
    }

    pub(crate) fn shared(&self) -> Arc<B> {
        Arc::clone(&self.backend)
    }

    pub(crate) fn asked(&self) -> Arc<Mutex<Asked>> {
        Arc::clone(&self.asked)
    }

    /// What the backend made.
    pub(crate) fn made(&self) -> Arc<Mutex<Vec<Made>>> {
        Arc::clone(&self.made)
    }

    async fn pass<T: Send>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, BackendError>> + Send,
    ) -> Result<T, BackendError> {
        if !self.strikes {
            return call.await;
        }
        match self.faults.pass_call(name, call).await {
            Ok(result) => result,
            Err(interruption) => Err(as_the_target(interruption)),
        }
    }
}

fn as_the_target(interruption: Interruption) -> BackendError {
    match interruption {
        Interruption::Denied => BackendError::misconfigured("the target does not allow it"),
        Interruption::Refused => BackendError::rejected("the target refuses it", Applied::Maybe),
        // No answer, throttled, failed within: later it may work.
        _ => BackendError::unavailable("the target did not do what it was asked"),
    }
    .with_source(interruption)
}

#[async_trait]
impl<B: CredentialBackend> CredentialBackend for FaultyBackend<B> {
    type Credential = B::Credential;

    fn profile(&self) -> Profile {
        self.backend.profile()
    }

    fn id(&self, credential: &B::Credential) -> Option<String> {
        self.backend.id(credential)
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, B::Credential>,
    ) -> Result<B::Credential, BackendError> {
        let create = async {
            let made = self.backend.create(ctx, live).await;
            if let Ok(made) = &made {
                // What does not serialise cannot be stored either.
                let id = self.backend.id(made);
                lock(&self.made).extend(serde_json::to_value(made).map(|credential| Made { id, credential }));
            }
            made
        };
        self.pass("create()", create).await
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &B::Credential,
        live: Live<'_, B::Credential>,
    ) -> Result<(), BackendError> {
        self.pass("set()", self.backend.set(ctx, pending, live)).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &B::Credential) -> Result<(), BackendError> {
        self.pass("test()", self.backend.test(ctx, pending)).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &B::Credential,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        let id = self.backend.id(credential);
        lock(&self.asked).begun.extend(id.clone());
        let mut ending = Ending {
            asked: &self.asked,
            id,
            ended: true,
        };
        let call = self.backend.retire(ctx, credential, why);
        let result = self.pass("retire()", call).await;
        ending.ended = !matches!(result, Ok(Retirement::Kept(_) | Retirement::AlreadyGone));
        result
    }
}

/// One call of retire. Puts the id down when the call is over, or was dropped, unless the answer is that nothing
/// was ended: a user's name is the id of more than one version's credential.
struct Ending<'a> {
    asked: &'a Mutex<Asked>,
    id: Option<String>,
    ended: bool,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if self.ended {
            lock(self.asked).ended.push(self.id.take());
        }
    }
}

impl<B> fmt::Debug for FaultyBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBackend").finish_non_exhaustive()
    }
}
