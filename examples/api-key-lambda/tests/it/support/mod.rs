//! The built function under a Lambda Runtime API, the simulator's server and a provider, all on
//! loopback; and an operator with the real SDK.

use std::time::Duration;

use rotation_lambda::aws_sdk_secretsmanager::Client;
use rotation_lambda::aws_sdk_secretsmanager::config::{Credentials, Region};
use rotation_lambda_host::{Function, FunctionBuilder};
use rotation_test_servers::http::{KeyProvider, KeyServer};
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, TravelClock};
use serde_json::{Value, json};

pub(crate) const ADMIN_TOKEN: &str = "sentinel-admin-token";

pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) server: SimulatorServer,
    pub(crate) provider: KeyProvider,
    pub(crate) function: Function,
    pub(crate) operator: Client,
    pub(crate) arn: String,
    pub(crate) first_key: String,
    _keys: KeyServer,
}

/// What differs between scenes.
pub(crate) struct Setting {
    pub(crate) provider: KeyProvider,
    /// Whether the secret holds the id of its first key.
    pub(crate) with_id: bool,
    /// The variable that tells the function where Secrets Manager is.
    pub(crate) endpoint_variable: &'static str,
    /// Another secret than one for the provider, at this host instead of its own.
    pub(crate) elsewhere: Option<(Value, String)>,
    /// Whether the simulator invokes the function by itself.
    pub(crate) driven: bool,
    pub(crate) function: Box<dyn FnOnce(FunctionBuilder) -> FunctionBuilder>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            provider: KeyProvider::new(ADMIN_TOKEN),
            with_id: true,
            endpoint_variable: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            elsewhere: None,
            driven: true,
            function: Box::new(|function| function.env("ADMIN_TOKEN", ADMIN_TOKEN)),
        }
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub(crate) async fn with(setting: Setting) -> Self {
        let simulator = Simulator::with_clock(TravelClock::new());
        simulator.configure(|options| options.replay_interval = Duration::from_millis(50));
        let provider = setting.provider.with_faults(simulator.faults());
        let keys = provider.serve().await.unwrap();
        let host = match &setting.elsewhere {
            Some((_, host)) => host.clone(),
            None => keys.address().to_string(),
        };
        let function = Function::builder(env!("CARGO_BIN_EXE_api-key-rotator"))
            .env("ALLOWED_API_HOSTS", host)
            .env("RUST_LOG", "trace")
            .faults(simulator.faults());
        let function = (setting.function)(function).start().await.unwrap();
        let server = SimulatorServer::builder(simulator.clone()).function_access_key(Function::ACCESS_KEY_ID);
        let server = match setting.driven {
            true => server.invoke_url(function.invoke_url()),
            false => server,
        };
        let server = server.start().await.unwrap();
        function.set_env(setting.endpoint_variable, server.endpoint_url());
        let (id, first_key) = provider.make_key("made by hand");
        let mut document = json!({
            "account_id": "7", "api_endpoint": keys.base_url(), "api_key": first_key, "note": "sentinel-note",
        });
        if setting.with_id {
            document["key_id"] = json!(id);
        }
        if let Some((elsewhere, _)) = setting.elsewhere {
            document = elsewhere;
        }
        let operator = operator(&server.endpoint_url()).await;
        let created = operator
            .create_secret()
            .name("crm/key")
            .secret_string(document.to_string());
        let arn = created.send().await.unwrap().arn.unwrap();
        Self {
            simulator,
            server,
            provider,
            function,
            operator,
            arn,
            first_key,
            _keys: keys,
        }
    }

    /// RotateSecret over the wire; the token.
    pub(crate) async fn rotate(&self) -> String {
        let rotate = self.operator.rotate_secret().secret_id(&self.arn);
        let rotated = rotate
            .rotation_lambda_arn(self.function.arn())
            .send()
            .await
            .unwrap();
        rotated.version_id.unwrap()
    }

    /// The labels of a version, over the wire.
    pub(crate) async fn labels(&self, version: &str) -> Vec<String> {
        let described = self
            .operator
            .describe_secret()
            .secret_id(&self.arn)
            .send()
            .await
            .unwrap();
        let versions = described.version_ids_to_stages.unwrap_or_default();
        versions.get(version).cloned().unwrap_or_default()
    }

    /// Waits until the rotation has succeeded.
    pub(crate) async fn succeeded(&self, token: &str) {
        self.record("RotationSucceeded", token).await;
        assert_eq!(self.labels(token).await, ["AWSCURRENT"]);
    }

    /// Waits for the first event of this name, as CloudTrail has it.
    pub(crate) async fn record(&self, name: &str, token: &str) -> Value {
        for _ in 0..2400 {
            let suffix = format!("-{token}");
            let is_it = |record: &Value| {
                record["eventName"] == name
                    && record["requestID"]
                        .as_str()
                        .is_some_and(|id| id.ends_with(&suffix))
            };
            if let Some(record) = self.server.cloudtrail_events().into_iter().find(is_it) {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "no {name} within a minute; the function said:\n{}",
            self.function.output()
        );
    }

    /// The document under AWSCURRENT, over the wire.
    pub(crate) async fn current(&self) -> Value {
        let read = self
            .operator
            .get_secret_value()
            .secret_id(&self.arn)
            .send()
            .await
            .unwrap();
        serde_json::from_str(&read.secret_string.unwrap()).unwrap()
    }

    /// Whether the key under AWSCURRENT works.
    pub(crate) async fn current_works(&self) -> bool {
        self.provider
            .authenticates(self.current().await["api_key"].as_str().unwrap())
    }

    /// The lines of JSON that the function ended its steps with.
    pub(crate) fn closing_lines(&self) -> Vec<Value> {
        let output = self.function.output();
        let lines = output
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line.get("outcome").is_some()).collect()
    }
}

async fn operator(endpoint: &str) -> Client {
    let config = rotation_lambda::client().await.unwrap().config().to_builder();
    let credentials = Credentials::new("AKIAOPERATOR", "of no use", None, None, "test");
    let config = config.region(Region::new("eu-west-1")).endpoint_url(endpoint);
    Client::from_conf(config.credentials_provider(credentials).build())
}
