//! How a server is reached, and one session with it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rotation_core::StepContext;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::document::Login;
use crate::error::{DatabaseError, FailureKind};
use crate::guard::SaslOnly;
use crate::tls::{self, CaBundle, CaBundleError};

/// How servers are reached: whom to trust, how long to wait.
///
/// TLS with the server's certificate and name verified, always, unless a secret says `"ssl": false`
/// *and* [plaintext is allowed](Self::allowing_plaintext) here. There is no fallback from one to the
/// other. Cloning is cheap; sessions are never kept.
///
/// ```
/// use rotation_postgres::{CaBundle, Connections};
///
/// # fn main() -> Result<(), rotation_postgres::CaBundleError> {
/// let connections = Connections::new(&CaBundle::Platform)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connections {
    tls: MakeRustlsConnect,
    server_names: Arc<BTreeMap<String, String>>,
    plaintext: bool,
    connect: Duration,
    statement: Duration,
    lock: Duration,
}

impl Connections {
    /// Connections that trust these authorities.
    ///
    /// # Errors
    ///
    /// [`CaBundleError`] if the bundle cannot be read or holds no certificate.
    pub fn new(bundle: &CaBundle) -> Result<Self, CaBundleError> {
        Ok(Self {
            tls: MakeRustlsConnect::new(tls::client(bundle)?),
            server_names: Arc::default(),
            plaintext: false,
            connect: Duration::from_secs(5),
            statement: Duration::from_secs(10),
            lock: Duration::from_secs(3),
        })
    }

    /// For this `host` of a secret, expect `server_name` in the certificate: a CNAME, or an address.
    #[must_use]
    pub fn with_server_name(mut self, host: impl Into<String>, server_name: impl Into<String>) -> Self {
        let host = host.into().to_ascii_lowercase();
        Arc::make_mut(&mut self.server_names).insert(host, server_name.into());
        self
    }

    /// Honours `"ssl": false` in a secret: everything but the passwords is then read, and can be changed, by
    /// whoever is on the way, the superuser's statements too, and nothing says that the server is the right
    /// one. A server that asks for the password in another way than SCRAM is refused.
    #[must_use]
    pub fn allowing_plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// How long a login may take, the look-up of the name and TLS included: 5 seconds unless set.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect = timeout;
        self
    }

    /// How long the server may work on one statement: 10 seconds unless set.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement = timeout;
        self
    }

    /// How long a statement may wait for a lock: 3 seconds unless set.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock = timeout;
        self
    }

    /// The name that the certificate of this host must have.
    fn server_name<'a>(&'a self, host: &'a str) -> &'a str {
        self.server_names
            .get(&host.to_ascii_lowercase())
            .map_or_else(|| host.trim_end_matches('.'), String::as_str)
    }

    /// Logs in. The session knows nothing yet of [`Session::prepare`].
    pub(crate) async fn open(&self, ctx: &StepContext<'_>, login: &Login) -> Result<Session, DatabaseError> {
        if !login.tls && !self.plaintext {
            return Err(DatabaseError::new(
                FailureKind::TlsNotOffered,
                "the secret says \"ssl\": false, and this function does not allow plaintext; remove the key",
            ));
        }
        match ctx.timeout_after(self.connect, self.log_in(login)).await {
            Ok(result) => result,
            Err(late) => Err(DatabaseError::timed_out(&late)),
        }
    }

    async fn log_in(&self, login: &Login) -> Result<Session, DatabaseError> {
        let stream = socket(login).await?;
        let mut config = Config::new();
        config
            .user(&login.user)
            .password(login.password.expose_secret())
            .dbname(&login.database)
            .application_name("rotation-postgres");
        if !login.tls {
            config.ssl_mode(SslMode::Disable);
            let connected = config.connect_raw(SaslOnly::new(stream), NoTls).await;
            return Session::of(connected, login, self);
        }
        config.ssl_mode(SslMode::Require);
        let name = self.server_name(login.endpoint.host());
        if ServerName::try_from(name).is_err() {
            let message = format!("{name:?} cannot be the name in a certificate");
            return Err(DatabaseError::new(FailureKind::WrongServerName, message));
        }
        let mut tls = self.tls.clone();
        let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, name)
            .map_err(|error| DatabaseError::new(FailureKind::Tls, error.to_string()))?;
        let connected = config.connect_raw(stream, tls).await;
        Session::of(connected, login, self)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("server_names", &self.server_names)
            .field("plaintext", &self.plaintext)
            .finish_non_exhaustive()
    }
}

/// A connection to the first address of the host that answers.
async fn socket(login: &Login) -> Result<TcpStream, DatabaseError> {
    let endpoint = &login.endpoint;
    let addresses = lookup_host((endpoint.host(), endpoint.port())).await;
    let addresses =
        addresses.map_err(|_| DatabaseError::new(FailureKind::Dns, "the host's name does not resolve"))?;
    let mut failure = DatabaseError::new(FailureKind::Dns, "the host's name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Not worth failing for.
                _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = DatabaseError::of_socket(&error),
        }
    }
    Err(failure)
}

/// A row of an answer; every value as text.
pub(crate) type Row = Vec<Option<String>>;

/// One session of one user, for one step. Ends when dropped.
pub(crate) struct Session {
    client: Client,
    driver: Driver,
    user: String,
    statement: Duration,
    lock: Duration,
}

/// Ends the connection with the session, wherever a step is dropped.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    fn of<S, T>(
        connected: Result<(Client, Connection<S, T>), tokio_postgres::Error>,
        login: &Login,
        with: &Connections,
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
            statement: with.statement,
            lock: with.lock,
        })
    }

    /// The user that logged in.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Runs queries in one transaction and one round trip, as the user that logged in (whatever `SET role`
    /// it has), with nothing but the catalogs in the search path and with time-outs, and answers the rows
    /// of each. Nothing is set for longer than the transaction: a pooler may hand the session to others.
    pub(crate) async fn run(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        let sql = format!("BEGIN; {}; {sql}; COMMIT", self.frame(ctx));
        self.raw(ctx, &sql).await
    }

    /// The same for statements that change something, whatever the user's own default is.
    pub(crate) async fn change(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        let sql = format!("BEGIN READ WRITE; {}; {sql}; COMMIT", self.frame(ctx));
        self.raw(ctx, &sql).await
    }

    /// Begins such a transaction, for [`raw`](Self::raw) to go on with and to end.
    pub(crate) async fn begin(&self, ctx: &StepContext<'_>) -> Result<(), DatabaseError> {
        let sql = format!("BEGIN READ WRITE; {}", self.frame(ctx));
        self.raw(ctx, &sql).await.map(drop)
    }

    fn frame(&self, ctx: &StepContext<'_>) -> String {
        let left = ctx.remaining();
        format!(
            "SET LOCAL ROLE NONE; SET LOCAL search_path = pg_catalog; SET LOCAL synchronous_commit = on; \
             SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}",
            milliseconds(self.statement.min(left)),
            milliseconds(self.lock.min(left)),
        )
    }

    /// The same, and answers the first column of each row, without nulls.
    pub(crate) async fn texts(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<String>, DatabaseError> {
        Ok(first_column(self.run(ctx, sql).await?))
    }

    /// Runs statements as the session is after the login.
    pub(crate) async fn raw(&self, ctx: &StepContext<'_>, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        // The server's own time-out tells more, so it comes first.
        let limit = self.statement.saturating_add(Duration::from_secs(1));
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
