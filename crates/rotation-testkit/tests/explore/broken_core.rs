//! Cores that are right but for one thing, each named by its fault: the framework's own rotator, told
//! something wrong at one of its seams, so that it does what a core without this safeguard would do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotation_core::{
    AWSCURRENT, AWSPENDING, BackendError, CredentialBackend, Live, LiveIds, Outcome, Profile, Retire,
    Retirement, Rotate, RotationError, RotationEvent, Rotator, SecretDescription, SecretStore, SecretString,
    SecretValue, Step, StepContext, StepReport, StoreError, StoreErrorKind, StoredVersion, VersionRef,
    async_trait,
};
use rotation_testkit::explore::Parts;
use rotation_testkit::{SeededRandom, SimulatorStore};

/// The safeguard that is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mutation {
    /// testSecret takes every pending credential.
    PromotesUntested,
    /// createSecret stores the new value as `AWSCURRENT`.
    PutsAsCurrent,
    /// createSecret changes the target before it stores what it changed it to.
    SetsBeforeItStores,
    /// createSecret stores under a version id of its own.
    ForgetsTheToken,
    /// A version that failed once is never tried again.
    GivesUpAtTheFirstFailure,
    /// What falls off its last label is not retired.
    KeepsWhatFallsOff,
    /// finishSecret of a version that is current returns, and resumes no clean-up.
    ReturnsWhenCurrent,
    /// `create` is not told which credentials versions hold.
    TellsNoIds,
    /// A put whose answer was lost counts as refused, and nobody looks.
    EndsWhatMayBeStored,
    /// An error quotes the value.
    QuotesTheValue,
    /// A log line has the value.
    LogsTheValue,
    /// finishSecret moves `AWSCURRENT` from whatever version has it.
    MovesWhateverIsCurrent,
    /// A rejected value keeps its label.
    ReleasesNothing,
    /// testSecret of a dry run makes a credential.
    MakesOneInADryRun,
}

/// The framework's rotator with this safeguard taken out.
pub(crate) fn broken<B: CredentialBackend>(parts: Parts<B>, mutation: Mutation) -> Arc<dyn Rotate> {
    let Parts {
        backend,
        simulator,
        grace,
        ..
    } = parts;
    let store = Store {
        store: simulator.store(),
        simulator: simulator.clone(),
        mutation,
    };
    let dry = Arc::new(AtomicBool::new(false));
    let backend = Told {
        backend,
        mutation,
        dry: Arc::clone(&dry),
    };
    let rotator = Rotator::new(backend, store)
        .with_clock(simulator.clock())
        .with_random(SeededRandom::new(1))
        .with_grace(grace);
    Arc::new(Around {
        rotator,
        simulator,
        mutation,
        failed: Mutex::default(),
        dry,
    })
}

struct Around<R> {
    rotator: R,
    simulator: rotation_testkit::Simulator,
    mutation: Mutation,
    failed: Mutex<BTreeSet<String>>,
    /// Whether the version under way is the copy that a dry run makes.
    dry: Arc<AtomicBool>,
}

#[async_trait]
impl<R: Rotate> Rotate for Around<R> {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        let token = event.client_request_token();
        let labels = self.simulator.labels(event.secret_id());
        let current = labels.version_with(AWSCURRENT) == Some(token);
        if self.mutation == Mutation::ReturnsWhenCurrent && event.step() == Step::FinishSecret && current {
            return Ok(StepReport::new(Outcome::AlreadyCurrent, Vec::new()));
        }
        let value = |label| {
            self.simulator
                .holding(event.secret_id(), label)
                .and_then(|(_, value)| value)
        };
        let copied = value(AWSPENDING) == value(AWSCURRENT);
        self.dry.store(copied, Ordering::Relaxed);
        let gives_up = self.mutation == Mutation::GivesUpAtTheFirstFailure;
        if gives_up && self.failed.lock().unwrap().contains(token) {
            return self.rotator.rotate(event, Duration::ZERO).await;
        }
        let result = self.rotator.rotate(event, remaining).await;
        if result.is_err() {
            self.failed.lock().unwrap().insert(token.to_owned());
        }
        result
    }
}

