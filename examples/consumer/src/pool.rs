//! A PostgreSQL pool whose connections follow the credential.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use rotation_core::SecretString;
use serde::Deserialize;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};

use crate::cache::{Current, SecretCache};
use crate::call::{Attempt, CallError};

/// What changes in a PostgreSQL secret when it is rotated. Host, port and database are the application's
/// configuration: a secret that was tampered with cannot send its connections elsewhere.
#[derive(Deserialize)]
#[non_exhaustive]
pub struct Login {
    /// The user: of alternating users another one after each rotation.
    pub username: String,
    /// Its password.
    pub password: SecretString,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Makes a pool's connections with the credential that a cache holds, for `deadpool::managed::Pool`.
///
/// A connection that was made with another version than the current one is replaced when it is next taken
/// out of the pool; one that is in use goes on. It is replaced only once the new login has worked: while the
/// current credential is refused, old connections, which PostgreSQL does not end by itself, stay in use.
///
/// Give the pool times: without them its `get` waits as long as the server does.
pub struct PostgresManager<M> {
    cache: Arc<SecretCache<Login>>,
    config: Config,
    tls: M,
}

impl<M> PostgresManager<M> {
    /// `config` without user and password, and with TLS required; `tls` verifies the server.
    pub fn new(cache: Arc<SecretCache<Login>>, config: Config, tls: M) -> Self {
        Self { cache, config, tls }
    }
}

/// A connection, and the version that it was made with. Derefs to the client.
pub struct Connection {
    client: Client,
    version: String,
}

impl Connection {
    /// The version of the secret that it was made with.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<M> PostgresManager<M>
where
    M: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    M::Stream: Send,
    M::TlsConnect: Send,
    <M::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
{
    /// One login. Of its failures two are the password's: 28P01, and 28000, a login that was taken away.
    async fn log_in(&self, login: Arc<Current<Login>>) -> Result<Connection, Attempt<tokio_postgres::Error>> {
        let mut config = self.config.clone();
        config
            .user(&login.username)
            .password(login.password.expose_secret());
        match config.connect(self.tls.clone()).await {
            Ok((client, connection)) => {
                let version = login.version().to_owned();
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::info!(error = rotation_core::chain(&error), "connection ended");
                    }
                });
                Ok(Connection { client, version })
            }
            Err(error) => Err(match error.code() {
                Some(code) if is_refusal(code) => Attempt::Refused(error),
                _ => Attempt::Failed(error),
            }),
        }
    }

    async fn connect(
        &self,
        budget: Option<Duration>,
    ) -> Result<Connection, CallError<tokio_postgres::Error>> {
        let log_in = |login| self.log_in(login);
        match budget {
            None => self.cache.call(log_in).await,
            Some(budget) => self.cache.call_within(budget, log_in).await,
        }
    }
}

fn is_refusal(code: &SqlState) -> bool {
    [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    ]
    .contains(code)
}

impl<M> Manager for PostgresManager<M>
where
    M: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    M::Stream: Send,
    M::TlsConnect: Send,
    <M::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
{
    type Type = Connection;
    type Error = CallError<tokio_postgres::Error>;

    async fn create(&self) -> Result<Connection, Self::Error> {
        self.connect(None).await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Self::Error> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("the connection was closed"));
        }
        let Ok(current) = self.cache.current().await else {
            return Ok(());
        };
        if current.version() == connection.version {
            return Ok(());
        }
        match self.connect(Some(Duration::ZERO)).await {
            Ok(new) => *connection = new,
            // It was refused before, and that was said then.
            Err(CallError::Refused { error: None, .. }) => {}
            Err(error) => tracing::warn!(
                error = rotation_core::chain(&error),
                version = connection.version,
                "kept a connection of the version before"
            ),
        }
        Ok(())
    }
}

impl<M> fmt::Debug for PostgresManager<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresManager").finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
