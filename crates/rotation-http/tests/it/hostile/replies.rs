//! Hostile replies to every kind of request, and those that never end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rotation_core::BackendError;
use rotation_http::{AdminAuth, AllowedHosts, HttpBackend, OAuth2};
use rotation_test_servers::http::KeyProvider;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::{ADMIN, KEY, Secrets, backend, document, outcome};
use crate::support::server::{Server, reply};
use crate::support::{ADMIN_TOKEN, Log, TOKEN, World, admin, description, field, from_json, uploading};

/// Requests, by what they are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    List,
    Create,
    Verify,
    Revoke,
    Upload,
    Token,
}

const KINDS: [Kind; 6] = [
    Kind::List,
    Kind::Create,
    Kind::Verify,
    Kind::Revoke,
    Kind::Upload,
    Kind::Token,
];

impl Kind {
    fn of(method: &str, path: &str) -> Self {
        match (method, path) {
            ("GET", "/health") => Self::Verify,
            ("GET", _) => Self::List,
            ("POST", "/oauth/token") => Self::Token,
            ("POST", _) => Self::Create,
            ("PUT", _) => Self::Upload,
            _ => Self::Revoke,
        }
    }

    /// What the provider answers where it is not hostile.
    fn calm(self) -> Vec<u8> {
        let (status, body) = match self {
            Self::List => (200, json!({"keys": [{"id": "by-hand", "label": "by hand"}]})),
            Self::Create => (201, json!({"id": "2", "key": "SENTINEL-made"})),
            // For an upload, the key must not work yet.
            Self::Verify => (401, json!({})),
            Self::Token => (200, json!({"access_token": "SENTINEL-t", "token_type": "bearer"})),
            Self::Revoke | Self::Upload => (200, json!({})),
        };
        http(&format!("{status} Fine"), "", &body.to_string())
    }
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A provider that answers one kind of request with these bytes, and then closes or keeps the connection.
async fn provider(hostile: Kind, bytes: Vec<u8>, hangs: bool) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(asked) = crate::support::server::read(&mut stream).await else {
                continue;
            };
            let kind = Kind::of(&asked.method, &asked.path);
            if kind != hostile {
                _ = stream.write_all(&kind.calm()).await;
                continue;
            }
            _ = stream.write_all(&bytes).await;
            if hangs {
                kept.push(stream);
            }
        }
    });
    (address, task)
}

/// Little time, for what is tried again until it is over.
const SHORT: Duration = Duration::from_millis(600);
/// Time enough for what is answered once.
const LONG: Duration = Duration::from_secs(60);

/// An id as createSecret of this rotation makes it.
async fn chosen_id() -> String {
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    let backend = HttpBackend::new(uploading("/id").build().unwrap(), admin(), hosts).unwrap();
    let backend = backend.with_transport(KeyProvider::new(ADMIN_TOKEN));
    let current = document("https://api.vendor.com");
    let made = World::manual()
        .create(&backend, TOKEN, &current, &[])
        .await
        .unwrap();
    field(&made, "key_id")
}

/// Sends a request of this kind, by way of the backend.
async fn send(kind: Kind, address: &str, time: Duration) -> Result<(), BackendError> {
    let bearer = || AdminAuth::bearer().token_at("/token");
    let minting = || backend(description(), bearer(), address);
    let world = World::new().with_secrets(Secrets).with_time(time);
    let current = document(&format!("http://{address}"));
    match kind {
        Kind::List | Kind::Create => world.create(&minting(), TOKEN, &current, &[]).await.map(drop),
        Kind::Verify => world.test(&minting(), &current).await,
        Kind::Revoke => world.retire(&minting(), &current).await.map(drop),
        Kind::Upload => {
            let mut pending = serde_json::to_value(&current).unwrap();
            pending["key_id"] = json!(chosen_id().await);
            let backend = backend(uploading("/id"), bearer(), address);
            world.set(&backend, &from_json(pending), &current).await
        }
        Kind::Token => {
            let oauth2 = OAuth2::new(format!("http://{address}/oauth/token"));
            let backend = backend(description(), oauth2.into(), address);
            world.create(&backend, TOKEN, &current, &[]).await.map(drop)
        }
    }
}

