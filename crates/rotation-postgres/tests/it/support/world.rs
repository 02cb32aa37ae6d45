//! A server, and a simulated Secrets Manager of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rotation_core::{AWSCURRENT, CredentialBackend, Rotator, SecretValue};
use rotation_test_servers::postgres::PostgresServer;
use rotation_testkit::{Simulator, SimulatorStore, StepResult, StepRun, TravelClock};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::gate::Gate;
use super::servers::{alternating, login, rows, server};

/// How long a step may take.
pub(crate) const TIME: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) server: &'static PostgresServer,
    pub(crate) admin: Client,
    /// Where secrets say that the server is.
    pub(crate) port: u16,
    pub(crate) plaintext: bool,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::at(server()).await
    }

    pub(crate) async fn at(server: &'static PostgresServer) -> Self {
        let admin = login(server.port(), "postgres", "postgres", server.superuser_password())
            .await
            .unwrap();
        Self {
            simulator: Simulator::with_clock(TravelClock::new()),
            server,
            admin,
            port: server.port(),
            plaintext: false,
        }
    }

    /// Runs statements as the superuser and answers the rows.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<Vec<String>> {
        rows(&self.admin, sql).await.unwrap()
    }

    /// The same in another database.
    pub(crate) async fn sql_in(&self, database: &str, sql: &str) {
        let password = self.server.superuser_password();
        let session = login(self.server.port(), database, "postgres", password)
            .await
            .unwrap();
        rows(&session, sql).await.unwrap();
    }

    /// A document for this user, with more keys laid over it.
    pub(crate) fn document(&self, user: &str, password: &str, more: &Value) -> Value {
        let mut document = json!({
            "engine": "postgres", "host": "localhost", "port": self.port,
            "username": user, "password": password,
        });
        if self.plaintext {
            document["ssl"] = json!(false);
        }
        for (key, value) in more.as_object().unwrap() {
            document[key] = value.clone();
        }
        document
    }

    pub(crate) fn secret(&self, name: &str, document: &Value) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let value = SecretValue::text(document.to_string());
        self.simulator.operator().create_secret(&name, value).unwrap()
    }

    pub(crate) fn superuser_secret(&self) -> String {
        let password = self.server.superuser_password();
        let document = self.document("postgres", password, &json!({}));
        self.secret("superuser", &document)
    }

    /// A user in the server, and its secret with a superuser secret beside it.
    pub(crate) async fn user(&self, user: &str) -> String {
        let quoted = user.replace('"', "\"\"");
        self.sql(&format!("CREATE ROLE \"{quoted}\" LOGIN PASSWORD 'first'"))
            .await;
        let superuser = self.superuser_secret();
        let document = self.document(user, "first", &json!({ "masterarn": superuser }));
        self.secret("rotated", &document)
    }

    /// The same, after two rotations: both users are there and log in.
    pub(crate) async fn pair(&self, user: &str) -> String {
        let arn = self.user(user).await;
        for _ in 0..2 {
            self.rotated(alternating(), &arn).await;
        }
        arn
    }

    /// A user without `masterarn` in its secret.
    pub(crate) async fn lone_user(&self, user: &str) -> String {
        self.sql(&format!("CREATE ROLE \"{user}\" LOGIN PASSWORD 'first'"))
            .await;
        self.secret("rotated", &self.document(user, "first", &json!({})))
    }

    pub(crate) fn value(&self, arn: &str, label: &str) -> Value {
        self.simulator
            .operator()
            .value(arn, label)
            .unwrap()
            .decode()
            .unwrap()
    }

    /// User name and password under a label.
    pub(crate) fn credential(&self, arn: &str, label: &str) -> (String, String) {
        let document = self.value(arn, label);
        let text = |key: &str| document[key].as_str().unwrap().to_owned();
        (text("username"), text("password"))
    }

    /// A direct login by what is under a label.
    pub(crate) async fn login(&self, arn: &str, label: &str) -> Result<Client, tokio_postgres::Error> {
        let (user, password) = self.credential(arn, label);
        login(self.server.port(), "postgres", &user, &password).await
    }

    /// A whole rotation, with its replays.
    pub(crate) async fn rotate(&self, backend: impl CredentialBackend, arn: &str) -> Vec<StepRun> {
        self.simulator.operator().rotate(arn).unwrap();
        self.run(backend).await
    }

    pub(crate) async fn run(&self, backend: impl CredentialBackend) -> Vec<StepRun> {
        self.simulator.run(&self.rotator(backend), TIME).await
    }

    pub(crate) fn rotator<B: CredentialBackend>(&self, backend: B) -> Rotator<B, SimulatorStore> {
        Rotator::new(backend, self.simulator.store()).with_clock(self.simulator.clock())
    }

    /// A whole rotation that has to succeed at the first try.
    pub(crate) async fn rotated(&self, backend: impl CredentialBackend, arn: &str) {
        let runs = self.rotate(backend, arn).await;
        assert!(
            runs.len() == 4 && runs.iter().all(|run| run.result.is_done()),
            "{:#?}",
            errors(&runs)
        );
        self.login(arn, AWSCURRENT).await.unwrap();
    }

    /// The next step, which has to succeed.
    pub(crate) async fn done<B: CredentialBackend>(&self, rotator: &Rotator<B, SimulatorStore>) {
        let run = self.simulator.step(rotator, TIME).await.unwrap();
        assert!(run.result.is_done(), "{:?}", run.result);
    }

    /// A rotation without replays; what failed. It is given up then.
    pub(crate) async fn once(&self, backend: impl CredentialBackend, arn: &str) -> Vec<String> {
        self.simulator.configure(|options| options.replays = 0);
        let errors = errors(&self.rotate(backend, arn).await);
        if !errors.is_empty() {
            self.release(arn);
        }
        errors
    }

    /// How often the superuser secret was read since the calls were cleared.
    pub(crate) fn superuser_reads(&self, arn: &str) -> usize {
        let document = self.value(arn, AWSCURRENT);
        let superuser = document["masterarn"].as_str().unwrap();
        let calls = self.simulator.calls();
        calls.iter().filter(|call| call.secret_id == superuser).count()
    }

    /// Waits until a session that changes this user waits for another one that does.
    pub(crate) async fn waits_to_change(&self, user: &str) {
        let sql = format!(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'transactionid' AND query LIKE '%ALTER ROLE \"{user}\" %'"
        );
        while self.sql(&sql).await.is_empty() {}
    }

    /// How many logins failed by their password, of users whose name begins so.
    pub(crate) fn failed_logins(&self, user: &str) -> usize {
        let line = format!("password authentication failed for user \"{user}");
        self.server.log().matches(&line).count()
    }

    /// Runs statements as the user under a label.
    pub(crate) async fn try_as(&self, arn: &str, label: &str, sql: &str) -> bool {
        rows(&self.login(arn, label).await.unwrap(), sql).await.is_ok()
    }

    /// Gives a rotation that failed up: takes `AWSPENDING` away, as the error asks for.
    pub(crate) fn release(&self, arn: &str) {
        let labels = self.simulator.labels(arn);
        let pending = labels.version_with("AWSPENDING").unwrap();
        self.simulator
            .operator()
            .remove_label(arn, "AWSPENDING", pending)
            .unwrap();
    }

    /// A rotation that fails; what its first failing step says.
    pub(crate) async fn fails(&self, backend: impl CredentialBackend, arn: &str) -> String {
        self.simulator.configure(|options| options.replays = 0);
        let runs = self.rotate(backend, arn).await;
        let errors = errors(&runs);
        assert!(!errors.is_empty(), "the rotation succeeded");
        errors[0].clone()
    }
}

/// What failing steps said, with the whole chain.
pub(crate) fn errors(runs: &[StepRun]) -> Vec<String> {
    let said = |run: &StepRun| match &run.result {
        StepResult::Done(_) => None,
        StepResult::Failed(error) => Some(rotation_core::chain(error).to_string()),
        other => Some(format!("{other:?}")),
    };
    runs.iter().filter_map(said).collect()
}

/// A user of a world whose secrets lead through a gate, after two rotations.
pub(crate) async fn behind_a_gate(
    user: &str,
    backend: impl CredentialBackend + Clone,
) -> (World, Gate, String) {
    let mut world = World::new().await;
    let gate = Gate::start(world.server.port()).await;
    (world.port, world.plaintext) = (gate.port(), true);
    let arn = world.user(user).await;
    world.rotated(backend.clone(), &arn).await;
    world.rotated(backend, &arn).await;
    (world, gate, arn)
}
