//! The simulator on a socket, a rotation function in process, and the tool with a terminal of its own.

pub(crate) mod lossy;
pub(crate) mod page;
pub(crate) mod round;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use rotation_cli::{Cli, Console, Exit};
use rotation_core::{CredentialBackend, Rotate, Rotator, SecretString, SecretValue};
use rotation_lambda::Handler;
use rotation_secretsmanager::SecretsManagerStore;
use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend};
use rotation_testkit::model::InvocationResult;
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{SeededRandom, Simulator, TravelClock};
use serde_json::{Value, json};

/// What must be printed nowhere.
pub(crate) const SENTINEL: &str = "sentinel-hunter2";

/// The key that the rotation function signs its calls with.
const FUNCTION_KEY: &str = "ASIAFUNCTION";
const OPERATOR_KEY: &str = "AKIAOPERATOR";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:rotate-crm";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The time-out of the function, unless a test has another.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) server: SimulatorServer,
    pub(crate) keys: MintedKeys,
    random: SeededRandom,
    http: SharedHttpClient,
}

/// What the tool printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    #[track_caller]
    pub(crate) fn ends(self, exit: Exit) -> Self {
        assert_eq!(self.exit, exit, "{}\n{}", self.out, self.err);
        let printed = format!("{}{}", self.out, self.err);
        assert!(!printed.contains(SENTINEL), "{printed}");
        self
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(Simulator::with_clock(TravelClock::new())).await
    }

    pub(crate) async fn of(simulator: Simulator) -> Self {
        let server = SimulatorServer::builder(simulator.clone())
            .function_access_key(FUNCTION_KEY)
            .start()
            .await
            .unwrap();
        let keys = MintedKeys::new(simulator.faults());
        let http = aws_smithy_http_client::Builder::new().build_http();
        Self {
            simulator,
            server,
            keys,
            random: SeededRandom::new(7),
            http,
        }
    }

    fn client(&self, key: &str) -> Client {
        Client::from_conf(self.config(key, &self.server.endpoint_url()).build())
    }

    fn config(&self, key: &str, url: &str) -> aws_sdk_secretsmanager::config::Builder {
        aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .endpoint_url(url)
            .credentials_provider(Credentials::new(key, "of no use", None, None, "test"))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(Duration::from_secs(2))
                    .build(),
            )
            .http_client(self.http.clone())
    }

    /// A secret with a minted key, and rotation set up; its name is `crm/key`.
    pub(crate) fn key_secret(&self) -> MintedKey {
        let key = self.keys.mint("made by hand");
        self.secret("crm/key", key.to_value());
        self.set_up("crm/key");
        key
    }

    pub(crate) fn secret(&self, name: &str, value: SecretValue) {
        self.simulator.operator().create_secret(name, value).unwrap();
    }

    /// Rotation on, every 30 days, without rotating.
    pub(crate) fn set_up(&self, name: &str) {
        let operator = self.simulator.operator();
        operator.set_up_rotation(name, FUNCTION, 30).unwrap();
    }

    /// Starts a rotation, as the schedule does; its token.
    pub(crate) fn rotate(&self, name: &str) -> String {
        self.simulator.operator().rotate(name).unwrap()
    }

    pub(crate) fn labels(&self, version: &str) -> Vec<String> {
        self.simulator.labels("crm/key").of(version).to_vec()
    }

    pub(crate) fn holder(&self, label: &str) -> String {
        let labels = self.simulator.labels("crm/key");
        labels.version_with(label).unwrap_or("nobody").to_owned()
    }

    /// Waits until the service has taken `AWSPENDING` off the version that a rotation made current.
    pub(crate) async fn settles(&self) {
        for _ in 0..1200 {
            if self.holder("AWSPENDING") == "nobody" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("AWSPENDING is on {} after 30 s", self.holder("AWSPENDING"));
    }

    /// The binary without a backend, but for its client.
    pub(crate) fn plain(&self) -> Cli {
        self.plain_at(&self.server.endpoint_url())
    }

    /// The same at another endpoint, where each call is tried once.
    pub(crate) fn plain_at(&self, url: &str) -> Cli {
        let config = self
            .config(OPERATOR_KEY, url)
            .retry_config(RetryConfig::disabled());
        Cli::new()
            .with_client(Client::from_conf(config.build()))
            .with_clock(self.simulator.clock())
            .with_random(self.random.clone())
    }

    /// Runs the tool without a backend, and with nobody to ask.
    pub(crate) async fn tool(&self, line: &str) -> Ran {
        run(&self.plain(), line, None).await
    }

    /// Runs a team's own tool, with nobody to ask.
    pub(crate) async fn own_tool(&self, line: &str) -> Ran {
        run(&self.own(), line, None).await
    }

    /// A team's own tool.
    pub(crate) fn own(&self) -> Cli {
        self.plain().backend(MintingBackend::new(self.keys.clone()))
    }

    /// Runs the service's side of rotations of minted keys until it is dropped.
    pub(crate) fn function(&self) -> Function {
        self.function_of(MintingBackend::new(self.keys.clone()))
    }

    pub(crate) fn function_of(&self, backend: impl CredentialBackend) -> Function {
        self.function_with(backend, TIMEOUT)
    }

    /// With this time-out.
    pub(crate) fn function_with(&self, backend: impl CredentialBackend, timeout: Duration) -> Function {
        let store = SecretsManagerStore::new(self.client(FUNCTION_KEY));
        let rotator: Box<dyn Rotate> = Box::new(Rotator::new(backend, store));
        let worker = Arc::new(Worker {
            simulator: self.simulator.clone(),
            handler: Handler::new(rotator),
            timeout,
            failures: Mutex::default(),
        });
        let task = tokio::spawn(Arc::clone(&worker).drive());
        Function { worker, task }
    }
}

