//! A backend whose every answer a test can set, and which records every call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use rotation_core::{
    BackendError, CredentialBackend, Live, Profile, Retire, Retirement, Rotate, RotationError, RotationEvent,
    Rotator, SecretString, SecretValue, Step, StepContext, StepReport, async_trait,
};
use rotation_testkit::model::Principal;
use rotation_testkit::{Simulator, SimulatorStore};
use serde::{Deserialize, Serialize};

/// Far more than any step needs.
pub(crate) const MINUTES: Duration = Duration::from_secs(300);

/// Sentinel in every secret value, to grep output for.
pub(crate) const SENTINEL: &str = "s3ntinel";

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) key: SecretString,
}

type Failure = Arc<dyn Fn() -> BackendError + Send + Sync>;
type Hook = Box<dyn FnOnce() + Send>;

pub(crate) struct State {
    pub(crate) profile: Profile,
    /// The id of the next credential, or none for one without.
    pub(crate) next_id: Option<String>,
    pub(crate) calls: Vec<String>,
    pub(crate) live: Vec<String>,
    failures: BTreeMap<&'static str, Failure>,
    hang: Option<&'static str>,
    delays: BTreeMap<&'static str, Duration>,
    hooks: BTreeMap<&'static str, Hook>,
    /// What the last `create` was told of the time.
    pub(crate) as_of: Option<SystemTime>,
    pub(crate) kept: Option<&'static str>,
    made: u32,
}

#[derive(Clone)]
pub(crate) struct Target(Arc<Mutex<State>>);

