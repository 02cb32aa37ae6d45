//! A secret in a simulated Secrets Manager, its keys at the test kit's provider, and the function.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, Grace, Rotator, SecretValue, Step};
use rotation_http::{AllowedHosts, HttpBackend, ProviderBuilder};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::{Simulator, SimulatorStore, StepRun};
use serde_json::{Value, json};

use super::{ADMIN_TOKEN, Keys, description};

/// What the function is told that it has.
pub const REMAINING: Duration = Duration::from_secs(60);

fn backend(admin_arn: &str, description: ProviderBuilder) -> HttpBackend {
    let admin = rotation_http::Admin::secret(admin_arn)
        .json_pointer("/token")
        .header("x-admin-token");
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    HttpBackend::new(description.build().unwrap(), admin, hosts).unwrap()
}

pub struct Scene {
    pub simulator: Simulator,
    pub provider: KeyProvider,
    pub rotator: Rotator<HttpBackend<KeyProvider>, SimulatorStore>,
    pub arn: String,
    admin_arn: String,
    description: ProviderBuilder,
    grace: Grace,
    /// Whether a pending key works only once setSecret is done.
    set_in_set: bool,
    /// Every value that was seen to be pending, by its version.
    pending: Mutex<BTreeMap<String, Value>>,
    /// Every key that was seen to be stored after some step.
    stored: Mutex<BTreeSet<String>>,
}

impl Scene {
    /// A secret whose key `key-1` was made by a person, and which was never rotated.
    pub fn new(grace: Grace) -> Self {
        Self::at(grace, description(), KeyProvider::new(ADMIN_TOKEN), Some("key-1"))
    }

    /// The same, with keys that come to life in this way.
    pub fn of(keys: Keys, grace: Grace) -> Self {
        let mut scene = Self::at(grace, keys.description(), keys.provider(), Some("key-1"));
        scene.set_in_set = keys != Keys::Minted;
        scene
    }

    /// The same at another provider, `key_id` being what the first document holds.
    pub fn at(
        grace: Grace,
        description: ProviderBuilder,
        provider: KeyProvider,
        key_id: Option<&str>,
    ) -> Self {
        let simulator = Simulator::new();
        let operator = simulator.operator();
        let admin_value = SecretValue::text(json!({ "token": ADMIN_TOKEN }).to_string());
        let admin_arn = operator.create_secret("admin", admin_value).unwrap();
        let provider = provider.with_faults(simulator.faults());
        let (first, key) = provider.make_key("made by hand");
        provider.activate(&first);
        let mut document = json!({"api_endpoint": "https://api.vendor.com", "account_id": 7, "api_key": key});
        if let Some(key_id) = key_id {
            document["key_id"] = json!(key_id);
        }
        let arn = operator
            .create_secret("crm", SecretValue::text(document.to_string()))
            .unwrap();
        let backend = backend(&admin_arn, description.clone());
        let rotator = Rotator::new(backend.with_transport(provider.clone()), simulator.store())
            .with_clock(simulator.clock())
            .with_random(rotation_testkit::SeededRandom::new(1))
            .with_grace(grace);
        Self {
            simulator,
            provider,
            rotator,
            arn,
            admin_arn,
            description,
            grace,
            set_in_set: false,
            pending: Mutex::default(),
            stored: Mutex::default(),
        }
    }

    /// The backend once more, for another transport.
    pub fn backend(&self) -> HttpBackend {
        backend(&self.admin_arn, self.description.clone())
    }

    /// Does one whole rotation, replays included, and says its token.
    pub async fn rotate(&self) -> String {
        let token = self.simulator.operator().rotate(&self.arn).unwrap();
        self.finish(|_| false).await;
        token
    }

    /// Does the steps that are due, and skips to those that will be, until `stop` says so of one or
    /// there are no more. Checks after each what must hold at every instant.
    pub async fn finish(&self, stop: impl Fn(&StepRun) -> bool) -> Option<StepRun> {
        loop {
            if let Some(run) = self.simulator.step(&self.rotator, REMAINING).await {
                self.check_always(&run);
                if stop(&run) {
                    return Some(run);
                }
                continue;
            }
            let due = self.simulator.next_due()?;
            let now = rotation_core::Clock::now(&self.simulator.clock());
            self.simulator.skip(due.duration_since(now).unwrap_or_default());
        }
    }

