//! The cache over the real SDK and the simulator's socket, with each fault in the read that follows a refusal.
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{Credentials, Region};
use consumer::{Attempt, CallError, SecretCache, SecretsManager, Settings};
use rotation_core::{SecretString, SecretValue};
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Fault, Simulator, TravelClock};
use serde::Deserialize;

/// Calls with this key pass the simulator's faults.
const ACCESS_KEY: &str = "AKIAAPPLICATION";
const HALF_A_MINUTE: Duration = Duration::from_secs(30);
const GET: &str = "GetSecretValue";

#[derive(Deserialize)]
struct Vendor {
    api_key: SecretString,
}

struct Scene {
    simulator: Simulator,
    _server: SimulatorServer,
    cache: SecretCache<Vendor>,
}

impl Scene {
    async fn new() -> Self {
        let simulator = Simulator::with_clock(TravelClock::new());
        simulator
            .operator()
            .create_secret("crm/api-key", value("sentinel-1"))
            .unwrap();
        let server = SimulatorServer::builder(simulator.clone()).function_access_key(ACCESS_KEY);
        let server = server.start().await.unwrap();
        let config = consumer::aws_config()
            .region(Region::new("eu-west-1"))
            .endpoint_url(server.endpoint_url())
            .credentials_provider(Credentials::new(ACCESS_KEY, "of no use", None, None, "test"));
        let client = Client::new(&config.load().await);
        // So that what is measured is not this machine.
        let mut settings = Settings::default();
        (settings.read_timeout, settings.budget) = (HALF_A_MINUTE, 2 * HALF_A_MINUTE);
        let cache = SecretCache::new(SecretsManager::new(client, "crm/api-key")).with_settings(settings);
        Self {
            simulator,
            _server: server,
            cache,
        }
    }

    /// A request to a target that takes this key alone.
    async fn request(&self, good: &str) -> Result<(), CallError<String>> {
        let known = |vendor: &Vendor| vendor.api_key.expose_secret() == good;
        let attempt = |known: bool| {
            known
                .then_some(())
                .ok_or_else(|| Attempt::Refused("401".to_owned()))
        };
        self.cache
            .call(|vendor| std::future::ready(attempt(known(&vendor))))
            .await
    }

    fn put(&self, key: &str) -> String {
        self.simulator.operator().put("crm/api-key", value(key)).unwrap()
    }
}

fn value(key: &str) -> SecretValue {
    SecretValue::text(format!(
        r#"{{"api_key": "{key}", "api_endpoint": "https://api.vendor.com"}}"#
    ))
}

/// The old key is dead at once, and the read that is to bring the new one meets each fault.
#[tokio::test]
async fn a_dead_key_and_a_fault_in_the_read_cost_no_request() {
    let faults = [
        Fault::LoseRequest,
        Fault::LoseResponse,
        Fault::Throttle,
        Fault::Deny,
        Fault::InternalError,
        Fault::Stale,
        Fault::Hang,
    ];
    for fault in faults {
        let scene = Scene::new().await;
        scene.request("sentinel-1").await.unwrap();
        scene.put("sentinel-2");
        scene.simulator.faults().at_nth(GET, 2, fault);
        let answered = scene.request("sentinel-2").await;
        assert!(answered.is_ok(), "{fault:?}: {answered:?}");
        assert!(scene.simulator.faults().all_struck(), "{fault:?}");
    }
}

/// The client's own limit: a try of a read takes a second, so that there is time for another.
#[tokio::test]
async fn a_hanging_read_is_tried_again_within_its_time() {
    let scene = Scene::new().await;
    scene.simulator.faults().at_nth(GET, 1, Fault::Hang);
    scene.request("sentinel-1").await.unwrap();
    let stats = scene.cache.stats();
    assert_eq!((stats.reads, stats.failed_reads), (1, 0), "the SDK did that");
}

#[tokio::test]
async fn what_the_service_refuses_is_said_without_the_value() {
    let scene = Scene::new().await;
    scene.simulator.faults().at_nth(GET, 1, Fault::Deny);
    let error = scene.request("sentinel-1").await.unwrap_err();
    let CallError::Unread(error) = error else {
        panic!("{error:?}")
    };
    let text = error.to_string();
    assert!(
        text.contains("AccessDeniedException") && text.contains("GetSecretValue"),
        "{text}"
    );
    assert!(!format!("{text} {error:?}").contains("sentinel"), "{text}");
}

/// Only AWSCURRENT is read: a pending version is no credential yet.
#[tokio::test]
async fn a_pending_version_is_never_used() {
    let scene = Scene::new().await;
    scene.request("sentinel-1").await.unwrap();
    let token = scene.simulator.operator().rotate("crm/api-key").unwrap();
    scene.cache.flush();
    assert_ne!(scene.cache.current().await.unwrap().version(), token);
    scene.request("sentinel-1").await.unwrap();
}