impl Target {
    pub(crate) fn new(profile: Profile) -> Self {
        Self(Arc::new(Mutex::new(State {
            profile,
            next_id: Some("k2".into()),
            calls: Vec::new(),
            live: Vec::new(),
            failures: BTreeMap::new(),
            hang: None,
            delays: BTreeMap::new(),
            hooks: BTreeMap::new(),
            as_of: None,
            kept: None,
            made: 1,
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The calls so far, and forgets them.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    pub(crate) fn fail(
        &self,
        method: &'static str,
        failure: impl Fn() -> BackendError + Send + Sync + 'static,
    ) {
        self.state().failures.insert(method, Arc::new(failure));
    }

    pub(crate) fn mend(&self, method: &'static str) {
        self.state().failures.remove(method);
    }

    pub(crate) fn hang_in(&self, method: &'static str) {
        self.state().hang = Some(method);
    }

    /// Each call of the method takes this long.
    pub(crate) fn delay(&self, method: &'static str, duration: Duration) {
        self.state().delays.insert(method, duration);
    }

    /// Runs in the next call of the method, after its delay.
    pub(crate) fn during(&self, method: &'static str, hook: impl FnOnce() + Send + 'static) {
        self.state().hooks.insert(method, Box::new(hook));
    }

    async fn enter(
        &self,
        ctx: &StepContext<'_>,
        method: &'static str,
        what: &str,
    ) -> Result<(), BackendError> {
        let (failure, hang, delay) = {
            let mut state = self.state();
            state.calls.push(format!("{method} {what}").trim_end().to_owned());
            let delay = state.delays.get(method).copied();
            (
                state.failures.get(method).cloned(),
                state.hang == Some(method),
                delay,
            )
        };
        if hang {
            std::future::pending::<()>().await;
        }
        if let Some(delay) = delay {
            ctx.sleep(delay).await?;
        }
        let hook = self.state().hooks.remove(method);
        if let Some(hook) = hook {
            hook();
        }
        failure.map_or(Ok(()), |failure| Err(failure()))
    }
}

fn name(key: &Key) -> &str {
    key.id.as_deref().unwrap_or("without-id")
}

#[async_trait]
impl CredentialBackend for Target {
    type Credential = Key;

    fn profile(&self) -> Profile {
        self.state().profile
    }

    fn id(&self, key: &Key) -> Option<String> {
        key.id.clone()
    }

    async fn create(&self, ctx: &StepContext<'_>, live: Live<'_, Key>) -> Result<Key, BackendError> {
        let previous = live.previous().map_or("none", name);
        self.enter(
            ctx,
            "create",
            &format!("current={} previous={previous}", name(live.current())),
        )
        .await?;
        let mut state = self.state();
        state.as_of = Some(ctx.as_of());
        state.live = ["k0", "k1", "k2", "custom"]
            .into_iter()
            .filter(|id| live.protects(id))
            .map(str::to_owned)
            .collect();
        state.made += 1;
        Ok(Key {
            id: state.next_id.clone(),
            key: format!("{SENTINEL}-made-{}", state.made).into(),
        })
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &Key,
        live: Live<'_, Key>,
    ) -> Result<(), BackendError> {
        let previous = live.previous().map_or("none", name);
        let what = format!(
            "{} current={} previous={previous}",
            name(pending),
            name(live.current())
        );
        self.enter(ctx, "set", &what).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &Key) -> Result<(), BackendError> {
        self.enter(ctx, "test", name(pending)).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        key: &Key,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        self.enter(ctx, "retire", &format!("{} {why:?}", name(key)))
            .await?;
        Ok(self.state().kept.map_or(Retirement::Retired, Retirement::kept))
    }
}

/// A secret's document with this key id, and a key that the tests look for in output.
pub(crate) fn document(id: &str) -> SecretValue {
    SecretValue::text(format!(r#"{{"note":1.10,"id":"{id}","key":"{SENTINEL}-{id}"}}"#))
}

/// A secret with the key k1 under `AWSCURRENT`, its target, and the rotator between them.
pub(crate) struct Bench {
    pub(crate) simulator: Simulator,
    pub(crate) target: Target,
    pub(crate) rotator: Rotator<Target, SimulatorStore>,
    pub(crate) arn: String,
}

impl Bench {
    pub(crate) fn new(profile: Profile) -> Self {
        Self::starting_with(profile, &[document("k1")])
    }

    /// With the key k0 under `AWSPREVIOUS`.
    pub(crate) fn with_previous(profile: Profile) -> Self {
        Self::starting_with(profile, &[document("k0"), document("k1")])
    }

    /// Values that were current one after another.
    pub(crate) fn starting_with(profile: Profile, values: &[SecretValue]) -> Self {
        let simulator = Simulator::new();
        let operator = simulator.operator();
        let (first, rest) = values.split_first().unwrap();
        let arn = operator.create_secret("crm/api-key", first.clone()).unwrap();
        for value in rest {
            operator.put(&arn, value.clone()).unwrap();
        }
        let target = Target::new(profile);
        let rotator = Rotator::new(target.clone(), simulator.store()).with_clock(simulator.clock());
        Self {
            simulator,
            target,
            rotator,
            arn,
        }
    }

    /// `RotateSecret`: the token of the new rotation.
    pub(crate) fn start(&self) -> String {
        self.simulator.operator().rotate(&self.arn).unwrap()
    }

    /// Gives up the rotation under way and starts another.
    pub(crate) fn start_again(&self) -> String {
        let operator = self.simulator.operator();
        operator.put(&self.arn, document("manual")).unwrap();
        let token = self.start();
        self.simulator.clear_calls();
        token
    }

    /// A rotation that has got as far as the step before `step`.
    pub(crate) async fn start_until(&self, step: Step) -> String {
        let token = self.start();
        for earlier in Step::ALL.into_iter().filter(|&earlier| earlier < step) {
            self.step(&token, earlier).await.unwrap();
        }
        self.target.calls();
        self.simulator.clear_calls();
        self.simulator.faults().clear();
        token
    }

    pub(crate) async fn step(&self, token: &str, step: Step) -> Result<StepReport, RotationError> {
        self.step_within(token, step, MINUTES).await
    }

    pub(crate) async fn step_within(
        &self,
        token: &str,
        step: Step,
        time: Duration,
    ) -> Result<StepReport, RotationError> {
        let event = RotationEvent::new(&self.arn, token, step).unwrap();
        let event = event
            .with_rotation_token(&format!("{SENTINEL}-rotation-token"))
            .unwrap();
        self.rotator.rotate(&event, time).await
    }

    /// All four steps of a new rotation.
    pub(crate) async fn rotate(&self) -> String {
        let token = self.start();
        for step in Step::ALL {
            self.step(&token, step).await.unwrap();
        }
        token
    }

    /// Stores a pending value as the rotation function does.
    pub(crate) fn put_pending(&self, token: &str, value: SecretValue) {
        put_pending(&self.simulator, &self.arn, token, value);
    }

    /// The labels of a version, sorted.
    pub(crate) fn labels(&self, version: &str) -> Vec<String> {
        let mut labels = self.simulator.labels(&self.arn).of(version).to_vec();
        labels.sort();
        labels
    }

    pub(crate) fn version_with(&self, label: &str) -> String {
        self.simulator
            .labels(&self.arn)
            .version_with(label)
            .unwrap()
            .to_owned()
    }

    /// The value under a label, in clear.
    pub(crate) fn value(&self, label: &str) -> String {
        match self.simulator.operator().value(&self.arn, label).unwrap() {
            SecretValue::Text(text) => text.expose_secret().to_owned(),
            SecretValue::Binary(_) => panic!("a binary value"),
        }
    }

    /// Somebody goes back to the previous version, now or in a hook.
    pub(crate) fn roll_back(&self) -> impl FnOnce() + Send + 'static {
        let (simulator, arn) = (self.simulator.clone(), self.arn.clone());
        let (current, previous) = (self.version_with("AWSCURRENT"), self.version_with("AWSPREVIOUS"));
        move || {
            let operator = simulator.operator();
            operator
                .move_label(&arn, "AWSCURRENT", &previous, &current)
                .unwrap();
        }
    }

    /// The actions that the rotation function called, and forgets them.
    pub(crate) fn actions(&self) -> Vec<String> {
        let calls = self.simulator.calls();
        self.simulator.clear_calls();
        calls
            .iter()
            .filter(|call| call.principal == Principal::RotationFunction)
            .map(|call| call.action.to_string())
            .collect()
    }
}

pub(crate) fn put_pending(simulator: &Simulator, arn: &str, token: &str, value: SecretValue) {
    let function = simulator.operator().as_function();
    function
        .put_with_token(arn, token, value, &["AWSPENDING"])
        .unwrap();
}