#[tokio::test]
async fn replies_to_every_kind_of_request() {
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&elsewhere);
    let evil = Server::start(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        reply(200, json!({"keys": []}))
    })
    .await;
    let echo = format!(r#"{{"error": "bad token {ADMIN} {KEY}", "error_description": "{ADMIN}"}}"#);
    let to = |path: &str| format!("location: http://{}{path}\r\n", evil.address);
    let large = format!("[{}1]", "1,".repeat(600_000));
    let chunks = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(20);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}").into_bytes();
    let types = json!({
        "keys": {"SENTINEL": 1}, "key": ["SENTINEL"], "id": {"SENTINEL": 1}, "access_token": 7,
    });
    let ids = json!({
        "keys": [{"id": "by-hand", "label": "by hand"}, {"id": "../SENTINEL", "label": "SENTINEL"}],
        "id": "../../admin?all=true#", "key": "SENTINEL\r\nx-evil: 1", "access_token": "SENTINEL\r\nx-evil: 1",
        "token_type": "bearer",
    });
    // For list, create, verify, revoke, upload and a token, in this order: unavailable, misconfigured,
    // rejected, done. The body of a reply to verify, revoke and upload is not looked at. After a list that can
    // be read there is too little time to make a key, in this test.
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "body cut off",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\": SENTINEL".to_vec(),
            "uuuuuu",
        ),
        (
            "JSON cut off",
            http("200 OK", "", r#"{"keys": [{"id": "SENTINEL"#),
            "mmdddm",
        ),
        ("nothing", Vec::new(), "uuuuuu"),
        ("not HTTP", b"SENTINEL\r\n\r\n".to_vec(), "uuuuuu"),
        ("empty body", http("200 OK", "", ""), "mmdddm"),
        ("not JSON", http("200 OK", "", "<html>SENTINEL"), "mmdddm"),
        (
            "nested without end",
            http("200 OK", "", &"[".repeat(100_000)),
            "mmdddm",
        ),
        ("huge by its length", http("200 OK", "", &large), "mmmmmm"),
        ("huge in chunks", chunked, "mmmmmm"),
        (
            "other types than described",
            http("200 OK", "", &types.to_string()),
            "mmdddm",
        ),
        (
            "ids and keys that inject",
            http("200 OK", "", &ids.to_string()),
            "uddddm",
        ),
        (
            "redirect elsewhere, 302",
            http("302 Found", &to("/SENTINEL"), &echo),
            "mmmmmm",
        ),
        (
            "redirect elsewhere, 307",
            http("307 Temporary Redirect", &to("/"), &echo),
            "mmmmmm",
        ),
        ("secret echoed, 400", http("400 Bad Request", "", &echo), "mmmmrm"),
        (
            "secret echoed, 401",
            http("401 Unauthorized", "", &echo),
            "mmummm",
        ),
        ("secret echoed, 403", http("403 Forbidden", "", &echo), "mmummm"),
        ("secret echoed, 500", http("500 Oops", "", &echo), "uuuuuu"),
        (
            "secret in status line and header",
            http("500 SENTINEL", "x-echo: SENTINEL\r\n", ""),
            "uuuuuu",
        ),
        (
            "a wait without end",
            http("429 Too Many", "retry-after: 99999999\r\n", &echo),
            "uuuuuu",
        ),
    ];
    let mut wrong = Vec::new();
    for (name, bytes, expected) in rows {
        let mut found = String::new();
        for (kind, expected) in KINDS.into_iter().zip(expected.chars()) {
            let log = Log::start();
            let (address, task) = provider(kind, bytes.clone(), false).await;
            let row = format!("{kind:?}, {name}");
            // A request to make a key is not begun without time, and not repeated.
            let short = expected == 'u' && kind != Kind::Create;
            let time = if short { SHORT } else { LONG };
            let (word, text) = outcome(&row, send(kind, &address, time).await, &log);
            println!("| {kind:?} | {name} | {word} | {text} |");
            found.push(word.chars().next().unwrap());
            task.abort();
        }
        if found != expected {
            wrong.push((name, expected, found));
        }
    }
    assert_eq!(wrong, [], "name, expected, found");
    assert_eq!(
        elsewhere.load(Ordering::SeqCst),
        0,
        "no credential followed a redirect"
    );
}

#[tokio::test]
async fn replies_that_never_end_are_given_up() {
    for kind in [Kind::List, Kind::Verify, Kind::Revoke, Kind::Upload] {
        for (name, bytes) in [
            ("no byte", Vec::new()),
            ("half a head", b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
            (
                "half a body",
                b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec(),
            ),
        ] {
            let log = Log::start();
            let (address, task) = provider(kind, bytes, true).await;
            let row = format!("{kind:?}, {name}");
            let (word, text) = outcome(&row, send(kind, &address, SHORT).await, &log);
            println!("| {kind:?} | slow: {name} | {word} | {text} |");
            assert_eq!(word, "unavailable", "{row}");
            task.abort();
        }
    }
}
