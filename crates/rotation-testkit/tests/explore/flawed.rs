//! Backends that are right but for one thing, each named by its fault.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rotation_core::{
    BackendError, CredentialBackend, Live, Profile, Retire, Retirement, SecretString, SecretValue,
    StepContext, async_trait,
};
use rotation_testkit::conformance::Clause;
use rotation_testkit::{Faults, Simulator, Staged, Subject, Target};
use serde::{Deserialize, Serialize};

/// What is wrong with a backend.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// None: the backend that the others are made from.
    None,
    TheKeyIsItsOwnId,
    AnIdThatIsReadTrimmed,
    ReturnsCurrentAgain,
    NeverLooksForOrphans,
    EndsWhateverBearsItsLabel,
    SetsOnlyOnce,
    SetEndsCurrent,
    TakesAnyHost,
    ConnectsBeforeItCompares,
    NeverTests,
    EachTestMakesAKey,
    TestsOnlyWhatItMade,
    RetireDoesNothing,
    RetireEndsTheOldest,
    FailsOnWhatIsGone,
    EndsAnotherForTheUnknown,
    WantsAPersonAfterACrash,
    WaitsForEver,
    StaysLocked,
    QuotesTheKey,
    EndsTheDraftOfAnother,
}

pub(crate) const FLAWS: [(Flaw, Clause); 22] = [
    (Flaw::TheKeyIsItsOwnId, Clause::IdIsStable),
    (Flaw::AnIdThatIsReadTrimmed, Clause::DocumentReadsBack),
    (Flaw::ReturnsCurrentAgain, Clause::CreateMakesAnother),
    (Flaw::NeverLooksForOrphans, Clause::CreateAgain),
    (Flaw::EndsWhateverBearsItsLabel, Clause::CreateSparesTheLive),
    (Flaw::SetsOnlyOnce, Clause::SetAgain),
    (Flaw::SetEndsCurrent, Clause::SetKeepsCurrent),
    (Flaw::TakesAnyHost, Clause::SetRefusesAnotherTarget),
    (Flaw::ConnectsBeforeItCompares, Clause::SetRefusesAnotherTarget),
    (Flaw::NeverTests, Clause::TestProves),
    (Flaw::EachTestMakesAKey, Clause::TestAgain),
    (Flaw::TestsOnlyWhatItMade, Clause::DryRun),
    (Flaw::RetireDoesNothing, Clause::RetireEndsOne),
    (Flaw::RetireEndsTheOldest, Clause::RetireAgain),
    (Flaw::FailsOnWhatIsGone, Clause::RetireAgain),
    (Flaw::EndsAnotherForTheUnknown, Clause::RetireUnknown),
    (Flaw::EndsWhateverBearsItsLabel, Clause::LiveIsNotRetired),
    (Flaw::WantsAPersonAfterACrash, Clause::ReplayAfterCrash),
    (Flaw::WaitsForEver, Clause::DeadlineIsKept),
    (Flaw::StaysLocked, Clause::CancellationIsSafe),
    (Flaw::QuotesTheKey, Clause::ErrorsHideSecrets),
    (Flaw::EndsTheDraftOfAnother, Clause::ConcurrentUse),
];

pub(crate) struct Flawed(pub(crate) Flaw);

#[async_trait]
impl Subject for Flawed {
    type Backend = Shop;

    async fn stage(&self, simulator: &Simulator) -> Staged<Shop> {
        let target = Desk::new(simulator.faults());
        let first = target.make("made by hand");
        target
            .state
            .lock()
            .unwrap()
            .keys
            .iter_mut()
            .for_each(|key| key.active = true);
        let value = SecretValue::text(format!(
            r#"{{"host":"desk.example","id":"{}","key":"{}"}}"#,
            first.id,
            first.key.expose_secret()
        ));
        let backend = Shop {
            desk: target.clone(),
            flaw: self.0,
            sets: AtomicUsize::new(0),
            made: Mutex::default(),
            busy: AtomicBool::new(false),
            draft: Mutex::new(None),
        };
        Staged::new(backend, value, target)
    }
}

/// A service desk that hands out keys, each to be activated.
#[derive(Clone)]
pub(crate) struct Desk {
    faults: Faults,
    state: std::sync::Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    made: u32,
    keys: Vec<Key>,
}

struct Key {
    card: Card,
    label: String,
    active: bool,
}

