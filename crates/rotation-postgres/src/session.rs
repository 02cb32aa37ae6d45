//! One session of one user.

use std::fmt;
use std::time::Duration;

use rotation_core::StepContext;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Connection, SimpleQueryMessage};

use crate::error::DatabaseError;
use crate::login::Login;

/// How long the server may take.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    /// For one statement.
    pub(crate) statement: Duration,
    /// For a lock that a statement needs.
    pub(crate) lock: Duration,
}

/// How long a transaction may wait for its next message.
const IDLE: Duration = Duration::from_secs(10);

/// A row of an answer; every value as text.
pub(crate) type Row = Vec<Option<String>>;

/// One session of one user, for one step. Ends when dropped.
pub(crate) struct Session {
    client: Client,
    driver: Driver,
    user: String,
    waits: Waits,
}

/// Ends the connection with the session, wherever a step is dropped.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    pub(crate) fn of<S, T>(
        connected: Result<(Client, Connection<S, T>), tokio_postgres::Error>,
        login: &Login,
        waits: Waits,
    ) -> Result<Self, DatabaseError>
    where
        Connection<S, T>: Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
    {
        let (client, connection) = connected.map_err(|error| DatabaseError::from(&error))?;
        let driver = Driver(tokio::spawn(async {
            // The client is told what went wrong.
            _ = connection.await;
        }));
        Ok(Self {
            client,
            driver,
            user: login.user.clone(),
            waits,
        })
    }

    /// The user that logged in.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Runs queries in one transaction and one round trip, and answers the rows of all.
    ///
    /// They run as the user that logged in, whatever `SET role` it has. The search path has nothing but the
    /// catalogs, and there are time-outs. No setting outlasts the transaction: a pooler may hand the session
    /// to others.
    pub(crate) async fn run(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        let sql = format!("BEGIN; {}; {sql}; COMMIT", self.settings(ctx));
        self.raw(ctx, &sql).await
    }

    /// Runs queries so, and answers the first column of each row, without nulls.
    pub(crate) async fn texts(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<String>, DatabaseError> {
        Ok(first_column(self.run(ctx, sql).await?))
    }

    /// The same for statements that change something, also where the user's own default is read-only.
    pub(crate) async fn change(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        let sql = format!("BEGIN READ WRITE; {}; {sql}; COMMIT", self.settings(ctx));
        self.raw(ctx, &sql).await
    }

    /// Begins such a transaction, for [`raw`](Self::raw) to go on with and to end.
    ///
    /// The server ends it, with its locks, when nothing more comes: this process may be frozen, or be cut off.
    pub(crate) async fn begin(&self, ctx: &StepContext<'_>) -> Result<(), DatabaseError> {
        self.raw(ctx, &self.beginning(ctx)).await.map(drop)
    }

    /// The same with statements, all in one message.
    pub(crate) async fn begin_with(&self, ctx: &StepContext<'_>, sql: &str) -> Result<(), DatabaseError> {
        let sql = format!("{}; {sql}", self.beginning(ctx));
        self.raw(ctx, &sql).await.map(drop)
    }

    /// Ends such a transaction, in one message with its last queries and with queries right after it.
    pub(crate) async fn commit_with(
        &self,
        ctx: &StepContext<'_>,
        last: &str,
        after: &str,
    ) -> Result<(), DatabaseError> {
        let settings = self.settings(ctx);
        let sql = format!("{last}; COMMIT; BEGIN; {settings}; {after}; COMMIT");
        self.raw(ctx, &sql).await.map(drop)
    }

    fn beginning(&self, ctx: &StepContext<'_>) -> String {
        format!(
            "BEGIN READ WRITE; {}; SET LOCAL idle_in_transaction_session_timeout = {}",
            self.settings(ctx),
            milliseconds(IDLE.min(ctx.remaining())),
        )
    }

    /// What such a transaction begins with.
    fn settings(&self, ctx: &StepContext<'_>) -> String {
        let left = ctx.remaining();
        format!(
            "SET LOCAL ROLE NONE; SET LOCAL search_path = pg_catalog; SET LOCAL synchronous_commit = on; \
             SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}",
            milliseconds(self.waits.statement.min(left)),
            milliseconds(self.waits.lock.min(left)),
        )
    }

    /// Runs statements as the session is after the login.
    pub(crate) async fn raw(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        // The server's own time-out tells more, so it comes first.
        let limit = self.waits.statement.saturating_add(Duration::from_secs(1));
        match ctx.timeout_after(limit, self.client.simple_query(sql)).await {
            Ok(Ok(messages)) => Ok(rows(messages)),
            Ok(Err(error)) => Err((&error).into()),
            Err(late) => Err(DatabaseError::timed_out(&late)),
        }
    }

    /// Says goodbye to the server, so that its log shows no broken connection.
    pub(crate) async fn close(self, ctx: &StepContext<'_>) {
        let Self {
            client, mut driver, ..
        } = self;
        drop(client);
        _ = ctx.timeout_after(Duration::from_millis(500), &mut driver.0).await;
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// The first column of each row, without nulls.
pub(crate) fn first_column(rows: Vec<Row>) -> Vec<String> {
    let first = |row: Row| row.into_iter().next().flatten();
    rows.into_iter().filter_map(first).collect()
}

/// For `SET`; 0 would mean no limit.
fn milliseconds(duration: Duration) -> u128 {
    duration.as_millis().clamp(1, 2_147_483_647)
}

fn rows(messages: Vec<SimpleQueryMessage>) -> Vec<Row> {
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|column| row.get(column).map(str::to_owned))
                .collect(),
        ),
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}
