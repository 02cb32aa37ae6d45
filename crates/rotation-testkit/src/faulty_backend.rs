//! Any backend, with faults before and after its calls and a look at which call is under way.

use std::collections::BTreeSet;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use rotation_core::{
    Applied, BackendError, CredentialBackend, Live, Profile, Retire, Retirement, Step, StepContext,
    async_trait,
};
use rotation_simulator::{Faults, Interruption, Passage};
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

/// What a backend was asked, as far as the invariants need it.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The ids of what it was asked to retire, ever.
    pub(crate) begun: BTreeSet<String>,
    /// The ids of what it says that it retired, to be taken out.
    pub(crate) ended: Vec<Option<String>>,
    /// The versions whose credential testSecret proved.
    pub(crate) tested: BTreeSet<String>,
    /// The first request that was sent when the call's time was over.
    pub(crate) late: Option<String>,
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

    /// As it is staged: only watched, where faults strike its own requests.
    pub(crate) fn staged(backend: B, faults: Faults, coarse: bool) -> Self {
        Self {
            strikes: coarse,
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
        ctx: &StepContext<'_>,
        name: &'static str,
        call: impl Future<Output = Result<T, BackendError>> + Send,
    ) -> Result<T, BackendError> {
        if !self.strikes {
            return self.in_time(ctx, call).await;
        }
        match self.in_time(ctx, self.faults.pass_call(name, call)).await {
            Ok(result) => result,
            Err(interruption) => Err(as_the_target(interruption)),
        }
    }

    /// Notes a request that the call decides to send although it has no time left. One that was decided in time and
    /// had to wait for its turn is none: no process can keep a request from being late that it has handed over.
    async fn in_time<T>(&self, ctx: &StepContext<'_>, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        let mut handed_over = false;
        poll_fn(|cx| {
            let (before, over) = (self.faults.count(), ctx.remaining().is_zero());
            let polled = call.as_mut().poll(cx);
            let sent = self.faults.passages_after(before);
            let none_sent = sent.is_empty();
            if over {
                let sent = sent.into_iter().skip(usize::from(handed_over));
                let mut late = sent.filter(Passage::reaches_target);
                let mut asked = lock(&self.asked);
                asked.late = asked.late.take().or(late.next().map(|passage| passage.name));
            }
            // One that waits still was handed over if it was before; one that begins to wait, if there is time.
            handed_over = self.faults.is_waiting() && (handed_over && none_sent || !over);
            polled
        })
        .await
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
        self.pass(ctx, "create()", create).await
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &B::Credential,
        live: Live<'_, B::Credential>,
    ) -> Result<(), BackendError> {
        self.pass(ctx, "set()", self.backend.set(ctx, pending, live))
            .await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &B::Credential) -> Result<(), BackendError> {
        let tested = self.pass(ctx, "test()", self.backend.test(ctx, pending)).await;
        if tested.is_ok() && ctx.step() == Step::TestSecret {
            lock(&self.asked).tested.insert(ctx.version().to_owned());
        }
        tested
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &B::Credential,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        let id = self.backend.id(credential);
        lock(&self.asked).begun.extend(id.clone());
        let call = self.backend.retire(ctx, credential, why);
        let result = self.pass(ctx, "retire()", call).await;
        // Only what was ended counts: a user's name is the id of more than one version's credential.
        if matches!(result, Ok(Retirement::Retired)) {
            lock(&self.asked).ended.push(id);
        }
        result
    }
}

impl<B> fmt::Debug for FaultyBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBackend").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rotation_core::{Clock, Outside};
    use rotation_simulator::ManualClock;

    use super::*;
    use crate::backends::{MintedKeys, MintingBackend};

    /// The framework drops a call at its deadline; so this one is made by hand.
    #[tokio::test]
    async fn a_request_after_the_deadline_is_noted() {
        let (clock, faults) = (ManualClock::new(), Faults::new());
        let target = MintedKeys::new(faults.clone());
        let backend = FaultyBackend::staged(MintingBackend::new(target), faults.clone(), false);
        let time = Duration::from_secs(1);
        let outside = Outside::new(&clock);
        let ctx = outside.context("arn", "version", Step::TestSecret, time);
        let sends = |name: &'static str| faults.pass(name, || ());
        _ = backend.in_time(&ctx, sends("in time")).await;
        assert_eq!(lock(&backend.asked).late, None);
        clock.sleep(time).await;
        _ = backend.in_time(&ctx, sends("GetSecretValue")).await;
        assert_eq!(
            lock(&backend.asked).late,
            None,
            "Secrets Manager is not the target"
        );
        _ = backend.in_time(&ctx, sends("too late")).await;
        assert_eq!(lock(&backend.asked).late.as_deref(), Some("too late"));
    }
}
