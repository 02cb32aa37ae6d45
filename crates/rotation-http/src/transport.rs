//! How requests get out: a seam, and a client behind it.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::Client;
use rotation_core::ErrorClass;
use rustls_platform_verifier::BuilderVerifierExt;
use tower_service::Service;

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
/// Follows no redirect, uses no proxy, never sends a request twice, and reads at most 1 MiB of a
/// reply. A connection has to stand within 5 seconds; the time for a request is the step's.
///
/// Servers are verified against the operating system's roots, read when the first request is sent.
/// AWS keeps those of a Lambda runtime up to date without a new deployment, `SSL_CERT_FILE` names
/// others, and it costs no dependency beyond reqwest's own.
///
/// The client is made with the first request. Clones share it, so that invocations of a warm
/// function reuse connections.
#[derive(Clone, Default)]
pub struct ReqwestTransport {
    client: Arc<OnceLock<Client>>,
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

    fn client(&self) -> Result<Client, TransportError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = build()?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    async fn exchange(self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(TransportError::http)?;
        let mut reply = self
            .client()?
            .execute(request)
            .await
            .map_err(TransportError::http)?;
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

fn build() -> Result<Client, TransportError> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| TransportError(Failure::Tls(error)))?
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // What other crates of the build enable in reqwest must not change where requests go.
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("rotation-http/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(TransportError::http)
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
    #[error(transparent)]
    Http(reqwest::Error),
}

impl TransportError {
    fn http(error: reqwest::Error) -> Self {
        Self(Failure::Http(error.without_url()))
    }

    /// Who can mend it: the network passes by itself, a reply that is too large and a machine
    /// without root certificates do not.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.0 {
            Failure::TooLarge | Failure::Tls(_) => ErrorClass::Misconfigured,
            Failure::Http(_) => ErrorClass::Unavailable,
        }
    }
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
    fn clones_share_one_client_made_with_the_first_request() {
        let transport = ReqwestTransport::new();
        let clone = transport.clone();
        assert!(clone.client.get().is_none());
        transport.client().unwrap();
        assert!(clone.client.get().is_some());
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
