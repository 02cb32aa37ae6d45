//! What the client must not do: ask a proxy, send a request again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rotation_http::{ReqwestTransport, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TARGET: &str = "ROTATION_HTTP_TEST_TARGET";

fn request(method: &str, url: &str) -> http::Request<Bytes> {
    http::Request::builder()
        .method(method)
        .uri(url)
        .body(Bytes::new())
        .unwrap()
}

/// Counts connections, and answers each request with an empty reply.
async fn listener(connections: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            _ = stream.read(&mut [0; 4096]).await;
            _ = stream
                .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                .await;
        }
    });
    address
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked() {
    // This test again, in a process with proxies in its environment.
    if let Ok(target) = std::env::var(TARGET) {
        let url = format!("http://{target}/");
        ReqwestTransport::new().send(request("GET", &url)).await.unwrap();
        return;
    }
    let (proxied, direct) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let proxy = format!("http://{}", listener(Arc::clone(&proxied)).await);
    let target = listener(Arc::clone(&direct)).await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "a_proxy_of_the_environment_is_not_asked"])
        .env(TARGET, target);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, &proxy);
    }
    for name in ["no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(
        (direct.load(Ordering::SeqCst), proxied.load(Ordering::SeqCst)),
        (1, 0)
    );
}

/// Answers the first request of a connection and closes it in the middle of the second.
async fn hangs_up(seen: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            for answers in [true, false] {
                let mut bytes = vec![0; 4096];
                let length = stream.read(&mut bytes).await.unwrap_or(0);
                let line = String::from_utf8_lossy(&bytes[..length]);
                seen.lock()
                    .unwrap()
                    .push(line.lines().next().unwrap_or_default().to_owned());
                if answers {
                    _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .await;
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn a_request_is_not_sent_again_when_its_connection_closes() {
    let seen = Arc::default();
    let url = format!("http://{}/keys", hangs_up(Arc::clone(&seen)).await);
    let transport = ReqwestTransport::new();
    transport.send(request("GET", &url)).await.unwrap();
    transport.send(request("POST", &url)).await.unwrap_err();
    assert_eq!(
        *seen.lock().unwrap(),
        ["GET /keys HTTP/1.1", "POST /keys HTTP/1.1"]
    );
}
