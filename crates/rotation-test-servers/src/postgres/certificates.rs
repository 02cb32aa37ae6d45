//! Certificates for tests: an authority, and what it signs.

use std::fmt;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use super::error::PostgresError;

/// A certificate authority for one test.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and its key, in PEM. `Debug` prints neither.
#[derive(Clone)]
pub struct Certificate {
    pub(super) chain: String,
    pub(super) key: String,
}

fn failed(error: rcgen::Error) -> PostgresError {
    PostgresError::Certificate(error.to_string())
}

impl Authority {
    /// A new authority, with a key of its own.
    ///
    /// # Errors
    ///
    /// [`PostgresError::Certificate`].
    pub fn new() -> Result<Self, PostgresError> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "test authority");
        let pem = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self {
            pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// The authority's own certificate in PEM: a CA bundle.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names and addresses, valid now.
    ///
    /// # Errors
    ///
    /// [`PostgresError::Certificate`], as for a name that cannot stand in one.
    pub fn issue(&self, names: &[&str]) -> Result<Certificate, PostgresError> {
        self.sign(names, 4096)
    }

    /// The same, expired since the year 2000.
    ///
    /// # Errors
    ///
    /// As for [`issue`](Self::issue).
    pub fn issue_expired(&self, names: &[&str]) -> Result<Certificate, PostgresError> {
        self.sign(names, 2000)
    }

    fn sign(&self, names: &[&str], until: i32) -> Result<Certificate, PostgresError> {
        let key = KeyPair::generate().map_err(failed)?;
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.not_after = date_time_ymd(until, 1, 1);
        let chain = params.signed_by(&key, &self.issuer).map_err(failed)?.pem();
        Ok(Certificate {
            chain,
            key: key.serialize_pem(),
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}
