//! A rotated API key, the function, and an application that keeps calling.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_secretsmanager::config::{Credentials, Region};
use consumer::{Attempt, CallError, Queue, SecretCache, SecretsManager};
use rotation_core::{Grace, Rotator, SecretString, SecretValue};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, Request};
use rotation_testkit::http::{KeyProvider, KeyServer};
use rotation_testkit::lambda::Function;
use rotation_testkit::model::ActivityKind;
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, TravelClock};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde_json::{Value, json};

use super::messaging::{Messaging, Served, TOPIC};

#[derive(Deserialize)]
pub(crate) struct Vendor {
    api_key: SecretString,
}

pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) server: SimulatorServer,
    pub(crate) function: Function,
    pub(crate) messaging: Messaging,
    pub(crate) queue: Queue,
    pub(crate) cache: Arc<SecretCache<Vendor>>,
    pub(crate) arn: String,
    /// The moves of AWSCURRENT, as versions.
    moves: Arc<Mutex<Vec<String>>>,
    provider: KeyProvider,
    keys: KeyServer,
    _served: Served,
}

/// What the function's TARGET is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    Topic,
    Queue,
}

impl Scene {
    pub(crate) async fn new(to: To) -> Self {
        let simulator = Simulator::with_clock(TravelClock::new());
        let server = simulator.serve().await.unwrap();
        let moves = Arc::new(Mutex::new(Vec::new()));
        simulator.observe({
            let moves = Arc::clone(&moves);
            move |activity| {
                if let ActivityKind::Called { labels, .. } = &activity.kind {
                    let current = labels.iter().filter(|change| change.label == "AWSCURRENT");
                    moves
                        .lock()
                        .unwrap()
                        .extend(current.filter_map(|change| change.to.clone()));
                }
            }
        });
        let provider = KeyProvider::new("sentinel-admin-token");
        let keys = provider.serve().await.unwrap();
        let (id, key) = provider.make_key("made by hand");
        let document = json!({"api_endpoint": keys.base_url(), "api_key": key, "key_id": id});
        let value = SecretValue::text(document.to_string());
        let arn = simulator.operator().create_secret("crm/api-key", value).unwrap();
        let messaging = Messaging::default();
        let served = messaging.serve().await;
        let url = format!("{}/111122223333/rotated", served.url);
        let target = match to {
            To::Topic => TOPIC,
            To::Queue => &url,
        };
        let function = function().env("TARGET", target);
        let function = function
            .env("AWS_ENDPOINT_URL_SNS", &served.url)
            .env("AWS_ENDPOINT_URL_SQS", &served.url);
        let credentials = || Credentials::new("AKIAAPPLICATION", "of no use", None, None, "test");
        let config = |endpoint: String| {
            let config = consumer::aws_config().region(Region::new("eu-west-1"));
            config
                .endpoint_url(endpoint)
                .credentials_provider(credentials())
                .load()
        };
        let client = aws_sdk_secretsmanager::Client::new(&config(server.endpoint_url()).await);
        let queue = Queue::new(
            aws_sdk_sqs::Client::new(&config(served.url.clone()).await),
            url.clone(),
        );
        Self {
            cache: Arc::new(SecretCache::new(SecretsManager::new(client, "crm/api-key"))),
            function: function.start().await.unwrap(),
            simulator,
            server,
            messaging,
            queue,
            arn,
            moves,
            provider,
            keys,
            _served: served,
        }
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
        let rotator = Rotator::new(backend, self.simulator.store()).with_clock(self.simulator.clock());
        let version = self.simulator.operator().rotate(&self.arn).unwrap();
        for run in self
            .simulator
            .run(&rotator.with_grace(grace), Duration::from_secs(30))
            .await
        {
            assert!(run.result.is_done(), "{:?}", run.result);
        }
        version
    }

    /// The last RotationSucceeded as EventBridge delivers it: the simulator's record, in the envelope.
    pub(crate) fn rotation_succeeded(&self) -> Value {
        let records = self.server.cloudtrail_events();
        let detail = records
            .into_iter()
            .rfind(|record| record["eventName"] == "RotationSucceeded")
            .unwrap();
        json!({
            "version": "0", "id": detail["eventID"], "detail-type": "AWS Service Event via CloudTrail",
            "source": "aws.secretsmanager", "account": detail["recipientAccountId"], "time": detail["eventTime"],
            "region": detail["awsRegion"], "resources": [], "detail": detail,
        })
    }

    /// The last move of AWSCURRENT as EventBridge tells it.
    pub(crate) fn label_updated(&self) -> Value {
        let version = self.moves.lock().unwrap().last().cloned().unwrap();
        json!({
            "version": "0", "id": format!("of-{version}"), "detail-type": "Secret Label Updated",
            "source": "aws.secretsmanager", "account": "111122223333", "time": "2026-01-01T00:00:00Z",
            "region": "eu-west-1", "resources": [self.arn],
            "detail": {"name": "crm/api-key", "labelUpdated": "AWSCURRENT", "versionId": version},
        })
    }

    /// The consumer takes everything out of its queue; how many messages that were.
    pub(crate) async fn hear(&self) -> usize {
        let heard = self.queue.receive(Duration::ZERO, |news| {
            if news.is_of("crm/api-key") {
                news.tell(&self.cache);
            }
        });
        heard.await.unwrap()
    }

    pub(crate) fn application(&self) -> Application {
        Application {
            cache: Arc::clone(&self.cache),
            url: format!("{}/health", self.keys.base_url()),
            http: http(),
        }
    }

    /// The keys of all versions and the admin token, of which none is to be printed.
    pub(crate) fn assert_nothing_printed(&self) {
        let output = self.function.output();
        assert!(
            !output.contains("sk-") && !output.contains("sentinel"),
            "{output}"
        );
        assert!(
            self.messaging
                .messages()
                .iter()
                .all(|message| !message.contains("sk-"))
        );
        assert!(!self.provider.alive().is_empty());
    }
}

/// The built function.
pub(crate) fn function() -> rotation_testkit::lambda::FunctionBuilder {
    Function::builder(env!("CARGO_BIN_EXE_cache-invalidator")).name("cache-invalidator")
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