/// What the document holds.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub(crate) struct Card {
    host: String,
    #[serde(deserialize_with = "trimmed")]
    id: String,
    key: SecretString,
}

fn trimmed<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(String::deserialize(from)?.trim().to_owned())
}

impl Desk {
    fn new(faults: Faults) -> Self {
        Self {
            faults,
            state: std::sync::Arc::default(),
        }
    }

    fn make(&self, label: &str) -> Card {
        self.state.lock().unwrap().make(label)
    }

    async fn ask<T>(&self, name: &str, answer: impl FnOnce(&mut State) -> T) -> Result<T, BackendError> {
        let asked = self
            .faults
            .pass(name, || answer(&mut self.state.lock().unwrap()))
            .await;
        asked.map_err(|error| BackendError::unavailable("the desk did not do it").with_source(error))
    }
}

impl State {
    fn make(&mut self, label: &str) -> Card {
        self.made += 1;
        let card = Card {
            host: "desk.example".to_owned(),
            id: format!("card-{}", self.made),
            key: format!("very-secret-{}-key", self.made).into(),
        };
        self.keys.push(Key {
            card: card.clone(),
            label: label.to_owned(),
            active: false,
        });
        card
    }

    fn knows(&self, card: &Card) -> bool {
        self.keys
            .iter()
            .any(|key| key.card.id == card.id && key.card.key == card.key && key.active)
    }

    fn end(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.card.id != id);
        self.keys.len() < before
    }
}

#[async_trait]
impl Target for Desk {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        let card: Card = value.decode().unwrap();
        self.state.lock().unwrap().knows(&card)
    }

    async fn alive(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.keys.iter().map(|key| key.card.id.clone()).collect()
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        let text = r#"{"host":"desk.example","id":"card-999","key":"very-secret-999-key"}"#;
        Some(SecretValue::text(text))
    }

    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        let mut card: Card = pending.decode().unwrap();
        card.host = "attacker.example".to_owned();
        vec![("host", SecretValue::text(serde_json::to_string(&card).unwrap()))]
    }
}

/// Rotates the desk's keys.
pub(crate) struct Shop {
    desk: Desk,
    flaw: Flaw,
    sets: AtomicUsize,
    made: Mutex<Vec<String>>,
    busy: AtomicBool,
    draft: Mutex<Option<Card>>,
}

impl Shop {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// Ends what earlier makers left behind, who are out of time.
    async fn reconcile(&self, ctx: &StepContext<'_>, live: Live<'_, Card>) -> Result<(), BackendError> {
        let list = |state: &mut State| {
            let keys = state.keys.iter();
            keys.map(|key| (key.card.id.clone(), key.label.clone()))
                .collect::<Vec<_>>()
        };
        for (id, label) in self.timed(ctx, self.desk.ask("LIST", list)).await? {
            let Some(deadline) = label
                .strip_prefix("ours until ")
                .and_then(|it| it.parse::<u64>().ok())
            else {
                continue;
            };
            let over = Duration::from_secs(deadline + 60) < since_epoch(ctx.as_of());
            let spared = live.protects(&id) || !over;
            if self.has(Flaw::WantsAPersonAfterACrash) && !live.protects(&id) {
                return Err(BackendError::misconfigured(
                    "a key is left over; delete it by hand",
                ));
            }
            if !spared || self.has(Flaw::EndsWhateverBearsItsLabel) {
                self.timed(ctx, self.desk.ask("END", |state| state.end(&id)))
                    .await?;
            }
        }
        Ok(())
    }

    async fn timed<T>(
        &self,
        ctx: &StepContext<'_>,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        match self.has(Flaw::WaitsForEver) {
            true => call.await,
            false => ctx.timeout(call).await?,
        }
    }
}

fn since_epoch(time: std::time::SystemTime) -> Duration {
    time.duration_since(std::time::UNIX_EPOCH).unwrap()
}

#[async_trait]
impl CredentialBackend for Shop {
    type Credential = Card;

    fn profile(&self) -> Profile {
        Profile::minted("desk").activated_in_set()
    }

    fn id(&self, card: &Card) -> Option<String> {
        Some(match self.has(Flaw::TheKeyIsItsOwnId) {
            true => card.key.expose_secret().to_owned(),
            false => card.id.clone(),
        })
    }

