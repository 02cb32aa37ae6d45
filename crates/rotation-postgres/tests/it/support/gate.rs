//! A proxy that holds one message back, as a slow network does, until the test lets it go.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A proxy for plaintext connections to a server. Everything passes but what is to be [held](Self::hold).
pub(crate) struct Gate {
    port: u16,
    next: Arc<Mutex<Option<Held>>>,
    task: JoinHandle<()>,
}

/// One message that is held back: the first query, or answer of a login, with these words.
#[derive(Clone)]
pub(crate) struct Held {
    words: &'static str,
    reached: Arc<Semaphore>,
    released: Arc<Semaphore>,
    passed: Arc<Semaphore>,
}

impl Gate {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::default();
        let upstream = (Ipv4Addr::LOCALHOST, server).into();
        let task = tokio::spawn(accept(listener, upstream, Arc::clone(&next)));
        Self { port, next, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on, the first query or answer of a login with these words stands still.
    pub(crate) fn hold(&self, words: &'static str) -> Held {
        let held = Held {
            words,
            reached: Arc::new(Semaphore::new(0)),
            released: Arc::new(Semaphore::new(0)),
            passed: Arc::new(Semaphore::new(0)),
        };
        *self.next.lock().unwrap() = Some(held.clone());
        held
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Held {
    /// Waits until the message stands still.
    pub(crate) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    /// Lets the message go on to the server.
    pub(crate) fn release(&self) {
        self.released.add_permits(1);
    }

    /// Waits until it was sent, or the connection to the server was found closed.
    pub(crate) async fn passed(&self) {
        self.passed.acquire().await.unwrap().forget();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, next: Arc<Mutex<Option<Held>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let next = Arc::clone(&next);
        tokio::spawn(async move {
            let upstream = TcpStream::connect(server).await?;
            client.set_nodelay(true)?;
            upstream.set_nodelay(true)?;
            let (from_client, mut to_client) = client.into_split();
            let (mut from_server, to_server) = upstream.into_split();
            // What is held reaches the server also when the client is gone by then.
            let replies = tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
            let passed = requests(from_client, to_server, &next).await;
            replies.abort();
            passed
        });
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    next: &Mutex<Option<Held>>,
) -> io::Result<()> {
    // The first message has a length and no type.
    let first = message(&mut from, Vec::new()).await?;
    to.write_all(&first).await?;
    loop {
        let kind = from.read_u8().await?;
        let message = message(&mut from, vec![kind]).await?;
        let held = matching(&message, next);
        if let Some(held) = &held {
            held.reached.add_permits(1);
            held.released.acquire().await.map_err(io::Error::other)?.forget();
        }
        let sent = to.write_all(&message).await;
        if let Some(held) = &held {
            held.passed.add_permits(1);
        }
        sent?;
    }
}

fn matching(message: &[u8], next: &Mutex<Option<Held>>) -> Option<Held> {
    let text = String::from_utf8_lossy(message);
    let is_it = |held: &mut Held| text.starts_with(['Q', 'p']) && text.contains(held.words);
    next.lock().unwrap().take_if(is_it)
}

async fn message(from: &mut OwnedReadHalf, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    message.extend(length.to_be_bytes());
    let start = message.len();
    message.resize(start + usize::try_from(length).unwrap() - 4, 0);
    from.read_exact(&mut message[start..]).await?;
    Ok(message)
}