struct Told<B> {
    backend: B,
    mutation: Mutation,
    dry: Arc<AtomicBool>,
}

#[async_trait]
impl<B: CredentialBackend> CredentialBackend for Told<B> {
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
        let nothing = LiveIds::new([]);
        let live = match self.mutation {
            Mutation::TellsNoIds => Live::new(live.current(), live.previous(), &nothing),
            _ => live,
        };
        let made = self.backend.create(ctx, live).await?;
        if self.mutation == Mutation::SetsBeforeItStores {
            self.backend.set(ctx, &made, live).await?;
        }
        Ok(made)
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &B::Credential,
        live: Live<'_, B::Credential>,
    ) -> Result<(), BackendError> {
        self.backend.set(ctx, pending, live).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &B::Credential) -> Result<(), BackendError> {
        match self.mutation {
            Mutation::PromotesUntested => Ok(()),
            Mutation::MakesOneInADryRun if self.dry.load(Ordering::Relaxed) => {
                let ids = LiveIds::new([self.backend.id(pending)]).incomplete();
                let made = self.backend.create(ctx, Live::new(pending, None, &ids)).await;
                made.map(|_| ())
            }
            _ => self.backend.test(ctx, pending).await,
        }
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &B::Credential,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        match (self.mutation, why) {
            (Mutation::KeepsWhatFallsOff, Retire::FallingOff) => Ok(Retirement::kept("forgotten")),
            _ => self.backend.retire(ctx, credential, why).await,
        }
    }
}

#[derive(Debug)]
struct Store {
    store: SimulatorStore,
    simulator: rotation_testkit::Simulator,
    mutation: Mutation,
}

fn in_clear(value: &SecretValue) -> String {
    match value {
        SecretValue::Text(text) => text.expose_secret().to_owned(),
        SecretValue::Binary(_) => String::new(),
    }
}

#[async_trait]
impl SecretStore for Store {
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        self.store.describe(secret_id).await
    }

    async fn read(&self, secret_id: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        if self.mutation == Mutation::EndsWhatMayBeStored && matches!(version, VersionRef::Id(_)) {
            return Err(StoreError::not_applied(StoreErrorKind::NotFound, "nobody looks"));
        }
        self.store.read(secret_id, version).await
    }

    async fn put_pending(
        &self,
        secret_id: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        if self.mutation == Mutation::LogsTheValue {
            tracing::debug!(value = in_clear(value), "storing");
        }
        let own = format!("{}-of-its-own", token.get(..24).unwrap_or(token));
        let token = match self.mutation {
            Mutation::ForgetsTheToken => own.as_str(),
            _ => token,
        };
        let put = self
            .store
            .put_pending(secret_id, token, value, rotation_token)
            .await;
        match (self.mutation, put) {
            (Mutation::PutsAsCurrent, Ok(())) => {
                let current = self.simulator.labels(secret_id);
                let current = current.version_with(AWSCURRENT).unwrap_or_default();
                self.store.promote(secret_id, token, current).await
            }
            (Mutation::QuotesTheValue, Err(_)) => Err(StoreError::unknown(format!(
                "could not store {}",
                in_clear(value)
            ))),
            (Mutation::EndsWhatMayBeStored, Err(_)) => Err(StoreError::not_applied(
                StoreErrorKind::Unavailable,
                "no answer, so not stored",
            )),
            (_, put) => put,
        }
    }

    async fn promote(&self, secret_id: &str, to: &str, from: &str) -> Result<(), StoreError> {
        let promoted = self.store.promote(secret_id, to, from).await;
        if self.mutation == Mutation::MovesWhateverIsCurrent && promoted.is_err() {
            let labels = self.simulator.labels(secret_id);
            let current = labels.version_with(AWSCURRENT).unwrap_or(from);
            return self.store.promote(secret_id, to, current).await;
        }
        promoted
    }

    async fn release_pending(&self, secret_id: &str, version: &str) -> Result<(), StoreError> {
        if self.mutation == Mutation::ReleasesNothing {
            return Ok(());
        }
        self.store.release_pending(secret_id, version).await
    }
}
