//! The provider's door on a loopback socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rotation_lambda_host::Loopback;

use super::provider::{KeyProvider, NoAnswer};

/// A [`KeyProvider`] on a free port of 127.0.0.1, speaking plain HTTP/1.1. Stops, with every
/// connection, when dropped.
#[derive(Debug)]
pub struct KeyServer {
    listening: Loopback,
}

impl KeyProvider {
    /// The provider on a free port of the loopback interface, until the server is dropped.
    ///
    /// # Errors
    ///
    /// When no port can be opened.
    pub async fn serve(&self) -> io::Result<KeyServer> {
        let (free, provider) = (SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), self.clone());
        let listening = Loopback::listen(free, move |request| answer(provider.clone(), request)).await?;
        Ok(KeyServer { listening })
    }
}

impl KeyServer {
    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address())
    }
}

/// No answer is an error of the service: hyper then closes the connection without a reply.
async fn answer(
    provider: KeyProvider,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Err(NoAnswer::lost());
    };
    let response = provider
        .answer(Request::from_parts(parts, body.to_bytes()))
        .await?;
    Ok(response.map(Full::new))
}
