//! The ready-made descriptions against local servers that answer as the vendors document it, over the real
//! client. Not against the live services.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotation_core::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, BackendError, ErrorClass, Retirement, Rotator, SecretReader,
    SecretValue, StoreError, async_trait,
};
use rotation_http::{Admin, AllowedHosts, ApiKeyDocument, HttpBackend, Provider};
use rotation_testkit::{Simulator, SimulatorStore, TravelClock};
use serde_json::Value;

use crate::support::server::Server;
use crate::support::shop::{Key, Shop, Vendor};
use crate::support::{ADMIN_ARN, Log, OTHER_TOKEN, TOKEN, World, from_json};

const HOUR: Duration = Duration::from_secs(3600);

/// A vendor, a secret with its first key, and the function.
struct Scene {
    vendor: Vendor,
    shop: Arc<Mutex<Shop>>,
    simulator: Simulator,
    rotator: Rotator<HttpBackend, SimulatorStore>,
    arn: String,
    _server: Server,
}

fn backend(vendor: Vendor, server: &Server, admin_arn: &str) -> HttpBackend {
    let provider = Provider::from_json(&vendor.at(&server.url())).unwrap();
    let hosts = AllowedHosts::new([&server.address])
        .unwrap()
        .allow_plain_http_on_loopback();
    HttpBackend::new(provider, Admin::secret(admin_arn), hosts).unwrap()
}

impl Scene {
    async fn new(vendor: Vendor) -> Self {
        let (server, shop, first) = vendor.open().await;
        let simulator = Simulator::with_clock(TravelClock::new());
        let operator = simulator.operator();
        let admin = operator
            .create_secret("admin", SecretValue::text(vendor.admin_secret()))
            .unwrap();
        let value = SecretValue::text(vendor.secret(&first).to_string());
        let arn = operator.create_secret("key", value).unwrap();
        let rotator = Rotator::new(backend(vendor, &server, &admin), simulator.store());
        Self {
            vendor,
            shop,
            rotator: rotator.with_clock(simulator.clock()),
            simulator,
            arn,
            _server: server,
        }
    }

    /// One rotation and, an hour later, the time for the next.
    async fn rotate(&self) {
        let token = self.simulator.operator().rotate(&self.arn).unwrap();
        let runs = self.simulator.run(&self.rotator, Duration::from_secs(60)).await;
        let labels = self.simulator.labels(&self.arn);
        assert_eq!(
            labels.version_with(AWSCURRENT),
            Some(token.as_str()),
            "{:?} {runs:?}",
            self.vendor
        );
        self.simulator.skip(HOUR);
    }

    fn field(&self, label: &str, name: &str) -> String {
        let value = self.simulator.operator().value(&self.arn, label).unwrap();
        let document: Value = value.decode().unwrap();
        document[name].as_str().unwrap().to_owned()
    }

    fn alive(&self) -> BTreeSet<String> {
        self.shop
            .lock()
            .unwrap()
            .keys
            .iter()
            .map(|key| key.id.clone())
            .collect()
    }

    /// The ids of `AWSCURRENT` and `AWSPREVIOUS`.
    fn labelled(&self) -> BTreeSet<String> {
        let (_, id) = self.vendor.fields();
        [AWSCURRENT, AWSPREVIOUS]
            .map(|label| self.field(label, id))
            .into()
    }
}

#[tokio::test]
async fn keys_of_each_vendor_follow_each_other() {
    for vendor in Vendor::ALL {
        let log = Log::start();
        let scene = Scene::new(vendor).await;
        for _ in 0..3 {
            scene.rotate().await;
            assert_eq!(scene.alive(), scene.labelled(), "{vendor:?}");
        }
        let (key, id) = vendor.fields();
        let current = (scene.field(AWSCURRENT, id), scene.field(AWSCURRENT, key));
        let shop = scene.shop.lock().unwrap();
        assert!(
            shop.keys
                .iter()
                .any(|Key { id, key, .. }| (id, key) == (&current.0, &current.1))
        );
        assert!(!log.text().contains("SENTINEL"), "{}", log.text());
        println!("{vendor:?}: {} requests in 3 rotations", shop.asked.len());
    }
}

#[tokio::test]
async fn a_key_whose_reply_was_lost_is_found_by_its_label_where_there_are_labels() {
    for vendor in Vendor::ALL {
        if vendor == Vendor::MongoDbAtlas {
            continue; // no labels
        }
        let scene = Scene::new(vendor).await;
        scene.rotate().await;
        scene.shop.lock().unwrap().loses_reply = true;
        scene.rotate().await;
        assert_eq!(scene.shop.lock().unwrap().made, 4, "one was lost");
        scene.rotate().await;
        assert_eq!(scene.alive(), scene.labelled(), "{vendor:?}");
    }
}

#[tokio::test]
async fn two_secrets_of_atlas_suffice_and_the_previous_one_has_a_week() {
    let scene = Scene::new(Vendor::MongoDbAtlas).await;
    let days = |label| {
        let id = scene.field(label, "client_secret_id");
        let shop = scene.shop.lock().unwrap();
        let found = shop.keys.iter().find(|key| key.id == id);
        found.map(|key| key.days)
    };
    for _ in 0..3 {
        scene.rotate().await;
        assert_eq!(scene.alive().len(), 2);
        assert_eq!((days(AWSCURRENT), days(AWSPREVIOUS)), (Some(90), Some(7)));
    }
}

