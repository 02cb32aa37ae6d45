//! The backend and the test kit's provider, for the suites of the test kit.

use http::StatusCode;
use rotation_core::{SecretValue, async_trait};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::explore::Gap;
use rotation_testkit::{Simulator, Staged, Subject, Target};
use serde_json::{Value, json};

use crate::support::{ADMIN_TOKEN, Keys};

/// One way in which keys come to life.
pub(crate) struct Way {
    keys: Keys,
    description: Provider,
}

impl Way {
    pub(crate) fn new(keys: Keys) -> Self {
        let description = keys.description().build().unwrap();
        Self { keys, description }
    }
}

#[async_trait]
impl Subject for Way {
    type Backend = HttpBackend<KeyProvider>;

    async fn stage(&self, simulator: &Simulator) -> Staged<Self::Backend> {
        let admin = SecretValue::text(json!({ "token": ADMIN_TOKEN }).to_string());
        let admin = simulator.operator().create_secret("admin", admin).unwrap();
        let admin = Admin::secret(admin)
            .json_pointer("/token")
            .header("x-admin-token");
        let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
        let provider = self.keys.provider().with_faults(simulator.faults());
        let backend = HttpBackend::new(self.description.clone(), admin, hosts)
            .unwrap()
            .with_transport(provider.clone());
        let (id, key) = provider.make_key(BY_HAND);
        provider.activate(&id);
        let first = json!({
            "api_endpoint": "https://api.vendor.com", "account_id": 7, "api_key": key, "key_id": id,
        });
        let target = AtProvider {
            keys: self.keys,
            provider,
        };
        Staged::new(backend, SecretValue::text(first.to_string()), target)
    }

    /// All but a late change: no request gives a key another value.
    fn gaps(&self, gap: Gap) -> usize {
        match gap {
            Gap::LateSet => 0,
            _ => usize::MAX,
        }
    }
}

/// The label of the first key, which no rotation made.
const BY_HAND: &str = "made by hand";

const UPLOAD: &str = "PUT /api-keys/{id}";

struct AtProvider {
    keys: Keys,
    provider: KeyProvider,
}

#[async_trait]
impl Target for AtProvider {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        let document: Value = value.decode().unwrap_or_default();
        let key = document.get("api_key").and_then(Value::as_str);
        key.is_some_and(|key| self.provider.authenticates(key))
    }

    /// One that is not activated yet is among them: whoever finds it can activate it. An uploaded key goes by
    /// the label that it was uploaded under, whatever the provider calls it.
    async fn alive(&self) -> Vec<String> {
        let uploaded = matches!(self.keys, Keys::Uploaded | Keys::Renamed);
        let keys = self.provider.alive().into_iter();
        keys.map(|key| match uploaded && key.label != BY_HAND {
            true => key.label,
            false => key.id,
        })
        .collect()
    }

    fn unknown(&self, like: &SecretValue) -> Option<SecretValue> {
        let mut document: Value = like.decode().unwrap();
        document["api_key"] = json!("a-key-of-nobody-at-all");
        document["key_id"] = json!("key-9999");
        Some(SecretValue::text(document.to_string()))
    }

    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        let aimed = |field: &'static str, at: Value| {
            let mut document: Value = pending.decode().unwrap();
            document[field] = at;
            (field, SecretValue::text(document.to_string()))
        };
        vec![
            aimed("api_endpoint", json!("https://api.attacker.example")),
            aimed("account_id", json!(8)),
        ]
    }

    /// A key that the provider makes is not rejected by it.
    fn reject(&self, rejecting: bool) -> bool {
        match (self.keys, rejecting) {
            (Keys::Minted | Keys::Activated, _) => return false,
            (_, true) => (0..64).for_each(|_| {
                self.provider.force_next(UPLOAD, StatusCode::UNPROCESSABLE_ENTITY);
            }),
            (_, false) => self.provider.forget_forced(),
        }
        true
    }
}
