//! Whom a connection trusts.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// The certificate authorities that may have signed a server's certificate.
///
/// Amazon RDS signs with authorities of its own, which no operating system has. Its bundle for all
/// Regions is <https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem>; package it with the
/// function, or as a layer (on `provided.al2023` that is `/var/task` and `/opt`), and replace it when
/// AWS announces new authorities (AWS user guide: Using SSL/TLS to encrypt a connection to a DB
/// instance). RDS Proxy and certificates of your own from a public authority need [`Platform`].
///
/// [`Platform`]: CaBundle::Platform
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CaBundle {
    /// A file with one or more certificates in PEM. Read once, when the connections are configured.
    File(PathBuf),
    /// The certificates themselves, in PEM: `include_bytes!("global-bundle.pem").to_vec()`.
    Pem(Vec<u8>),
    /// The operating system's.
    Platform,
}

/// Why there is no usable CA bundle. Names the file and the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum CaBundleError {
    /// The file cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in it.
    Empty {
        /// The file, if it was one.
        path: Option<PathBuf>,
    },
    /// TLS could not be set up with it.
    Unusable(rustls::Error),
}

const REMEDY: &str = "for Amazon RDS, download https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem, \
                      package it with the function (it is then under /var/task, or under /opt in a layer), \
                      and name that path";

impl fmt::Display for CaBundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                write!(
                    f,
                    "the CA bundle {} cannot be read ({source}); {REMEDY}",
                    path.display()
                )
            }
            Self::Empty { path: Some(path) } => {
                write!(
                    f,
                    "the CA bundle {} holds no certificate in PEM; {REMEDY}",
                    path.display()
                )
            }
            Self::Empty { path: None } => write!(f, "the CA bundle holds no certificate in PEM; {REMEDY}"),
            Self::Unusable(error) => write!(f, "TLS cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for CaBundleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Empty { .. } => None,
            Self::Unusable(error) => Some(error),
        }
    }
}

/// A client that verifies the server's certificate and its name, over ring.
pub(crate) fn client(bundle: &CaBundle) -> Result<ClientConfig, CaBundleError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(CaBundleError::Unusable)?;
    let builder = match bundle {
        CaBundle::Platform => builder
            .with_platform_verifier()
            .map_err(CaBundleError::Unusable)?,
        CaBundle::Pem(pem) => builder.with_root_certificates(roots(pem, None)?),
        CaBundle::File(path) => {
            let pem = std::fs::read(path).map_err(|source| CaBundleError::Unreadable {
                path: path.clone(),
                source,
            })?;
            builder.with_root_certificates(roots(&pem, Some(path))?)
        }
    };
    Ok(builder.with_no_client_auth())
}

fn roots(pem: &[u8], path: Option<&PathBuf>) -> Result<RootCertStore, CaBundleError> {
    let mut roots = RootCertStore::empty();
    // One certificate that is not understood must not cost all the others.
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    let (added, ignored) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(CaBundleError::Empty { path: path.cloned() });
    }
    if ignored > 0 {
        tracing::warn!(
            added,
            ignored,
            "some certificates of the CA bundle are not understood"
        );
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use rotation_test_servers::postgres::Authority;

    use super::*;

    #[test]
    fn a_bundle_that_is_missing_or_empty_says_where_to_get_one() {
        let missing = client(&CaBundle::File("no/such/bundle.pem".into())).unwrap_err();
        let empty = client(&CaBundle::Pem(b"-----BEGIN NOTHING-----".to_vec())).unwrap_err();
        for (error, what) in [
            (missing, "no/such/bundle.pem cannot be read"),
            (empty, "holds no certificate"),
        ] {
            let text = error.to_string();
            assert!(text.contains(what), "{text}");
            assert!(text.contains("global-bundle.pem"), "{text}");
        }
    }

    #[test]
    fn one_odd_certificate_does_not_cost_the_others() {
        let mut pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        assert!(client(&CaBundle::Pem(pem.clone())).is_err());
        pem.extend(Authority::new().unwrap().pem().bytes());
        assert!(client(&CaBundle::Pem(pem)).is_ok());
    }
}
