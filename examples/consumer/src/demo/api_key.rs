//! An API key: four rotations, the first of which leaves the key that is in use alive.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use consumer::{Attempt, CallError, Current, SecretCache, SecretsManager};
use rotation_core::{Grace, Rotator, SecretString, SecretValue};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, Request};
use rotation_test_servers::http::{KeyProvider, KeyServer};
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, SimulatorStore, TravelClock};
use rustls::RootCertStore;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinHandle;

use super::{Counts, Result, client, settings, step, trusting};

const TASKS: usize = 8;
const REQUESTS: usize = 40;

/// What the application reads of the secret.
#[derive(Deserialize)]
struct Vendor {
    api_key: SecretString,
    key_id: String,
}

/// Rotates four times; the number of requests that failed. Without `refetch` the application reads the secret at
/// its start and never again, as one does that has it from an environment variable.
pub(crate) async fn run(out: &mut impl Write, refetch: bool) -> Result<usize> {
    let scene = Scene::new().await?;
    writeln!(
        out,
        "An API key under {TASKS} tasks that keep calling its provider."
    )?;
    writeln!(out, "  provider         {}, real HTTP", scene.keys.base_url())?;
    writeln!(
        out,
        "  Secrets Manager  {}, simulated, read with the SDK",
        scene.server.endpoint_url()
    )?;
    writeln!(
        out,
        "\n{:<58}{:>8}{:>6}{:>7}{:>8}   in use",
        "rotation", "answered", "401s", "reads", "failed"
    )?;
    let application = Application::start(&scene, refetch).await?;
    application.counts.more(REQUESTS).await?;
    let mut before = Row::default();
    let mut row = |out: &mut dyn Write, title: &str| -> Result<()> {
        let now = application.row();
        let (answered, failed) = (now.answered - before.answered, now.failed - before.failed);
        let (refused, reads) = (now.refused - before.refused, now.reads - before.reads);
        let key = application.key();
        writeln!(
            out,
            "{title:<58}{answered:>8}{refused:>6}{reads:>7}{failed:>8}   {key}"
        )?;
        before = now;
        Ok(())
    };
    row(out, "before the first")?;
    for (number, grace, pushed, title) in [
        (
            1,
            Grace::UntilNextRotation,
            false,
            "the key in use works until the next rotation",
        ),
        (
            2,
            Grace::UntilNextRotation,
            false,
            "the key in use ends in createSecret",
        ),
        (3, Grace::None, false, "without grace: what is in use ends, twice"),
        (
            4,
            Grace::UntilNextRotation,
            true,
            "the application is told by a push",
        ),
    ] {
        scene.rotate(&application, grace, pushed).await?;
        row(out, &format!("{number}  {title}"))?;
    }
    let cache = Arc::clone(&application.cache);
    let failed = application.end().await;
    let stats = cache.stats();
    writeln!(
        out,
        "versions used: {}, reads of the secret: {}",
        stats.versions, stats.reads
    )?;
    Ok(failed)
}

struct Scene {
    provider: Arc<Provider>,
    keys: KeyServer,
    simulator: Simulator,
    server: SimulatorServer,
    arn: String,
    admin: String,
}

impl Scene {
    async fn new() -> Result<Self> {
        let provider = KeyProvider::new("the-admin-token");
        let keys = provider.serve().await?;
        let simulator = Simulator::with_clock(TravelClock::new());
        let server = simulator.serve().await?;
        let operator = simulator.operator();
        let admin = operator.create_secret("vendor/admin", SecretValue::text("the-admin-token"))?;
        let (id, key) = provider.make_key("made by hand");
        let document = json!({ "api_endpoint": keys.base_url(), "api_key": key, "key_id": id });
        let arn = operator.create_secret("crm/api-key", SecretValue::text(document.to_string()))?;
        let provider = Arc::new(described()?);
        Ok(Self {
            provider,
            keys,
            simulator,
            server,
            arn,
            admin,
        })
    }

    /// What a Lambda function would put together at its start.
    fn rotator(&self, grace: Grace) -> Result<Rotator<HttpBackend, SimulatorStore>> {
        let admin = Admin::secret(&self.admin).header("x-admin-token");
        let hosts = AllowedHosts::new([self.keys.address().to_string()])?.allow_plain_http_on_loopback();
        let backend = HttpBackend::new(Provider::clone(&self.provider), admin, hosts)?;
        let rotator = Rotator::new(backend, self.simulator.store());
        Ok(rotator.with_clock(self.simulator.clock()).with_grace(grace))
    }

