//! One stage, and direct calls of its backend as the framework makes them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rotation_core::{
    BackendError, CredentialBackend, CurrentReader, Live, LiveIds, Outside, Profile, Retire, Retirement,
    SecretValue, Step, StepContext,
};
use rotation_simulator::{Passage, SeededRandom, SharedClock, Simulator, SimulatorStore};

use crate::faulty_backend::FaultyBackend;
use crate::secret_texts;
use crate::subject::{Subject, Target, unlisted};
use crate::sync::lock;

/// What a clause found, or what kept it from looking.
pub(super) type Finding<T = ()> = Result<T, String>;

/// How long a direct call may take.
pub(super) const TIME: Duration = Duration::from_secs(60);

/// Longer than any maker of an orphan can still be at work.
pub(super) const LONG_AFTER: Duration = Duration::from_secs(3600);

/// Two client request tokens.
pub(super) const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
pub(super) const OTHER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

pub(super) struct Bench<B: CredentialBackend> {
    pub(super) simulator: Simulator,
    pub(super) backend: FaultyBackend<B>,
    pub(super) target: Arc<dyn Target>,
    pub(super) arn: String,
    /// The first value.
    pub(super) value: SecretValue,
    pub(super) wire: bool,
    pub(super) in_place: bool,
    random: SeededRandom,
}

impl<B: CredentialBackend> Bench<B> {
    pub(super) async fn stage<S: Subject<Backend = B>>(subject: &S) -> Finding<Self> {
        let simulator = subject.simulator();
        let staged = subject.stage(&simulator).await;
        let created = simulator
            .operator()
            .create_secret("conformance", staged.value.clone());
        let arn = created.map_err(|error| format!("the staged value was refused: {error}"))?;
        let faults = simulator.faults();
        let bench = Self {
            backend: FaultyBackend::staged(staged.backend, faults, staged.coarse),
            simulator,
            target: staged.target,
            arn,
            value: staged.value,
            wire: !staged.coarse,
            in_place: staged.in_place,
            random: SeededRandom::new(1),
        };
        bench.must_work(&bench.value, "the staged credential").await?;
        // Else whatever is about orphans holds, for want of them.
        let id = bench.backend.id(&bench.current()?);
        let alive = bench.target.alive().await;
        match id {
            Some(id) if !alive.contains(&id) => Err(bench.hidden(&unlisted(&id, &alive))),
            _ => Ok(bench),
        }
    }

    pub(super) fn profile(&self) -> Profile {
        self.backend.profile()
    }

    /// What the staged value holds.
    pub(super) fn current(&self) -> Finding<B::Credential> {
        self.credential(&self.value)
    }

    pub(super) fn credential(&self, value: &SecretValue) -> Finding<B::Credential> {
        value
            .decode()
            .map_err(|error| format!("a value does not decode into the credential: {error}"))
    }

    /// The document with this credential, as the framework stores it.
    pub(super) fn document(&self, credential: &B::Credential) -> Finding<SecretValue> {
        self.value
            .overlay(&self.current()?, credential)
            .map_err(|error| format!("the credential cannot be written into the document: {error}"))
    }

