//! How servers are reached.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rotation_core::StepContext;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{DatabaseError, FailureKind};
use crate::login::Login;
use crate::sasl_only::SaslOnly;
use crate::session::{Session, Waits};
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
    waits: Waits,
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
            waits: Waits {
                statement: Duration::from_secs(10),
                lock: Duration::from_secs(3),
            },
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
        self.waits.statement = timeout;
        self
    }

    /// How long a statement may wait for a lock: 3 seconds unless set.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.waits.lock = timeout;
        self
    }

    /// The name that the certificate of this host must have.
    fn server_name<'a>(&'a self, host: &'a str) -> &'a str {
        self.server_names
            .get(&host.to_ascii_lowercase())
            .map_or_else(|| host.trim_end_matches('.'), String::as_str)
    }

    /// Logs in.
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
            return Session::of(connected, login, self.waits);
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
        Session::of(connected, login, self.waits)
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
