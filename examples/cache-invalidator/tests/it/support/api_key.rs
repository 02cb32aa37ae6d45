//! A rotated API key, and an application that keeps calling.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use consumer::{Attempt, CallError, SecretCache};
use rotation_core::{Grace, Rotator, SecretString};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, Request};
use rotation_test_servers::http::{KeyProvider, KeyServer};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde_json::json;

use super::relay::{Relay, To};

#[derive(Deserialize)]
pub(crate) struct Vendor {
    api_key: SecretString,
}

pub(crate) struct Scene {
    pub(crate) relay: Relay,
    pub(crate) cache: Arc<SecretCache<Vendor>>,
    keys: KeyServer,
}

impl Scene {
    pub(crate) async fn new(to: To) -> Self {
        let provider = KeyProvider::new("sentinel-admin-token");
        let keys = provider.serve().await.unwrap();
        let (id, key) = provider.make_key("made by hand");
        let document = json!({"api_endpoint": keys.base_url(), "api_key": key, "key_id": id});
        let relay = Relay::new(to, &document).await;
        let cache = relay.cache().await;
        Self { relay, cache, keys }
    }

    /// A whole rotation; the new version.
    pub(crate) async fn rotate(&self, grace: Grace) -> String {
        let provider = Provider::builder()
            .base_url("{secret.api_endpoint}")
            .create(Request::post("/api-keys").json(json!({"account_id": "42", "label": "{label}"})))
            .key_at("/key")
            .id_at("/id")
            .list(Request::get("/api-keys"))
            .items_at("/keys")
            .item_id_at("/id")
            .item_label_at("/label")
            .verify(Request::get("/health").header("authorization", "Bearer {key}"))
            .revoke(Request::delete("/api-keys/{id}"));
        let hosts = AllowedHosts::new([self.keys.address().to_string()])
            .unwrap()
            .allow_plain_http_on_loopback();
        let admin = Admin::given("sentinel-admin-token").header("x-admin-token");
        let backend = HttpBackend::new(provider.build().unwrap(), admin, hosts).unwrap();
        let simulator = &self.relay.simulator;
        let rotator = Rotator::new(backend, simulator.store()).with_clock(simulator.clock());
        self.relay.rotate(&rotator.with_grace(grace)).await
    }

    /// The consumer takes everything out of its queue; how many messages that were.
    pub(crate) async fn hear(&self) -> usize {
        self.relay.hear(&self.cache).await
    }

    pub(crate) fn application(&self) -> Application {
        Application {
            cache: Arc::clone(&self.cache),
            url: format!("{}/health", self.keys.base_url()),
            http: http(),
        }
    }
}

fn http() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let tls = tls
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()
        .unwrap()
}

#[derive(Clone)]
pub(crate) struct Application {
    cache: Arc<SecretCache<Vendor>>,
    url: String,
    http: reqwest::Client,
}

/// An application that calls until it is ended.
pub(crate) struct Running {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<usize>>,
}

impl Application {
    /// One request; the version that it was answered with.
    pub(crate) async fn request(&self) -> Result<String, CallError<reqwest::Error>> {
        self.cache
            .call(|vendor| async move {
                let request = self
                    .http
                    .get(&self.url)
                    .bearer_auth(vendor.api_key.expose_secret());
                let reply = request.send().await.map_err(Attempt::Failed)?;
                let refused = reply.status() == 401;
                match reply.error_for_status() {
                    Ok(_) => Ok(vendor.version().to_owned()),
                    Err(error) if refused => Err(Attempt::Refused(error)),
                    Err(error) => Err(Attempt::Failed(error)),
                }
            })
            .await
    }

    /// Four tasks that keep calling.
    pub(crate) fn run(&self) -> Running {
        let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let task = |_| {
            let (application, over, answered) = (self.clone(), Arc::clone(&over), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut failed = 0;
                while !over.load(Ordering::SeqCst) {
                    match application.request().await {
                        Ok(_) => _ = answered.fetch_add(1, Ordering::SeqCst),
                        Err(_) => failed += 1,
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                failed
            })
        };
        let tasks = (0..4).map(task).collect();
        Running {
            over,
            answered,
            tasks,
        }
    }
}

impl Running {
    /// So many more requests were answered.
    pub(crate) async fn more(&self, requests: usize) {
        let enough = self.answered.load(Ordering::SeqCst) + requests;
        while self.answered.load(Ordering::SeqCst) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends it; how many requests failed.
    pub(crate) async fn failed(self) -> usize {
        self.over.store(true, Ordering::SeqCst);
        let mut failed = 0;
        for task in self.tasks {
            failed += task.await.unwrap();
        }
        failed
    }
}
