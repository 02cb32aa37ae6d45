//! A proxy before the simulator that loses one answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rotation_testkit::server::SimulatorServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Hands on every request, and the answers but for the first to this action: that connection is closed
/// when the answer is there.
pub(crate) struct Lossy {
    address: SocketAddr,
    lost: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Lossy {
    pub(crate) async fn start(server: &SimulatorServer, action: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (upstream, lost) = (server.address(), Arc::new(AtomicBool::new(false)));
        let seen = Arc::clone(&lost);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(hand_on(client, upstream, action, Arc::clone(&seen)));
            }
        });
        Self { address, lost, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn has_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection, request by request; the simulator answers each in one piece.
async fn hand_on(mut client: TcpStream, upstream: SocketAddr, action: &str, lost: Arc<AtomicBool>) {
    let mut server = TcpStream::connect(upstream).await.unwrap();
    while let Some(request) = message(&mut client).await {
        server.write_all(&request).await.unwrap();
        let Some(answer) = message(&mut server).await else {
            return;
        };
        let asks = String::from_utf8_lossy(&request).contains(&format!("secretsmanager.{action}\r\n"));
        if asks && !lost.swap(true, Ordering::SeqCst) {
            return;
        }
        client.write_all(&answer).await.unwrap();
    }
}

/// A head, and a body as long as its head says; `None` at the end of the connection.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some(head) = text.find("\r\n\r\n") else {
            continue;
        };
        let length = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next());
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if bytes.len() >= head + 4 + length {
            return Some(bytes);
        }
    }
}
