//! A server on a socket: plain HTTP/1.1, until it is dropped.

use std::convert::Infallible;
use std::error::Error;
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
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// An HTTP/1.1 server on this machine, without TLS, for doubles of services. It stops, with every connection,
/// when it is dropped.
///
/// It needs the tokio runtime that it was started in.
///
/// ```
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use rotation_lambda_host::Loopback;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = Loopback::serve(async |request| Response::new(Full::new(request.into_body()))).await?;
/// println!("http://{} answers with what it is sent", server.address());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Loopback {
    address: SocketAddr,
    task: JoinHandle<Infallible>,
}

impl Loopback {
    /// Answers whole requests, on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// No port can be opened.
    pub async fn serve<H, F>(handler: H) -> io::Result<Self>
    where
        H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send,
    {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let answer = move |request: Request<Incoming>| {
            let handler = handler.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                Ok::<_, hyper::Error>(handler(Request::from_parts(parts, body)).await)
            }
        };
        Self::listen(free, answer).await
    }

    /// Answers on this address; port 0 is a free one. `answer` reads the body by itself.
    ///
    /// `answer` is dropped at its await when the client goes away. Its error closes the connection without a
    /// reply.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn listen<A, F, E>(address: SocketAddr, answer: A) -> io::Result<Self>
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

    /// Where it listens: `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Loopback {
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
