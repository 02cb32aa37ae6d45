//! The provider's door on a loopback socket.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::provider::{KeyProvider, NoAnswer};

/// A [`KeyProvider`] on a free port of 127.0.0.1, speaking plain HTTP/1.1. Stops, with every
/// connection, when dropped.
#[derive(Debug)]
pub struct KeyServer {
    address: SocketAddr,
    task: JoinHandle<Infallible>,
}

impl KeyServer {
    pub(super) async fn start(provider: KeyProvider) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, provider));
        Ok(Self { address, task })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, provider: KeyProvider) -> Infallible {
    // Dropped with this future, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(talk(stream, provider.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn talk(stream: TcpStream, provider: KeyProvider) {
    let answer = service_fn(move |request: Request<Incoming>| answer(provider.clone(), request));
    // An error is a client that went away, or a reply that was to be lost.
    _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
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
