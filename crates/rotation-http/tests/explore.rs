//! Every history of a rotation to the depth of one fault, however keys come to life: the explorer of the test
//! kit on the real backend, with the kit's provider in process, so that faults strike each of its requests as
//! they strike each call of Secrets Manager.
//!
//! Every run takes a share of the histories with a fault. A longer one is asked for by the number of distinct
//! histories, all four ways together, and it fails if there were fewer:
//!
//! ```sh
//! ROTATION_EXPLORE=100000 cargo test -p rotation-http --test explore -- --nocapture
//! ```
//!
//! One core explores 1,250 of them in a second, in a debug build: 100,000 take 80 seconds of one core, and a
//! little more is explored than is asked for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

use http::StatusCode;
use rotation_core::{Grace, SecretValue, async_trait};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider};
use rotation_testkit::explore::Explorer;
use rotation_testkit::http::KeyProvider;
use rotation_testkit::{Simulator, Staged, Subject, Target};
use serde_json::{Value, json};

mod support;

use support::{ADMIN_TOKEN, Keys};

/// One way in which keys come to life.
struct Way {
    keys: Keys,
    description: Provider,
}

impl Way {
    fn new(keys: Keys) -> Self {
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
        Staged::new(backend, SecretValue::text(first.to_string()), target).with_wire_faults()
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

/// How many distinct histories are wanted, all four ways together; `None` if nobody asked.
fn asked_for() -> Option<usize> {
    let text = std::env::var("ROTATION_EXPLORE").ok()?;
    let number = text.parse().unwrap_or_else(|_| {
        panic!("ROTATION_EXPLORE is {text:?}; set it to a number of distinct histories, such as 100000")
    });
    Some(number)
}

/// With and without grace, the first rotation and a later one.
const SETTINGS: [(Grace, bool); 4] = [
    (Grace::UntilNextRotation, false),
    (Grace::UntilNextRotation, true),
    (Grace::None, false),
    (Grace::None, true),
];

fn explored(keys: Keys) {
    let settings = SETTINGS.len();
    let asked_for = asked_for().map(|all| all.div_ceil(Keys::ALL.len()));
    // Of each number of faults. In some histories the same happens as in others: so a twentieth more.
    let most = asked_for.map_or(1000, |all| all.div_ceil(settings) * 21 / 20);
    let mut distinct = 0;
    for (grace, first) in SETTINGS {
        let explorer = Explorer::new(Way::new(keys)).grace(grace).at_most(most);
        let explorer = match first {
            true => explorer.first_rotation(),
            false => explorer,
        };
        let report = explorer.random(1, 100).run();
        println!("{keys:?}, {grace:?}, first: {first}: {report}");
        report.assert_holds();
        distinct += report.distinct();
    }
    println!("{keys:?}: {distinct} distinct histories");
    let least = asked_for.unwrap_or(5500);
    assert!(
        distinct >= least,
        "{distinct} distinct histories of {keys:?}, not {least}"
    );
}

#[test]
fn minted_keys() {
    explored(Keys::Minted);
}

#[test]
fn keys_that_are_activated() {
    explored(Keys::Activated);
}

#[test]
fn uploaded_keys() {
    explored(Keys::Uploaded);
}

#[test]
fn uploaded_keys_with_ids_of_the_providers() {
    explored(Keys::Renamed);
}
