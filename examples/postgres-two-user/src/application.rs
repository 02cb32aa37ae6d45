//! An application: it reads the secret, connects, queries; and never hears of a rotation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rotation_core::{AWSCURRENT, SecretString};
use rotation_testkit::Simulator;
use serde::Deserialize;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

/// What it reads of the secret.
#[derive(Clone, Deserialize)]
pub(crate) struct Login {
    pub(crate) username: String,
    password: SecretString,
    port: u16,
}

impl Login {
    /// Reads the secret as it is now.
    pub(crate) fn current(simulator: &Simulator, arn: &str) -> Option<Self> {
        simulator.operator().value(arn, AWSCURRENT).ok()?.decode().ok()
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .dbname("postgres")
            .user(&self.username)
            .password(self.password.expose_secret());
        // This machine only; an application of yours verifies the server's certificate.
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// What became of its queries.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) good: AtomicUsize,
    pub(crate) bad: AtomicUsize,
    /// How often each task has read the secret.
    reads: [AtomicUsize; 2],
    over: AtomicBool,
}

impl Counts {
    pub(crate) fn all(&self) -> usize {
        self.good.load(Ordering::SeqCst) + self.bad.load(Ordering::SeqCst)
    }

    /// How often the task has read the secret that did so less often.
    pub(crate) fn reads(&self) -> usize {
        let reads = self.reads.iter().map(|reads| reads.load(Ordering::SeqCst));
        reads.min().unwrap_or_default()
    }
}

/// Two of its kind, for as long as nobody ends them.
pub(crate) struct Application {
    pub(crate) counts: Arc<Counts>,
    tasks: Vec<JoinHandle<()>>,
}

impl Application {
    /// One task reads the secret and connects anew for every query; one keeps its connection, and the
    /// credential that it was opened with, for twenty.
    pub(crate) fn start(simulator: &Simulator, arn: &str) -> Self {
        let counts = Arc::new(Counts::default());
        let tasks = [(0, 1), (1, 20)].map(|(task, queries)| {
            tokio::spawn(work(
                simulator.clone(),
                arn.to_owned(),
                (task, queries),
                Arc::clone(&counts),
            ))
        });
        Self {
            counts,
            tasks: tasks.into(),
        }
    }

    pub(crate) async fn end(self) -> Arc<Counts> {
        self.counts.over.store(true, Ordering::SeqCst);
        for task in self.tasks {
            // It ends by itself; one that panicked has counted what it did before.
            _ = task.await;
        }
        self.counts
    }
}

async fn work(simulator: Simulator, arn: String, (task, queries): (usize, usize), counts: Arc<Counts>) {
    while !counts.over.load(Ordering::SeqCst) {
        if let Some(reads) = counts.reads.get(task) {
            reads.fetch_add(1, Ordering::SeqCst);
        }
        let client = match Login::current(&simulator, &arn) {
            Some(login) => login.connect().await.ok(),
            None => None,
        };
        for _ in 0..queries {
            let worked = match &client {
                Some(client) => client
                    .simple_query("INSERT INTO visits DEFAULT VALUES")
                    .await
                    .is_ok(),
                None => false,
            };
            let count = if worked { &counts.good } else { &counts.bad };
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}