    async fn create(&self, ctx: &StepContext<'_>, live: Live<'_, Card>) -> Result<Card, BackendError> {
        if self.has(Flaw::ReturnsCurrentAgain) {
            return Ok(live.current().clone());
        }
        if self.busy.swap(true, Ordering::SeqCst) && self.has(Flaw::StaysLocked) {
            return Err(BackendError::unavailable("another call is under way"));
        }
        if !self.has(Flaw::NeverLooksForOrphans) {
            self.reconcile(ctx, live).await?;
        }
        if self.has(Flaw::EndsTheDraftOfAnother) {
            let draft = self.draft.lock().unwrap().take();
            if let Some(draft) = draft.filter(|draft: &Card| !live.protects(&draft.id)) {
                self.timed(ctx, self.desk.ask("END", |state| state.end(&draft.id)))
                    .await?;
            }
        }
        let label = format!("ours until {}", since_epoch(ctx.wall_deadline()).as_secs() + 1);
        let mut card = self
            .timed(ctx, self.desk.ask("MAKE", |state| state.make(&label)))
            .await?;
        self.made.lock().unwrap().push(card.id.clone());
        *self.draft.lock().unwrap() = Some(card.clone());
        if self.has(Flaw::AnIdThatIsReadTrimmed) {
            card.id.push(' ');
        }
        self.busy.store(false, Ordering::SeqCst);
        Ok(card)
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &Card,
        live: Live<'_, Card>,
    ) -> Result<(), BackendError> {
        if self.has(Flaw::ConnectsBeforeItCompares) {
            self.timed(ctx, self.desk.ask("LIST", |_| ())).await?;
        }
        if pending.host != live.current().host && !self.has(Flaw::TakesAnyHost) {
            return Err(BackendError::misconfigured(
                "AWSPENDING has another host than AWSCURRENT",
            ));
        }
        if self.has(Flaw::SetsOnlyOnce) && self.sets.fetch_add(1, Ordering::SeqCst) > 0 {
            return Err(BackendError::misconfigured("the key is active already"));
        }
        let activate = |state: &mut State| {
            if let Some(key) = state.keys.iter_mut().find(|key| key.card.id == pending.id) {
                key.active = true;
            }
        };
        self.timed(ctx, self.desk.ask("ACTIVATE", activate)).await?;
        if self.has(Flaw::SetEndsCurrent) {
            let current = live.current().id.clone();
            self.timed(ctx, self.desk.ask("END", |state| state.end(&current)))
                .await?;
        }
        Ok(())
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &Card) -> Result<(), BackendError> {
        if self.has(Flaw::NeverTests) {
            return Ok(());
        }
        if self.has(Flaw::TestsOnlyWhatItMade) && !self.made.lock().unwrap().contains(&pending.id) {
            return Err(BackendError::misconfigured("this key is not one of ours"));
        }
        if self.has(Flaw::EachTestMakesAKey) {
            self.desk.make("by a test");
        }
        let works = self
            .timed(ctx, self.desk.ask("TRY", |state| state.knows(pending)))
            .await;
        match works {
            Ok(true) => Ok(()),
            Ok(false) => Err(BackendError::unavailable("the desk does not know this key")),
            Err(error) if self.has(Flaw::QuotesTheKey) => Err(BackendError::unavailable(format!(
                "could not try {}: {error}",
                pending.key.expose_secret()
            ))),
            Err(error) => Err(error),
        }
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        card: &Card,
        _: Retire,
    ) -> Result<Retirement, BackendError> {
        let flaw = self.flaw;
        let end = move |state: &mut State| match flaw {
            Flaw::RetireDoesNothing => true,
            Flaw::RetireEndsTheOldest => {
                let oldest = state.keys.first().map(|key| key.card.id.clone());
                oldest.is_some_and(|id| state.end(&id))
            }
            Flaw::EndsAnotherForTheUnknown => {
                let another = state.keys.first().map(|key| key.card.id.clone());
                state.end(&card.id) || another.is_some_and(|id| state.end(&id))
            }
            _ => state.end(&card.id),
        };
        match self.timed(ctx, self.desk.ask("END", end)).await? {
            true => Ok(Retirement::Retired),
            false if self.has(Flaw::FailsOnWhatIsGone) => Err(BackendError::misconfigured("no such key")),
            false => Ok(Retirement::AlreadyGone),
        }
    }
}
