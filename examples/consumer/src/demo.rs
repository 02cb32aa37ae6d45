//! What both demonstrations need.

pub(crate) mod api_key;
pub(crate) mod postgres;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{Credentials, Region};
use consumer::Settings;
use rotation_core::Rotate;
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, StepResult};
use rustls::{ClientConfig, RootCertStore};

pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// What a Lambda function would have left at the start of each step.
const REMAINING: Duration = Duration::from_secs(30);

/// What became of the application's requests.
#[derive(Debug, Default)]
struct Counts {
    good: AtomicUsize,
    bad: AtomicUsize,
    /// How often the target refused, whether the request failed of it or not.
    refused: AtomicUsize,
    over: AtomicBool,
}

impl Counts {
    fn count(&self, worked: bool) {
        let count = if worked { &self.good } else { &self.bad };
        count.fetch_add(1, Ordering::SeqCst);
    }

    fn good(&self) -> usize {
        self.good.load(Ordering::SeqCst)
    }

    fn bad(&self) -> usize {
        self.bad.load(Ordering::SeqCst)
    }

    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Lets the application work on what a step left: so many requests.
    async fn more(&self, requests: usize) -> Result<()> {
        let enough = self.good() + self.bad() + requests;
        until("an answer", || self.good() + self.bad() >= enough).await
    }
}

/// Waits for what the application is to do; not for ever, should its tasks be dead.
async fn until(what: &str, done: impl Fn() -> bool) -> Result<()> {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
    waited.map_err(|_| format!("the application waited for {what} for a minute").into())
}

/// TLS over ring, with these roots.
fn trusting(roots: RootCertStore) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The SDK's client as the application has it, but for the endpoint, which is the simulator's.
async fn client(server: &SimulatorServer) -> Client {
    let credentials = Credentials::new("AKIAAPPLICATION", "of no use", None, None, "demonstration");
    let config = consumer::aws_config()
        .region(Region::new("eu-west-1"))
        .endpoint_url(server.endpoint_url())
        .credentials_provider(credentials);
    Client::new(&config.load().await)
}

/// The default times, but for the two that a busy machine may exceed.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.read_timeout = Duration::from_secs(20);
    settings.budget = Duration::from_secs(30);
    settings
}

/// Does the rotation's next step, as Secrets Manager calls for it; its name, or `None` at the end.
async fn step(simulator: &Simulator, rotate: &dyn Rotate) -> Result<Option<&'static str>> {
    let Some(run) = simulator.step(rotate, REMAINING).await else {
        return Ok(None);
    };
    let step = run.invocation.event.step().as_str();
    match run.result {
        StepResult::Done(_) => Ok(Some(step)),
        StepResult::Failed(error) => Err(rotation_core::chain(&error).into()),
        _ => Err(format!("{step} was cut off").into()),
    }
}