    fn context<'a>(
        &'a self,
        token: &'a str,
        step: Step,
        time: Duration,
        clock: &'a SharedClock,
        reader: &'a CurrentReader<'_, SimulatorStore>,
    ) -> StepContext<'a> {
        let outside = Outside::new(clock).with_random(&self.random).with_secrets(reader);
        outside.context(&self.arn, token, step, time)
    }

    /// `create`, where these credentials are the live ones, current first.
    pub(super) async fn create_among(
        &self,
        token: &str,
        live: &[&B::Credential],
        time: Duration,
    ) -> Result<B::Credential, BackendError> {
        let (clock, store) = (self.simulator.clock(), self.simulator.store());
        let reader = CurrentReader::new(&store);
        let ids = LiveIds::new(live.iter().map(|credential| self.backend.id(credential)));
        let Some(current) = live.first() else {
            return Err(BackendError::misconfigured("nothing is live"));
        };
        let ctx = self.context(token, Step::CreateSecret, time, &clock, &reader);
        let live = Live::new(*current, live.get(1).copied(), &ids);
        self.backend.create(&ctx, live).await
    }

    pub(super) async fn set(
        &self,
        pending: &B::Credential,
        current: &B::Credential,
        time: Duration,
    ) -> Result<(), BackendError> {
        let (clock, store) = (self.simulator.clock(), self.simulator.store());
        let reader = CurrentReader::new(&store);
        let ids = LiveIds::new([self.backend.id(current), self.backend.id(pending)]);
        let ctx = self.context(TOKEN, Step::SetSecret, time, &clock, &reader);
        self.backend
            .set(&ctx, pending, Live::new(current, None, &ids.incomplete()))
            .await
    }

    pub(super) async fn test(&self, pending: &B::Credential, time: Duration) -> Result<(), BackendError> {
        let (clock, store) = (self.simulator.clock(), self.simulator.store());
        let reader = CurrentReader::new(&store);
        let ctx = self.context(TOKEN, Step::TestSecret, time, &clock, &reader);
        self.backend.test(&ctx, pending).await
    }

    pub(super) async fn retire(
        &self,
        credential: &B::Credential,
        time: Duration,
    ) -> Result<Retirement, BackendError> {
        let (clock, store) = (self.simulator.clock(), self.simulator.store());
        let reader = CurrentReader::new(&store);
        let ctx = self.context(TOKEN, Step::FinishSecret, time, &clock, &reader);
        self.backend.retire(&ctx, credential, Retire::Superseded).await
    }

    /// `create` for the first time, from the staged credential; no failure is expected.
    pub(super) async fn made(&self) -> Finding<B::Credential> {
        let current = self.current()?;
        let made = self.create_among(TOKEN, &[&current], TIME).await;
        made.map_err(|error| self.hidden(&format!("create failed: {error:?}")))
    }

    /// A pending credential that has been through `set` where that is called.
    pub(super) async fn made_and_set(&self) -> Finding<B::Credential> {
        let made = self.made().await?;
        if self.profile().calls_set() {
            let set = self.set(&made, &self.current()?, TIME).await;
            set.map_err(|error| self.hidden(&format!("set failed: {error:?}")))?;
        }
        Ok(made)
    }

    /// What hides secrets from a report's text when this stage is used up.
    pub(super) fn hider(&self) -> impl Fn(&str) -> String + use<B> {
        let (simulator, arn, made) = (self.simulator.clone(), self.arn.clone(), self.backend.made());
        let current = self.current().ok();
        let ids: BTreeSet<_> = current.and_then(|it| self.backend.id(&it)).into_iter().collect();
        move |text| {
            let hidden = secret_texts::to_hide(&simulator, &arn, &lock(&made), &ids);
            secret_texts::redact(&hidden, text)
        }
    }

    /// A report's text without a secret: an author's error may hold one.
    pub(super) fn hidden(&self, text: &str) -> String {
        self.hider()(text)
    }

    pub(super) async fn works(&self, credential: &B::Credential) -> Finding<bool> {
        Ok(self.target.authenticates(&self.document(credential)?).await)
    }

    pub(super) async fn must_work(&self, value: &SecretValue, what: &str) -> Finding {
        match self.target.authenticates(value).await {
            true => Ok(()),
            false => Err(format!("{what} does not authenticate (Target::authenticates)")),
        }
    }

    pub(super) async fn alive(&self) -> BTreeSet<String> {
        self.target.alive().await.into_iter().collect()
    }

    /// How many requests the target's double has seen: effects that are not Secrets Manager's.
    pub(super) fn requests(&self) -> usize {
        let passages = self.simulator.faults().passages().into_iter();
        passages.filter(Passage::reaches_target).count()
    }
}

/// The ids, for a sentence.
pub(super) fn list(ids: &BTreeSet<String>) -> String {
    match ids.is_empty() {
        true => "nothing".to_owned(),
        false => ids.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}
