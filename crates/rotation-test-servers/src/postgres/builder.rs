//! How a server is made.

use super::certificates::{Authority, Certificate};
use super::error::PostgresError;
use super::find;
use super::machine::{account, folder, free_port, major};
use super::server::PostgresServer;

/// How a server is to be.
#[derive(Debug, Default)]
pub struct PostgresBuilder {
    settings: Vec<(String, String)>,
    hba: Vec<String>,
    certificate: Option<Certificate>,
    authority: Option<Authority>,
    plaintext: bool,
}

impl PostgresServer {
    /// Starts a server with TLS and SCRAM passwords: the one whose folder `ROTATION_POSTGRES_BIN` names,
    /// or the newest that is installed. Takes about a second.
    ///
    /// # Errors
    ///
    /// [`PostgresError`]; where no server is installed, with the command that gets one.
    pub fn start() -> Result<Self, PostgresError> {
        Self::builder().start()
    }

    /// A server with other settings.
    #[must_use]
    pub fn builder() -> PostgresBuilder {
        PostgresBuilder::default()
    }
}

impl PostgresBuilder {
    /// A setting of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// A line of `pg_hba.conf`, before those that admit every user from this machine by password.
    #[must_use]
    pub fn hba(mut self, line: impl Into<String>) -> Self {
        self.hba.push(line.into());
        self
    }

    /// The certificate that the server shows, and who signed it. Unless given, one for `localhost`.
    #[must_use]
    pub fn certificate(mut self, authority: Authority, certificate: Certificate) -> Self {
        (self.authority, self.certificate) = (Some(authority), Some(certificate));
        self
    }

    /// A server that does not offer TLS.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// As for [`PostgresServer::start`].
    pub fn start(self) -> Result<PostgresServer, PostgresError> {
        let bin = find::bin_dir()?;
        let account = account()?;
        let authority = self.authority.map_or_else(Authority::new, Ok)?;
        let certificate = match self.certificate {
            Some(certificate) => certificate,
            None => authority.issue(&["localhost", "127.0.0.1"])?,
        };
        let folder = folder(account)?;
        let mut server = PostgresServer {
            major: major(&bin)?,
            folder,
            bin,
            account,
            keeper: None,
            port: 0,
            authority,
        };
        server.init()?;
        server.write("server.crt", &certificate.chain)?;
        server.write("server.key", &certificate.key)?;
        server.write("data/pg_hba.conf", &hba(&self.hba))?;
        server.configure(&self.settings, self.plaintext)?;
        for _ in 0..5 {
            server.port = free_port()?;
            match server.run() {
                // Somebody else may have taken the port in between.
                Err(PostgresError::NotStarted(said)) if said.contains("could not bind") => server.end(true),
                result => return result.map(|()| server),
            }
        }
        Err(PostgresError::NotStarted("five free ports were taken".to_owned()))
    }
}

fn hba(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push_str("\nhost all all 127.0.0.1/32 scram-sha-256\n");
    text
}
