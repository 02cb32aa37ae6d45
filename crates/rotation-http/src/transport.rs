//! How requests get out: a seam, and a client behind it.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::Client;
use rotation_core::ErrorClass;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tower_service::Service;
use url::Url;

use crate::address::is_loopback;
use crate::error::ProviderError;

mod resolve;

use resolve::{CheckedResolver, Forbidden};

/// What sends requests: any `tower` service with bytes in and bytes out. Implemented by being one.
///
/// It must send each request at most once, follow no redirect, and bound what it reads of a reply.
/// The `Display` of its errors is printed: it must not hold an address's query, a header or a body.
pub trait Transport: Clone + Send + Sync + 'static {
    /// Sends one request.
    ///
    /// # Errors
    ///
    /// When there is no complete reply.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, BoxError>> + Send;
}

/// Any error.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

impl<S> Transport for S
where
    S: Service<http::Request<Bytes>, Response = http::Response<Bytes>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, BoxError> {
        let mut service = self.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
        service.call(request).await.map_err(Into::into)
    }
}

/// The transport over reqwest, with TLS by rustls and ring.
///
/// Follows no redirect, never sends a request twice, and reads at most 1 MiB of a reply. A connection has
/// to stand within 5 seconds; the time for a request is the step's.
///
/// Servers are verified against the operating system's roots, read when the first request is sent, unless
/// [others](Self::with_roots) are given. AWS keeps those of a Lambda runtime up to date without a new
/// deployment, `SSL_CERT_FILE` names others, and it costs no dependency beyond reqwest's own.
///
/// Proxies are those of the environment: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` and the like, in either
/// case. A proxy sees the host's name and not the request, for only TLS goes through it. Loopback addresses
/// are reached without one.
///
/// A name that leads to a link-local or metadata address is not connected to, whoever changed its DNS
/// record; `localhost` leads to loopback addresses only. (Behind a proxy, names are the proxy's to resolve.)
///
/// The clients are made with the first request. Clones share them, so that invocations of a warm
/// function reuse connections.
#[derive(Clone, Default)]
pub struct ReqwestTransport {
    roots: Option<Arc<RootCertStore>>,
    clients: Arc<OnceLock<Clients>>,
}

#[derive(Clone)]
struct Clients {
    /// By way of the environment's proxies.
    outward: Client,
    /// To loopback addresses.
    local: Client,
}

/// The largest reply that is read.
const MAX_REPLY: usize = 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The steps of one rotation follow each other within seconds. A connection that slept through a
/// pause between invocations is likely to be dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

