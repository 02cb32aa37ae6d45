//! Where a server is.

use std::fmt;

/// A server's address.
///
/// ```
/// use rotation_postgres::Endpoint;
///
/// let endpoint = Endpoint::new("db.example.org", 5432);
/// assert_eq!(endpoint.to_string(), "db.example.org:5432");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// A host name or address, and a port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// The host as it is written in the secret.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether both name the same host; the case of letters and a closing dot do not count, nor
    /// does the port.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        let bare = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
        bare(&self.host) == bare(&other.host)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