    /// The document under a label, if one is stored there.
    pub fn document(&self, label: &str) -> Option<Value> {
        let value = self.simulator.operator().value(&self.arn, label).ok()?;
        value.decode().ok()
    }

    pub fn key_id(&self, label: &str) -> Option<String> {
        Some(self.document(label)?.get("key_id")?.as_str()?.to_owned())
    }

    /// The ids of the keys that labelled versions hold, by label.
    pub fn labelled(&self) -> BTreeMap<&'static str, String> {
        let labels = [AWSCURRENT, AWSPENDING, AWSPREVIOUS];
        labels
            .into_iter()
            .filter_map(|label| Some((label, self.key_id(label)?)))
            .collect()
    }

    pub fn alive(&self) -> BTreeSet<String> {
        self.provider.alive().into_iter().map(|key| key.id).collect()
    }

    /// `AWSCURRENT` authenticates; what may become it does too, once setSecret is done where that makes it
    /// work; neither was revoked; a value that is pending stays the same.
    fn check_always(&self, run: &StepRun) {
        let revoked = self.provider.revoked();
        let set = matches!(run.invocation.event.step(), Step::TestSecret | Step::FinishSecret)
            && run.result.is_done();
        for label in [AWSCURRENT, AWSPENDING] {
            let Some(document) = self.document(label) else {
                assert_eq!(label, AWSPENDING, "nothing is AWSCURRENT after {run:?}");
                continue;
            };
            let key = document["api_key"].as_str().unwrap();
            self.stored.lock().unwrap().insert(key.to_owned());
            if let Some(id) = document["key_id"].as_str() {
                assert!(!revoked.contains(id), "{label} was revoked in {run:?}");
            }
            let works = label == AWSCURRENT || !self.set_in_set || set;
            assert!(
                !works || self.provider.authenticates(key),
                "{label} does not authenticate after {run:?}"
            );
        }
        self.check_pending(run);
    }

    fn check_pending(&self, run: &StepRun) {
        let labels = self.simulator.labels(&self.arn);
        let (Some(version), Some(value)) = (labels.version_with(AWSPENDING), self.document(AWSPENDING))
        else {
            return;
        };
        let mut pending = self.pending.lock().unwrap();
        let first = pending.entry(version.to_owned()).or_insert_with(|| value.clone());
        assert_eq!(*first, value, "a stored value was replaced in {run:?}");
    }

    /// No key that ever was a version's, and no admin token.
    pub fn check_prints_nothing(&self, text: &str, history: &str) {
        assert!(!text.contains(ADMIN_TOKEN), "{history}");
        for key in self.stored.lock().unwrap().iter() {
            assert!(!text.contains(key), "a key was logged: {history}\n{text}");
        }
    }

    /// How many live keys no version ever held.
    pub fn never_stored(&self) -> usize {
        let stored = self.stored.lock().unwrap();
        let alive = stored.iter().filter(|key| self.provider.authenticates(key));
        // The first is stored before any step.
        self.provider.alive().len() - alive.count()
    }

    /// The live keys are those of labelled versions, without grace of `AWSCURRENT` alone: no orphan
    /// is left, and no labelled version's key was ended but one that then fell off.
    pub fn check_settled(&self, history: &str) {
        let mut labelled = self.labelled();
        if self.grace == Grace::None {
            labelled.retain(|label, _| *label == AWSCURRENT);
        }
        let expected: BTreeSet<_> = labelled.into_values().collect();
        // An uploaded key goes by its label.
        let name = |key: rotation_test_servers::http::KeyInfo| match expected.contains(&key.label) {
            true => key.label,
            false => key.id,
        };
        let alive: BTreeSet<_> = self.provider.alive().into_iter().map(name).collect();
        assert_eq!(alive, expected, "{history}\n{}", self.simulator.labels(&self.arn));
    }
}