impl ReqwestTransport {
    /// A transport that has no client yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A transport that trusts the certificates in this PEM text, and no others.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] when it holds no certificate that can be read.
    pub fn with_roots(pem: impl AsRef<[u8]>) -> Result<Self, ProviderError> {
        let mut roots = RootCertStore::empty();
        // One certificate that is not understood must not cost all the others.
        let certificates = CertificateDer::pem_slice_iter(pem.as_ref()).filter_map(Result::ok);
        let (added, ignored) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(ProviderError::new(
                "root certificates",
                "the text holds none that can be read; give certificates in PEM",
            ));
        }
        if ignored > 0 {
            tracing::warn!(added, ignored, "some root certificates are not understood");
        }
        Ok(Self {
            roots: Some(Arc::new(roots)),
            ..Self::default()
        })
    }

    fn client(&self, url: &Url) -> Result<Client, TransportError> {
        let clients = match self.clients.get() {
            Some(clients) => clients,
            None => {
                let made = self.make()?;
                self.clients.get_or_init(|| made)
            }
        };
        Ok(match url.host() {
            Some(host) if is_loopback(&host) => clients.local.clone(),
            _ => clients.outward.clone(),
        })
    }

    fn make(&self) -> Result<Clients, TransportError> {
        let tls = self.tls()?;
        let common = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(CheckedResolver)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .user_agent(concat!("rotation-http/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Clients {
            outward: common().build().map_err(TransportError::http)?,
            local: common().no_proxy().build().map_err(TransportError::http)?,
        })
    }

    fn tls(&self) -> Result<ClientConfig, TransportError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let unusable = |error| TransportError(Failure::Tls(error));
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match &self.roots {
            Some(roots) => builder.with_root_certificates(Arc::clone(roots)),
            None => builder.with_platform_verifier().map_err(unusable)?,
        };
        Ok(builder.with_no_client_auth())
    }

    async fn exchange(self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(TransportError::http)?;
        let client = self.client(request.url())?;
        let mut reply = client.execute(request).await.map_err(TransportError::http)?;
        let too_large = |size: u64| size > MAX_REPLY as u64;
        if reply.content_length().is_some_and(too_large) {
            return Err(TransportError(Failure::TooLarge));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = reply.chunk().await.map_err(TransportError::http)? {
            if too_large((body.len() + chunk.len()) as u64) {
                return Err(TransportError(Failure::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = reply.status();
        *response.headers_mut() = std::mem::take(reply.headers_mut());
        Ok(response)
    }
}

impl Service<http::Request<Bytes>> for ReqwestTransport {
    type Response = http::Response<Bytes>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Bytes>) -> Self::Future {
        Box::pin(self.clone().exchange(request))
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

/// Why there is no complete reply. Names no address.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct TransportError(Failure);

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the reply is larger than 1 MiB; ask for less")]
    TooLarge,
    #[error("TLS cannot be set up; the operating system's root certificates are needed")]
    Tls(#[source] rustls::Error),
    #[error(
        "the server's certificate is not trusted; give the function the root certificate that signed it, or correct the address"
    )]
    Untrusted(#[source] reqwest::Error),
    #[error(transparent)]
    Forbidden(Forbidden),
    #[error(transparent)]
    Http(reqwest::Error),
}

impl TransportError {
    fn http(error: reqwest::Error) -> Self {
        let error = error.without_url();
        Self(match cause(&error) {
            Some(Cause::Forbidden(forbidden)) => Failure::Forbidden(forbidden),
            Some(Cause::Certificate) => Failure::Untrusted(error),
            None => Failure::Http(error),
        })
    }

    /// Who can mend it: the network passes by itself; a reply that is too large, a certificate that is not
    /// trusted, a name that leads where it must not, and a machine without root certificates do not.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.0 {
            Failure::TooLarge | Failure::Tls(_) | Failure::Untrusted(_) | Failure::Forbidden(_) => {
                ErrorClass::Misconfigured
            }
            Failure::Http(_) => ErrorClass::Unavailable,
        }
    }
}

/// What a person has to mend, deep in an error of the client.
enum Cause {
    Forbidden(Forbidden),
    Certificate,
}

fn cause(error: &(dyn Error + 'static)) -> Option<Cause> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
            return Some(Cause::Forbidden(forbidden.clone()));
        }
        if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
            return Some(Cause::Certificate);
        }
        // An I/O error hides the error that it is made of from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransportError: {}", rotation_core::chain(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_clients_made_with_the_first_request() {
        let transport = ReqwestTransport::new();
        let clone = transport.clone();
        assert!(clone.clients.get().is_none());
        transport.client(&"https://h.example".parse().unwrap()).unwrap();
        assert!(clone.clients.get().is_some());
    }

    #[test]
    fn roots_are_certificates() {
        for text in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let error = ReqwestTransport::with_roots(text).unwrap_err();
            assert_eq!(error.part(), "root certificates");
        }
    }

    #[test]
    fn errors_name_no_address() {
        let bad = Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(())
            .build()
            .unwrap_err();
        let error = TransportError::http(bad.with_url("https://h.example/?SENTINEL".parse().unwrap()));
        let text = format!("{error} {error:?} {}", rotation_core::chain(&error));
        assert!(
            !text.contains("SENTINEL") && !text.contains("h.example"),
            "{text}"
        );
    }
}
