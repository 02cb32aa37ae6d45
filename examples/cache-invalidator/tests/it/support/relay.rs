//! From a rotation in the simulator to the consumer's queue.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_secretsmanager::config::{Credentials, Region};
use consumer::{Queue, SecretCache, SecretsManager, Settings};
use rotation_core::{Rotate, SecretValue};
use rotation_lambda_host::{Function, FunctionBuilder, Invoked};
use rotation_testkit::model::ActivityKind;
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, TravelClock};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::messaging::{Messaging, Served, TOPIC};

/// What the function's TARGET is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    Topic,
    Queue,
}

/// One secret, `crm/credential`; the function, and the queue that its news comes to.
pub(crate) struct Relay {
    pub(crate) simulator: Simulator,
    pub(crate) function: Function,
    pub(crate) messaging: Messaging,
    queue: Queue,
    arn: String,
    /// The moves of AWSCURRENT, as versions.
    moves: Arc<Mutex<Vec<String>>>,
    server: SimulatorServer,
    _served: Served,
}

const SECRET: &str = "crm/credential";

impl Relay {
    pub(crate) async fn new(to: To, document: &Value) -> Self {
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
        let value = SecretValue::text(document.to_string());
        let arn = simulator.operator().create_secret(SECRET, value).unwrap();
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
        let config = config(&served.url).load().await;
        Self {
            function: function.start().await.unwrap(),
            queue: Queue::new(aws_sdk_sqs::Client::new(&config), url),
            simulator,
            messaging,
            arn,
            moves,
            server,
            _served: served,
        }
    }

    /// The consumer's cache, over the real SDK.
    pub(crate) async fn cache<T: DeserializeOwned>(&self) -> Arc<SecretCache<T>> {
        let config = config(&self.server.endpoint_url()).load().await;
        let client = aws_sdk_secretsmanager::Client::new(&config);
        // The default times, but for the two that a busy machine may exceed.
        let mut settings = Settings::default();
        settings.read_timeout = Duration::from_secs(20);
        settings.budget = Duration::from_secs(30);
        Arc::new(SecretCache::new(SecretsManager::new(client, SECRET)).with_settings(settings))
    }

    /// A whole rotation; the new version.
    pub(crate) async fn rotate(&self, rotate: &dyn Rotate) -> String {
        let version = self.simulator.operator().rotate(&self.arn).unwrap();
        for run in self.simulator.run(rotate, Duration::from_secs(30)).await {
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
            "detail": {"name": SECRET, "labelUpdated": "AWSCURRENT", "versionId": version},
        })
    }

    /// EventBridge invokes the function, which sends.
    pub(crate) async fn deliver(&self, event: &Value) {
        let Invoked { failed, payload, .. } = self.function.invoke(event).await;
        assert!(!failed && payload["outcome"] == "sent", "{payload}");
    }

    /// The consumer takes everything out of its queue; how many messages that were.
    pub(crate) async fn hear<T: DeserializeOwned + Send + Sync>(&self, cache: &SecretCache<T>) -> usize {
        let heard = self.queue.receive(Duration::ZERO, |news| {
            if news.is_of(SECRET) {
                news.tell(cache);
            }
        });
        heard.await.unwrap()
    }

    /// Neither the function nor the messages hold a secret.
    pub(crate) fn assert_nothing_printed(&self) {
        let output = self.function.output();
        assert!(output.contains(r#""outcome":"sent""#), "{output}");
        for secret in ["sk-", "sentinel"] {
            assert!(!output.contains(secret), "{output}");
            assert!(
                self.messaging
                    .ever()
                    .iter()
                    .all(|message| !message.contains(secret))
            );
        }
    }
}

/// The built function.
pub(crate) fn function() -> FunctionBuilder {
    Function::builder(env!("CARGO_BIN_EXE_cache-invalidator")).name("cache-invalidator")
}

fn config(endpoint: &str) -> aws_config::ConfigLoader {
    let credentials = Credentials::new("AKIAAPPLICATION", "of no use", None, None, "test");
    let config = consumer::aws_config().region(Region::new("eu-west-1"));
    config.endpoint_url(endpoint).credentials_provider(credentials)
}
