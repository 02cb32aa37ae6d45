//! Hostile addresses and replies: what each leads to, and that none prints a secret.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotation_core::{BackendError, ErrorClass, chain};
use rotation_http::{ApiKeyDocument, HttpBackend};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{ADMIN_TOKEN, Log, TOKEN, World, backend, from_json};

const KEY: &str = "SENTINEL-api-key";

/// A server that answers every connection with these bytes, and counts what came.
struct Canned {
    address: String,
    connections: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<u8>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Canned {
    async fn start(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (counted, kept) = (Arc::clone(&connections), Arc::clone(&received));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                // The whole request in one read: it is small, and on loopback.
                let mut bytes = vec![0; 16384];
                let length = stream.read(&mut bytes).await.unwrap_or(0);
                kept.lock().unwrap().extend_from_slice(&bytes[..length]);
                _ = stream.write_all(&reply).await;
            }
        });
        Self {
            address,
            connections,
            received,
            task,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn document(&self) -> ApiKeyDocument {
        at(&format!("http://{}", self.address))
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn at(base_url: &str) -> ApiKeyDocument {
    from_json(json!({"api_endpoint": base_url, "account_id": "7", "api_key": KEY, "key_id": "by-hand"}))
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn everything_printed(error: &BackendError) -> String {
    format!("{error} / {error:?} / {}", chain(error))
}

/// The error, which has printed no secret.
fn safe(error: BackendError) -> BackendError {
    let text = everything_printed(&error);
    assert!(!text.contains("SENTINEL"), "{text}");
    error
}

/// The error of createSecret. Little time is given where it is tried again until that is over.
async fn create(backend: &HttpBackend, document: &ApiKeyDocument, class: ErrorClass) -> BackendError {
    let world = match class {
        ErrorClass::Unavailable => World::new().with_time(Duration::from_secs(20)),
        _ => World::new(),
    };
    safe(world.create(backend, TOKEN, document, &[]).await.unwrap_err())
}

#[tokio::test]
async fn a_host_that_is_not_allowed_gets_no_connection_and_no_admin_secret_is_read() {
    let evil = Canned::start(reply("200 OK", "", "{}")).await;
    let backend = backend("127.0.0.1:1");
    let world = World::new();
    for error in [
        world
            .create(&backend, TOKEN, &evil.document(), &[])
            .await
            .unwrap_err(),
        world.test(&backend, &evil.document()).await.unwrap_err(),
        world.retire(&backend, &evil.document()).await.unwrap_err(),
    ] {
        let error = safe(error);
        assert_eq!(error.class(), ErrorClass::Misconfigured);
        assert!(error.to_string().contains(&evil.address), "{error}");
    }
    assert_eq!((evil.connections(), world.admin_reads()), (0, 0));
}

#[tokio::test]
async fn no_credential_follows_a_redirect() {
    let elsewhere = Canned::start(reply("200 OK", "", r#"{"keys": []}"#)).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("location: http://{}/api-keys\r\n", elsewhere.address);
        let server = Canned::start(reply(status, &location, "")).await;
        let error = create(
            &backend(&server.address),
            &server.document(),
            ErrorClass::Misconfigured,
        )
        .await;
        assert_eq!(error.class(), ErrorClass::Misconfigured);
        assert!(error.to_string().contains("redirect"), "{error}");
        let error = World::new()
            .test(&backend(&server.address), &server.document())
            .await
            .unwrap_err();
        assert_eq!(safe(error).class(), ErrorClass::Misconfigured);
    }
    assert_eq!(elsewhere.connections(), 0);
    assert!(elsewhere.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn hostile_replies_to_a_list() {
    let echo = format!(r#"{{"error": "bad token {ADMIN_TOKEN} {KEY}"}}"#);
    let large = format!("[{}1]", "1,".repeat(600_000));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
        format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(20)
    );
    let deep = "[".repeat(100_000);
    use ErrorClass::{Misconfigured, Unavailable};
    for (row, bytes, class, named) in [
        (
            "not JSON",
            reply("200 OK", "", "<html>SENTINEL"),
            Misconfigured,
            "not JSON",
        ),
        ("empty", reply("200 OK", "", ""), Misconfigured, "not JSON"),
        (
            "truncated JSON",
            reply("200 OK", "", r#"{"keys": [{"id": "SENTINEL"#),
            Misconfigured,
            "not JSON",
        ),
        (
            "deeply nested",
            reply("200 OK", "", &deep),
            Misconfigured,
            "not JSON",
        ),
        (
            "no array",
            reply("200 OK", "", r#"{"keys": {"SENTINEL": 1}}"#),
            Misconfigured,
            "/keys",
        ),
        (
            "secret echoed, 401",
            reply("401 Unauthorized", "", &echo),
            Misconfigured,
            "401",
        ),
        (
            "secret echoed, 500",
            reply("500 Oops", "", &echo),
            Unavailable,
            "500",
        ),
        (
            "secret in the status line",
            reply("500 SENTINEL", "x-echo: SENTINEL\r\n", ""),
            Unavailable,
            "500",
        ),
        (
            "too large by its length",
            reply("200 OK", "", &large),
            Misconfigured,
            "larger than",
        ),
        ("too large in chunks", chunked, Misconfigured, "larger than"),
        (
            "cut off",
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\": SENTINEL".to_owned(),
            Unavailable,
            "no reply",
        ),
        ("not HTTP", "SENTINEL\r\n\r\n".to_owned(), Unavailable, "no reply"),
        ("nothing", String::new(), Unavailable, "no reply"),
    ] {
        let server = Canned::start(bytes).await;
        let error = create(&backend(&server.address), &server.document(), class).await;
        assert_eq!(error.class(), class, "{row}: {error:?}");
        assert!(everything_printed(&error).contains(named), "{row}: {error:?}");
    }
}

#[tokio::test]
async fn a_reply_that_never_ends_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let world = World::new().with_time(Duration::from_millis(300));
    let error = world
        .create(&backend(&address), TOKEN, &at(&format!("http://{address}")), &[])
        .await
        .unwrap_err();
    assert_eq!(safe(error).class(), ErrorClass::Unavailable);
}

#[tokio::test]
async fn nothing_goes_in_clear_where_the_address_is_https() {
    let plain = Canned::start(reply("200 OK", "", r#"{"keys": []}"#)).await;
    let error = create(
        &backend(&plain.address),
        &at(&format!("https://{}", plain.address)),
        ErrorClass::Unavailable,
    )
    .await;
    assert_eq!(error.class(), ErrorClass::Unavailable);
    let received = plain.received.lock().unwrap().clone();
    // The first byte of a TLS handshake record, and of no HTTP request.
    assert_eq!(received.first(), Some(&22));
    assert!(!received.windows(8).any(|bytes| bytes == b"SENTINEL"));
}

#[tokio::test]
async fn nobody_listens() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let error = create(
        &backend(&closed),
        &at(&format!("http://{closed}")),
        ErrorClass::Unavailable,
    )
    .await;
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert!(everything_printed(&error).contains("GET /api-keys"), "{error:?}");
}

#[tokio::test]
async fn nothing_that_can_be_printed_holds_a_secret() {
    let log = Log::start();
    let provider = rotation_test_servers::http::KeyProvider::new(ADMIN_TOKEN);
    let server = provider.serve().await.unwrap();
    let backend = backend(server.address());
    let current = at(&server.base_url());
    let world = World::new();
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    world.test(&backend, &made).await.unwrap();
    world.retire(&backend, &made).await.unwrap();
    let given = rotation_http::Admin::given("SENTINEL");
    let text = format!(
        "{} {backend:?} {current:?} {made:?} {given:?} {provider:?}",
        log.text()
    );
    let key = crate::support::field(&made, "api_key");
    assert!(text.contains("tries=1"), "the log is empty");
    assert!(!text.contains("SENTINEL") && !text.contains(&key), "{text}");
}

#[tokio::test]
async fn a_made_key_that_cannot_be_used_is_revoked_or_left_to_the_next_run() {
    use rotation_test_servers::http::KeyProvider;
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let first = provider.make_key("by hand");
    let server = provider.serve().await.unwrap();
    let current = crate::support::document(&server.base_url(), &first);
    let hosts = || {
        rotation_http::AllowedHosts::new([server.address().to_string()])
            .unwrap()
            .allow_plain_http_on_loopback()
    };
    let build = |description: rotation_http::ProviderBuilder| {
        HttpBackend::new(description.build().unwrap(), crate::support::admin(), hosts()).unwrap()
    };
    let world = World::new();

    let error = world
        .create(
            &build(crate::support::description().key_at("/secret")),
            TOKEN,
            &current,
            &[],
        )
        .await
        .unwrap_err();
    assert_eq!(safe(error).class(), ErrorClass::Misconfigured);
    assert_eq!(provider.alive().len(), 1, "revoked by its id");

    let error = world
        .create(
            &build(crate::support::description().id_at("/key_id")),
            TOKEN,
            &current,
            &[],
        )
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/key_id"), "{error}");
    assert_eq!(provider.alive().len(), 2, "nothing to revoke it by");
    world.clock.travel(Duration::from_secs(3600));
    world
        .create(&build(crate::support::description()), TOKEN, &current, &[])
        .await
        .unwrap();
    assert_eq!(provider.alive().len(), 2, "found by its label");
}
