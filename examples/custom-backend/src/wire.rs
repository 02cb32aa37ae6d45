//! How requests get out.

use std::error::Error;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use rotation_core::async_trait;

/// Sends requests: [`Https`] in the function, a Forge in memory in its tests.
#[async_trait]
pub trait Wire: Send + Sync + 'static {
    /// Sends one request, once.
    ///
    /// # Errors
    ///
    /// [`NoReply`] when there is no whole reply.
    async fn send(&self, request: Request<String>) -> Result<Response<Bytes>, NoReply>;
}

/// There is no whole reply. What it says is printed, so it holds no address, header or body.
#[derive(Debug)]
pub struct NoReply(Box<dyn Error + Send + Sync>);

impl NoReply {
    /// With its cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no reply")
    }
}

impl Error for NoReply {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}

/// The real thing. Sends nothing twice and follows no redirect: a request may make a key, and carries the
/// admin token.
#[derive(Debug, Default)]
pub struct Https {
    client: OnceLock<reqwest::Client>,
}

/// The largest reply that is read.
const MOST: usize = 64 * 1024;

impl Https {
    fn client(&self) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // Fails if there is one already, which then is used.
        _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(15))
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }

    async fn exchange(
        &self,
        request: Request<String>,
    ) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
        let request = reqwest::Request::try_from(request)?;
        let mut reply = self.client()?.execute(request).await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = reply.chunk().await? {
            if body.len() + chunk.len() > MOST {
                return Err("the reply is larger than 64 KiB".into());
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = reply.status();
        Ok(response)
    }
}

#[async_trait]
impl Wire for Https {
    async fn send(&self, request: Request<String>) -> Result<Response<Bytes>, NoReply> {
        let sent = self.exchange(request).await;
        sent.map_err(|error| match error.downcast::<reqwest::Error>() {
            Ok(error) => NoReply::new(error.without_url()),
            Err(error) => NoReply(error),
        })
    }
}
