//! The built function under a Lambda Runtime API, the simulator's server and a PostgreSQL server, all on
//! loopback.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rotation_lambda::rotation_core::{AWSCURRENT, AWSPREVIOUS, SecretValue};
use rotation_lambda_host::Function;
use rotation_test_servers::postgres::{PostgresServer, WireProxy};
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, TravelClock};
use serde_json::{Value, json};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// This binary's server; it ends with the process.
pub(crate) fn server() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(|| PostgresServer::start().unwrap())
}

/// A file with the authority of this binary's server.
pub(crate) fn bundle() -> PathBuf {
    static BUNDLE: OnceLock<PathBuf> = OnceLock::new();
    let write = || {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.pem", server().port()));
        std::fs::write(&path, server().ca_pem()).unwrap();
        path
    };
    BUNDLE.get_or_init(write).clone()
}

pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) secrets_manager: SimulatorServer,
    pub(crate) function: Function,
    pub(crate) arn: String,
    /// Listens until the scene is dropped.
    _proxy: Option<WireProxy>,
}

impl Scene {
    /// A user of this name, its secret, and the function with these variables.
    pub(crate) async fn new(user: &str, variables: &[(&str, &str)]) -> Self {
        Self::with(user, variables, false).await
    }

    /// The same over a proxy under the simulator's faults, without TLS so that they see each message.
    pub(crate) async fn proxied(user: &str, variables: &[(&str, &str)]) -> Self {
        Self::with(user, variables, true).await
    }

    async fn with(user: &str, variables: &[(&str, &str)], proxied: bool) -> Self {
        let simulator = Simulator::with_clock(TravelClock::new());
        simulator.configure(|options| options.replay_interval = Duration::from_millis(50));
        let proxy = match proxied {
            true => {
                let upstream = ([127, 0, 0, 1], server().port()).into();
                Some(WireProxy::start(upstream, simulator.faults()).await.unwrap())
            }
            false => None,
        };
        let mut function = Function::builder(env!("CARGO_BIN_EXE_postgres-rotator"))
            .env("POSTGRES_CA_BUNDLE", bundle())
            .env("ALLOW_PLAINTEXT", proxied.to_string())
            .env("RUST_LOG", "trace")
            .faults(simulator.faults());
        for (name, value) in variables {
            function = function.env(*name, *value);
        }
        let function = function.start().await.unwrap();
        let secrets_manager = SimulatorServer::builder(simulator.clone())
            .function_access_key(Function::ACCESS_KEY_ID)
            .invoke_url(function.invoke_url())
            .start()
            .await
            .unwrap();
        function.set_env("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets_manager.endpoint_url());
        sql(&format!("CREATE ROLE {user} LOGIN PASSWORD 'sentinel-first'")).await;
        let port = proxy.as_ref().map_or(server().port(), WireProxy::port);
        let document = |user: &str, password: &str, more: Value| {
            let mut document = json!({
                "engine": "postgres", "host": "localhost", "port": port, "username": user, "password": password,
            });
            if proxied {
                document["ssl"] = json!(false);
            }
            for (key, value) in more.as_object().unwrap() {
                document[key] = value.clone();
            }
            SecretValue::text(document.to_string())
        };
        let operator = simulator.operator();
        let superuser = document("postgres", server().superuser_password(), json!({}));
        let superuser = operator.create_secret("superuser", superuser).unwrap();
        let rotated = document(
            user,
            "sentinel-first",
            json!({ "masterarn": superuser, "note": "kept" }),
        );
        let arn = operator.create_secret("rotated", rotated).unwrap();
        Self {
            simulator,
            secrets_manager,
            function,
            arn,
            _proxy: proxy,
        }
    }

    /// A whole rotation, with its replays.
    pub(crate) async fn rotated(&self) {
        let token = self.simulator.operator().rotate(&self.arn).unwrap();
        self.event("RotationSucceeded", &token).await;
        assert_eq!(
            self.simulator.labels(&self.arn).version_with(AWSCURRENT),
            Some(token.as_str())
        );
        self.login(AWSCURRENT).await.unwrap();
    }

    /// Waits for the first event of this name, as CloudTrail has it.
    pub(crate) async fn event(&self, name: &str, token: &str) -> Value {
        for _ in 0..2400 {
            let suffix = format!("-{token}");
            let of_this = |event: &Value| {
                event["eventName"] == name
                    && event["requestID"]
                        .as_str()
                        .is_some_and(|id| id.ends_with(&suffix))
            };
            if let Some(event) = self.secrets_manager.cloudtrail_events().into_iter().find(of_this) {
                return event;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "no {name} within a minute; the function said:\n{}",
            self.function.output()
        );
    }

    /// User name and password under a label.
    pub(crate) fn credential(&self, label: &str) -> (String, String) {
        let value: Value = self
            .simulator
            .operator()
            .value(&self.arn, label)
            .unwrap()
            .decode()
            .unwrap();
        let text = |key: &str| value[key].as_str().unwrap().to_owned();
        (text("username"), text("password"))
    }

    /// A login by what is under a label.
    pub(crate) async fn login(&self, label: &str) -> Result<Client, tokio_postgres::Error> {
        let (user, password) = self.credential(label);
        login(&user, &password).await
    }

    /// The line of JSON that the last failed step ended with.
    pub(crate) fn failure(&self) -> Value {
        let output = self.function.output();
        let mut lines = output
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .rfind(|line| line["outcome"] == "failed")
            .unwrap_or_else(|| panic!("{output}"))
    }

    /// No password of the secret's versions, nor the superuser's, is in what the function printed.
    pub(crate) fn printed_no_secret(&self) {
        let output = self.function.output();
        let mut passwords = vec![
            "sentinel-first".to_owned(),
            server().superuser_password().to_owned(),
        ];
        for label in [AWSCURRENT, AWSPREVIOUS, "AWSPENDING"] {
            if self.simulator.labels(&self.arn).version_with(label).is_some() {
                passwords.push(self.credential(label).1);
            }
        }
        assert!(
            passwords.iter().all(|password| !output.contains(password)),
            "a password was printed"
        );
        assert!(!output.contains("SCRAM-SHA-256$"), "a verifier was printed");
    }
}

pub(crate) async fn login(user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(server().port())
        .dbname("postgres")
        .user(user)
        .password(password);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Runs statements as the superuser, and answers the first column of each row.
pub(crate) async fn sql(sql: &str) -> Vec<String> {
    let client = login("postgres", server().superuser_password()).await.unwrap();
    let messages = client.simple_query(sql).await.unwrap();
    let first = |message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    messages.into_iter().filter_map(first).collect()
}

/// A name that no other test of this binary has.
pub(crate) fn name(base: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("{base}_{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}