/// Runs the tool with the words of this line; `answers` are the lines that somebody types.
pub(crate) async fn run(cli: &Cli, line: &str, answers: Option<&str>) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = answers.unwrap_or_default().as_bytes();
    let mut console = Console::new(&mut out, &mut err);
    if answers.is_some() {
        console = console.answered_by(&mut input);
    }
    let exit = cli.run(words(line), &mut console).await;
    Ran {
        exit,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// The words of a command line, the program's name before them.
pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    std::iter::once("rotation").chain(line.split_whitespace())
}

/// A rotation function at work; stops when dropped.
pub(crate) struct Function {
    worker: Arc<Worker>,
    task: tokio::task::JoinHandle<()>,
}

struct Worker {
    simulator: Simulator,
    handler: Handler<Box<dyn Rotate>>,
    timeout: Duration,
    failures: Mutex<Vec<Value>>,
}

impl Function {
    /// Waits for so many failed invocations, and says what was logged of them.
    pub(crate) async fn failed(&self, times: usize) -> Vec<Value> {
        for _ in 0..1200 {
            let failures = self.worker.failures.lock().unwrap().clone();
            if failures.len() >= times {
                return failures;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("not {times} failures within 30 s");
    }

    /// Invokes it beside the service's own invocations.
    pub(crate) async fn invoke(&self, step: &str, token: &str) {
        let secret = self.worker.simulator.operator().describe("crm/key").unwrap().arn;
        let event = json!({"SecretId": secret, "ClientRequestToken": token, "Step": step});
        _ = self.worker.step(&event).await;
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Worker {
    async fn drive(self: Arc<Self>) {
        loop {
            let invocation = self.simulator.next_invocation();
            let Some(invocation) = invocation else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let event = &invocation.event;
            let rotation_token = event.rotation_token().map(SecretString::expose_secret);
            let result = self
                .step(&json!({
                    "SecretId": event.secret_id(),
                    "ClientRequestToken": event.client_request_token(),
                    "Step": event.step().as_str(),
                    "RotationToken": rotation_token,
                }))
                .await;
            self.simulator.report(&invocation, result);
        }
    }

    async fn step(&self, event: &Value) -> InvocationResult {
        let Err(failure) = self.handler.step(event, SystemTime::now() + self.timeout).await else {
            return InvocationResult::Succeeded;
        };
        let mut told = json!({"errorType": failure.error_type(), "error": failure.to_string()});
        if let Some(error) = failure.rotation() {
            told["step"] = json!(error.step().as_str());
            told["class"] = json!(error.class().as_str());
            told["reason"] = json!(error.kind().as_str());
        }
        self.failures.lock().unwrap().push(told);
        InvocationResult::Failed(failure.to_string())
    }
}