    async fn rotate(&self, application: &Application, grace: Grace, pushed: bool) -> Result<()> {
        let rotator = self.rotator(grace)?;
        let version = self.simulator.operator().rotate(&self.arn)?;
        while step(&self.simulator, &rotator).await?.is_some() {
            application.counts.more(REQUESTS).await?;
        }
        if pushed {
            application.cache.announce(&version);
            application.counts.more(REQUESTS).await?;
        }
        Ok(())
    }
}

/// The provider's requests.
fn described() -> Result<Provider> {
    let provider = Provider::builder()
        .base_url("{secret.api_endpoint}")
        .create(Request::post("/api-keys").json(json!({ "account_id": "42", "label": "{label}" })))
        .key_at("/key")
        .id_at("/id")
        .list(Request::get("/api-keys"))
        .items_at("/keys")
        .item_id_at("/id")
        .item_label_at("/label")
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/api-keys/{id}"));
    Ok(provider.build()?)
}

/// Calls the provider from several tasks, for as long as nobody ends it.
struct Application {
    cache: Arc<SecretCache<Vendor>>,
    counts: Arc<Counts>,
    key: Arc<Mutex<String>>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Clone, Copy, Default)]
struct Row {
    answered: usize,
    failed: usize,
    refused: usize,
    reads: u64,
}

impl Application {
    async fn start(scene: &Scene, refetch: bool) -> Result<Self> {
        let source = SecretsManager::new(client(&scene.server).await, &scene.arn);
        let (cache, counts) = (
            Arc::new(SecretCache::new(source).with_settings(settings())),
            Arc::new(Counts::default()),
        );
        let key = Arc::new(Mutex::new(String::new()));
        // Its requests go to this machine; one of yours verifies servers by the roots that you give it here.
        let http = reqwest::Client::builder().tls_backend_preconfigured(trusting(RootCertStore::empty())?);
        let http = http.build()?;
        let url = format!("{}/health", scene.keys.base_url());
        let work = |_| {
            let (cache, counts, key) = (Arc::clone(&cache), Arc::clone(&counts), Arc::clone(&key));
            let (http, url) = (http.clone(), url.clone());
            let task = Task {
                cache,
                http,
                url,
                counts,
                key,
            };
            tokio::spawn(task.run(refetch))
        };
        let tasks = (0..TASKS).map(work).collect();
        Ok(Self {
            cache,
            counts,
            key,
            tasks,
        })
    }

    fn row(&self) -> Row {
        let (answered, failed) = (self.counts.good(), self.counts.bad());
        Row {
            answered,
            failed,
            refused: self.counts.refused.load(Ordering::SeqCst),
            reads: self.cache.stats().reads,
        }
    }

    /// The id of the key that was used last.
    fn key(&self) -> String {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn end(self) -> usize {
        self.counts.end();
        for task in self.tasks {
            // It ends by itself; one that panicked has counted what it did before.
            _ = task.await;
        }
        self.counts.bad()
    }
}

/// One task of the application.
struct Task {
    cache: Arc<SecretCache<Vendor>>,
    http: reqwest::Client,
    url: String,
    counts: Arc<Counts>,
    key: Arc<Mutex<String>>,
}

impl Task {
    async fn run(self, refetch: bool) {
        let first = self.cache.current().await;
        while !self.counts.is_over() {
            let answered = match (&first, refetch) {
                (Ok(first), false) => self.ask(Arc::clone(first)).await.ok(),
                _ => self.request().await.ok(),
            };
            if let Some(id) = &answered {
                self.key
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone_from(id);
            }
            self.counts.count(answered.is_some());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// A request as a reader's own is: with what the cache holds, and again after a refusal.
    async fn request(&self) -> Result<String, CallError<reqwest::Error>> {
        self.cache.call(|vendor| self.ask(vendor)).await
    }

    /// Asks the provider; the id of the key that it was answered with.
    async fn ask(&self, vendor: Arc<Current<Vendor>>) -> Result<String, Attempt<reqwest::Error>> {
        let request = self
            .http
            .get(&self.url)
            .bearer_auth(vendor.api_key.expose_secret());
        let reply = request.send().await.map_err(Attempt::Failed)?;
        match (reply.status().as_u16(), reply.error_for_status()) {
            (_, Ok(_)) => Ok(vendor.key_id.clone()),
            (401, Err(error)) => {
                self.counts.refused.fetch_add(1, Ordering::SeqCst);
                Err(Attempt::Refused(error))
            }
            (_, Err(error)) => Err(Attempt::Failed(error)),
        }
    }
}