#[tokio::test]
async fn a_secret_of_atlas_whose_reply_was_lost_is_a_persons_to_delete() {
    let scene = Scene::new(Vendor::MongoDbAtlas).await;
    scene.rotate().await;
    let current = scene.field(AWSCURRENT, "client_secret_id");
    scene.shop.lock().unwrap().loses_reply = true;
    let operator = scene.simulator.operator();
    let token = operator.rotate(&scene.arn).unwrap();
    let runs = scene.simulator.run(&scene.rotator, Duration::from_secs(60)).await;
    assert_eq!(scene.field(AWSCURRENT, "client_secret_id"), current);
    assert_eq!(scene.shop.lock().unwrap().made, 3, "and no more was tried");
    let alive = scene.alive();
    let lost = alive.iter().find(|id| **id != current).unwrap();
    assert_eq!(alive.len(), 2, "the previous one was revoked first");
    let said = format!("{runs:?}");
    assert!(
        said.contains("allows 2 keys, and lists 2") && said.contains(lost) && said.contains(&current),
        "{said}"
    );
    let days = |id: &str| {
        let shop = scene.shop.lock().unwrap();
        shop.keys.iter().find(|key| key.id == id).map(|key| key.days)
    };
    assert_eq!(days(&current), Some(7), "the lost one shortened it");

    assert!(scene.shop.lock().unwrap().remove(lost));
    operator.remove_label(&scene.arn, AWSPENDING, &token).unwrap();
    scene.rotate().await;
    assert_eq!(scene.alive(), scene.labelled());
    assert_eq!(days(&scene.field(AWSCURRENT, "client_secret_id")), Some(90));
}

#[tokio::test]
async fn when_a_secret_of_atlas_expires_is_kept_beside_it() {
    let scene = Scene::new(Vendor::MongoDbAtlas).await;
    scene.rotate().await;
    assert_eq!(scene.field(AWSCURRENT, "expires_at"), "2027-02-21T10:00:00Z");
}

/// The admin secret of a vendor.
struct Secret(Vendor);

#[async_trait]
impl SecretReader for Secret {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        assert_eq!(secret_id, ADMIN_ARN);
        Ok(SecretValue::text(self.0.admin_secret()))
    }
}

fn printed(error: &BackendError) -> String {
    format!("{error} {error:?} {}", rotation_core::chain(error))
}

#[tokio::test]
async fn documented_errors_are_told_apart_and_their_texts_are_not_printed() {
    for vendor in Vendor::ALL {
        let (server, shop, first) = vendor.open().await;
        let backend = backend(vendor, &server, ADMIN_ARN);
        let world = World::new().with_secrets(Secret(vendor));
        let current: ApiKeyDocument = from_json(vendor.secret(&first));
        // The list is the first request with the admin credential.
        for (forced, class, named) in [
            (
                &[401][..],
                ErrorClass::Misconfigured,
                "admin credential was refused",
            ),
            (&[403], ErrorClass::Misconfigured, "admin credential was refused"),
            (&[400], ErrorClass::Misconfigured, "400"),
            (&[404], ErrorClass::Misconfigured, "404"),
            (&[429, 429, 429, 429], ErrorClass::Unavailable, "429"),
        ] {
            if forced.len() > 1 && vendor != Vendor::SendGrid {
                continue; // the pauses between the tries are real ones here
            }
            shop.lock().unwrap().forced = forced.to_vec();
            let error = world.create(&backend, TOKEN, &current, &[]).await.unwrap_err();
            assert_eq!(error.class(), class, "{vendor:?} {forced:?}: {error}");
            let text = printed(&error);
            assert!(
                text.contains(named) && !text.contains("SENTINEL"),
                "{vendor:?} {forced:?}: {text}"
            );
            assert!(shop.lock().unwrap().forced.is_empty());
        }
        shop.lock().unwrap().forced = vec![429];
        let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
        world.test(&backend, &made).await.unwrap();

        shop.lock().unwrap().limit = Some(2);
        let live = crate::support::field(&made, vendor.fields().1);
        let error = world
            .create(&backend, OTHER_TOKEN, &current, &[Some(&live)])
            .await
            .unwrap_err();
        let text = printed(&error);
        assert!(
            text.contains(&first.id) && text.contains(&live),
            "the ids: {text}"
        );
        assert!(!text.contains("SENTINEL"), "{text}");

        assert_eq!(world.retire(&backend, &made).await.unwrap(), Retirement::Retired);
        assert_eq!(
            world.retire(&backend, &made).await.unwrap(),
            Retirement::AlreadyGone
        );
        let backend = backend.with_verify_limit(Duration::from_millis(1));
        let error = world.test(&backend, &made).await.unwrap_err();
        assert_eq!(
            error.class(),
            ErrorClass::Unavailable,
            "it may not have propagated yet"
        );
        assert!(!printed(&error).contains("SENTINEL"), "{}", printed(&error));
    }
}

#[test]
fn each_description_has_its_documentation_beside_it() {
    for vendor in Vendor::ALL {
        let described: Value = serde_json::from_str(vendor.description()).unwrap();
        let links = described["documentation"].as_array().unwrap();
        assert!(
            !links.is_empty()
                && links
                    .iter()
                    .all(|link| link.as_str().unwrap().starts_with("https://"))
        );
        assert!(vendor.description().contains(vendor.host()), "{vendor:?}");
        Provider::from_json(vendor.description()).unwrap();
    }
}
