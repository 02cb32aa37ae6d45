//! Backends and doubles of tired authors.

use std::sync::atomic::{AtomicBool, Ordering};

use rotation_core::{
    Applied, BackendError, CredentialBackend, Live, Profile, Retire, Retirement, SecretValue, StepContext,
    async_trait,
};
use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend};
use rotation_testkit::conformance::{Clause, Conformance, Verdict};
use rotation_testkit::{Faults, Simulator, Staged, Subject, Target};

/// What is odd about a backend or its double.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Odd {
    /// setSecret's error quotes the current key and the pending one.
    QuotesBothKeys,
    /// `alive` is left for later.
    NobodyIsAlive,
    /// Faults strike around its calls, and a call that was dropped leaves it locked.
    StaysLocked,
    /// Its double has a plan of faults of its own.
    NothingStrikes,
    /// A key that is not known is rejected for good.
    RejectsTheUnknown,
    /// No answer is a reason to panic.
    Panics,
    /// A request that mints is sent again when its answer is lost.
    MintsAgain,
}

pub(crate) struct Keys(pub(crate) Odd);

#[async_trait]
impl Subject for Keys {
    type Backend = Backend;

    async fn stage(&self, simulator: &Simulator) -> Staged<Backend> {
        let faults = match self.0 {
            Odd::NothingStrikes => Faults::new(),
            _ => simulator.faults(),
        };
        let target = MintedKeys::new(faults);
        let first = target.mint("made by hand").to_value();
        let backend = Backend {
            backend: MintingBackend::new(target.clone()),
            odd: self.0,
            busy: AtomicBool::new(false),
        };
        let odd = self.0;
        match odd {
            Odd::StaysLocked => {
                Staged::new(backend, first, Double { target, odd }).with_faults_around_calls()
            }
            _ => Staged::new(backend, first, Double { target, odd }),
        }
    }
}

pub(crate) struct Double {
    target: MintedKeys,
    odd: Odd,
}

#[async_trait]
impl Target for Double {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value
            .decode::<MintedKey>()
            .is_ok_and(|key| self.target.authenticates(&key))
    }

    async fn alive(&self) -> Vec<String> {
        match self.odd {
            Odd::NobodyIsAlive => Vec::new(),
            _ => self.target.alive(),
        }
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        Some(SecretValue::text(r#"{"key_id":"key-9999","key":"mk_of-nobody"}"#))
    }
}

pub(crate) struct Backend {
    backend: MintingBackend,
    odd: Odd,
    busy: AtomicBool,
}

#[async_trait]
impl CredentialBackend for Backend {
    type Credential = MintedKey;

    fn profile(&self) -> Profile {
        match self.odd {
            Odd::QuotesBothKeys => Profile::minted("odd").activated_in_set(),
            _ => Profile::minted("odd"),
        }
    }

    fn id(&self, key: &MintedKey) -> Option<String> {
        self.backend.id(key)
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, MintedKey>,
    ) -> Result<MintedKey, BackendError> {
        if self.odd == Odd::StaysLocked && self.busy.swap(true, Ordering::SeqCst) {
            return Err(BackendError::misconfigured("another call is under way"));
        }
        let made = match self.backend.create(ctx, live).await {
            Err(_) if self.odd == Odd::MintsAgain => self.backend.create(ctx, live).await,
            made => made,
        };
        self.busy.store(false, Ordering::SeqCst);
        assert!(made.is_ok() || self.odd != Odd::Panics, "no answer");
        made
    }

    async fn set(
        &self,
        _: &StepContext<'_>,
        pending: &MintedKey,
        live: Live<'_, MintedKey>,
    ) -> Result<(), BackendError> {
        Err(BackendError::unavailable(format!(
            "{} was not replaced by {}",
            live.current().key.expose_secret(),
            pending.key.expose_secret()
        )))
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &MintedKey) -> Result<(), BackendError> {
        match self.backend.test(ctx, pending).await {
            Err(error) if self.odd == Odd::RejectsTheUnknown && error.to_string().contains("not know") => {
                Err(BackendError::rejected("401", Applied::Nothing))
            }
            tested => tested,
        }
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        key: &MintedKey,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        self.backend.retire(ctx, key, why).await
    }
}

#[track_caller]
pub(crate) fn broken(odd: Odd, clause: Clause) -> String {
    match Conformance::new(Keys(odd)).check(clause) {
        Verdict::Broken(what) => what,
        other => panic!("{clause} of {odd:?}: {other:?}"),
    }
}
