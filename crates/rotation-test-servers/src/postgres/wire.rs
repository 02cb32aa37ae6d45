//! A proxy that sees PostgreSQL's protocol message by message.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use rotation_simulator::{Fault, Faults};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A loopback proxy for plaintext connections to a PostgreSQL server. Every message, in both
/// directions, is an effect of [`Faults`], named after its type: `postgres > Query`,
/// `postgres < ReadyForQuery`. Stops, with every connection, when dropped.
///
/// It carries out [`Fault::CrashBefore`] (the message is not passed on, and the process dies),
/// [`Fault::CrashAfter`], [`Fault::LoseRequest`] (the connection breaks before the message),
/// [`Fault::LoseResponse`] (it breaks after), and [`Fault::Hang`]. A connection with TLS passes too,
/// and all of it counts as one message.
#[derive(Debug)]
pub struct WireProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    faults: Faults,
    connections: AtomicUsize,
}

impl WireProxy {
    /// A proxy on a free port of 127.0.0.1, to the server at this address.
    ///
    /// # Errors
    ///
    /// When no port can be opened.
    pub async fn start(upstream: SocketAddr, faults: Faults) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            faults,
            connections: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were made through it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for WireProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this future, and all connections with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // The connection is over either way.
            _ = serve(client, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Ends both sides as soon as one of them ends.
async fn serve(client: TcpStream, shared: &Shared) -> io::Result<()> {
    let server = TcpStream::connect(shared.upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        ended = requests(from_client, &mut to_server, shared) => ended,
        ended = replies(from_server, &mut to_client, shared) => ended,
    }
}

async fn requests(mut from: OwnedReadHalf, to: &mut OwnedWriteHalf, shared: &Shared) -> io::Result<()> {
    // The first message has no type: its length, then a version or the number of a request for TLS.
    let first = body(&mut from, Vec::new()).await?;
    let tls = first.get(4..8) == Some(&80_877_103_u32.to_be_bytes());
    pass(
        shared,
        if tls {
            "postgres > SSLRequest"
        } else {
            "postgres > Startup"
        },
        &first,
        to,
    )
    .await?;
    if tls {
        return tokio::io::copy(&mut from, to).await.map(drop);
    }
    loop {
        let kind = from.read_u8().await?;
        let message = body(&mut from, vec![kind]).await?;
        let name = match kind {
            b'Q' => "postgres > Query",
            b'X' => "postgres > Terminate",
            b'p' => "postgres > Password",
            _ => "postgres > other",
        };
        pass(shared, name, &message, to).await?;
    }
}

async fn replies(mut from: OwnedReadHalf, to: &mut OwnedWriteHalf, shared: &Shared) -> io::Result<()> {
    let mut first = true;
    loop {
        let kind = from.read_u8().await?;
        if std::mem::take(&mut first) && kind == b'S' {
            // The answer to a request for TLS has no length.
            pass(shared, "postgres < TLS", &[kind], to).await?;
            return tokio::io::copy(&mut from, to).await.map(drop);
        }
        let message = body(&mut from, vec![kind]).await?;
        let name = match kind {
            b'R' => "postgres < Authentication",
            b'S' => "postgres < ParameterStatus",
            b'K' => "postgres < BackendKeyData",
            b'Z' => "postgres < ReadyForQuery",
            b'T' => "postgres < RowDescription",
            b'D' => "postgres < DataRow",
            b'C' => "postgres < CommandComplete",
            b'E' => "postgres < ErrorResponse",
            b'N' => "postgres < NoticeResponse",
            _ => "postgres < other",
        };
        pass(shared, name, &message, to).await?;
    }
}

/// Reads the length and what follows; `message` holds what came before.
async fn body(from: &mut OwnedReadHalf, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let rest = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(4);
    if rest > 64 * 1024 * 1024 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not PostgreSQL's protocol",
        ));
    }
    message.extend(length.to_be_bytes());
    let start = message.len();
    message.resize(start + rest, 0);
    if let Some(rest) = message.get_mut(start..) {
        from.read_exact(rest).await?;
    }
    Ok(message)
}

async fn pass(shared: &Shared, name: &str, message: &[u8], to: &mut OwnedWriteHalf) -> io::Result<()> {
    let fault = shared.faults.begin(name, |fault| {
        matches!(
            fault,
            Fault::CrashBefore | Fault::CrashAfter | Fault::LoseRequest | Fault::LoseResponse | Fault::Hang
        )
    });
    let broken = || Err(io::Error::new(io::ErrorKind::ConnectionReset, "a fault"));
    match fault {
        Some(Fault::CrashBefore) => {
            die(&shared.faults).await;
            return broken();
        }
        Some(Fault::LoseRequest) => return broken(),
        Some(Fault::Hang) => return std::future::pending().await,
        _ => {}
    }
    to.write_all(message).await?;
    match fault {
        Some(Fault::CrashAfter) => {
            die(&shared.faults).await;
            broken()
        }
        Some(Fault::LoseResponse) => broken(),
        _ => Ok(()),
    }
}

/// Says that the process died, and goes on: its connections have to break too.
async fn die(faults: &Faults) {
    let mut crash = pin!(faults.crash());
    poll_fn(|cx| match crash.as_mut().poll(cx) {
        Poll::Ready(never) => never,
        Poll::Pending => Poll::Ready(()),
    })
    .await;
}
