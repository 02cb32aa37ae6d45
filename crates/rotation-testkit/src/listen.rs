//! A server on a socket: plain HTTP/1.1, until it is dropped.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// Answers each request on an address. Stops, with every connection, when dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    address: SocketAddr,
    task: JoinHandle<Infallible>,
}

impl Listening {
    /// `answer` is dropped at its await when the client goes away; its error closes the connection
    /// without a reply.
    pub(crate) async fn start<A, F, E>(address: SocketAddr, answer: A) -> io::Result<Self>
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Response<Full<Bytes>>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, answer));
        Ok(Self { address, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<A, F, E>(listener: TcpListener, answer: A) -> Infallible
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    // Dropped with this future, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(talk(stream, answer.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn talk<A, F, E>(stream: TcpStream, answer: A)
where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Full<Bytes>>, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    // An error is a client that went away, or a reply that was to be lost.
    _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
}
