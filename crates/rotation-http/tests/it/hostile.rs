//! Hostile inputs and what each leads to: addresses in the secret, values in templates, and in `replies` those to
//! every kind of request. None prints a secret, none sends one elsewhere. Run with `--nocapture` to see the tables.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rotation_core::{BackendError, ErrorClass, SecretReader, SecretValue, StoreError, async_trait, chain};
use rotation_http::{Admin, AdminAuth, AllowedHosts, ApiKeyDocument, HttpBackend, ProviderBuilder};
use serde_json::{Value, json};

use crate::support::server::{Server, reply};
use crate::support::{ADMIN_ARN, Log, TOKEN, World, description, from_json};

mod replies;

const KEY: &str = "SENTINEL-api-key";
const ADMIN: &str = "SENTINEL-admin-token";

/// The admin secret, as a token or as a client's.
struct Secrets;

#[async_trait]
impl SecretReader for Secrets {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        assert_eq!(secret_id, ADMIN_ARN);
        let value = json!({"token": ADMIN, "client_id": "client", "client_secret": ADMIN});
        Ok(SecretValue::text(value.to_string()))
    }
}

fn backend(description: ProviderBuilder, auth: AdminAuth, address: &str) -> HttpBackend {
    let hosts = AllowedHosts::new([address])
        .unwrap()
        .allow_plain_http_on_loopback();
    let admin = Admin::secret(ADMIN_ARN).auth(auth);
    HttpBackend::new(description.build().unwrap(), admin, hosts).unwrap()
}

fn document(base_url: &str) -> ApiKeyDocument {
    from_json(json!({"api_endpoint": base_url, "account_id": "7", "api_key": KEY, "key_id": "by-hand"}))
}

/// What a row led to, in a word and in full; no secret was printed.
fn outcome(row: &str, result: Result<(), BackendError>, log: &Log) -> (&'static str, String) {
    assert!(!log.text().contains("SENTINEL"), "{row}: {}", log.text());
    let Err(error) = result else {
        return ("done", String::new());
    };
    let text = format!("{error} / {error:?} / {}", chain(&error));
    assert!(!text.contains("SENTINEL"), "{row}: {text}");
    let word = match error.class() {
        ErrorClass::Unavailable => "unavailable",
        ErrorClass::Misconfigured => "misconfigured",
        ErrorClass::Rejected => "rejected",
    };
    (word, chain(&error))
}

#[tokio::test]
async fn addresses_in_the_secret() {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let evil = Server::start(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        reply(200, json!({"keys": []}))
    })
    .await;
    let port = evil.address.rsplit(':').next().unwrap();
    let backend = backend(
        description(),
        AdminAuth::bearer().token_at("/token"),
        "127.0.0.1:1",
    );
    for address in [
        format!("http://{}", evil.address),
        format!("https://{}", evil.address),
        format!("http://127.0.0.1:1@{}", evil.address),
        format!("http://SENTINEL:SENTINEL@{}", evil.address),
        format!("http://127.0.0.1:1#@{}/", evil.address),
        format!("http://127.0.0.1:1\\@{}/", evil.address),
        format!("http://localhost:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/".to_owned(),
        "https://169.254.169.254".to_owned(),
        "https://0xa9fea9fe/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://[::ffff:a9fe:a9fe]/".to_owned(),
        "http://169.254.170.2/v2/credentials".to_owned(),
        "https://api.vendor.com.".to_owned(),
        "ftp://127.0.0.1:1".to_owned(),
        "file:///etc/SENTINEL".to_owned(),
        "data:text/plain,SENTINEL".to_owned(),
        "gopher://127.0.0.1:1/_SENTINEL".to_owned(),
        "http://127.0.0.1:1/../../SENTINEL".to_owned(),
        "http://127.0.0.1:1?SENTINEL".to_owned(),
        "http://127.0.0.1:1\r\nx-evil: SENTINEL".to_owned(),
        "SENTINEL".to_owned(),
        String::new(),
    ] {
        let log = Log::start();
        let world = World::manual();
        let current = document(&address);
        for (step, result) in [
            (
                "create",
                world.create(&backend, TOKEN, &current, &[]).await.map(drop),
            ),
            ("test", world.test(&backend, &current).await),
            ("retire", world.retire(&backend, &current).await.map(drop)),
        ] {
            let (word, text) = outcome(&address, result, &log);
            let shown = address.replace("SENTINEL", "…").replace(['\r', '\n'], "␤");
            println!("| {shown} | {step} | {word} | {text} |");
            assert_eq!(word, "misconfigured", "{address}");
            assert!(text.contains(';'), "no remedy: {text}");
        }
        assert_eq!(world.admin_reads(), 0, "{address}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn values_in_templates() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let server = Server::start(move |asked| {
        let auth = asked.header("authorization").to_owned();
        let line = format!("{} {}", asked.method, asked.path);
        kept.lock()
            .unwrap()
            .push((line, asked.query.clone(), auth, asked.json()));
        match asked.method.as_str() {
            "GET" => reply(200, json!({"keys": [{"id": "by-hand", "label": "by hand"}]})),
            _ => reply(200, json!({"id": "2", "key": "made"})),
        }
    })
    .await;
    let described = description().list(rotation_http::Request::get(
        "/api-keys?account={secret.account_id}",
    ));
    let backend = backend(described, AdminAuth::bearer().token_at("/token"), &server.address);
    for hostile in [
        "../../admin",
        "7&all=true",
        "7?x=1#y",
        "7\r\nx-evil: 1",
        r#"7", "admin": true, "x": ""#,
        "{label}",
        "%2e%2e%2f",
        "\u{202e}7\0",
    ] {
        let log = Log::start();
        asked.lock().unwrap().clear();
        let world = World::new().with_secrets(Secrets);
        let current = from_json(json!({
            "api_endpoint": server.url(), "account_id": hostile, "api_key": KEY, "key_id": "by-hand",
        }));
        let made = world.create(&backend, TOKEN, &current, &[]).await.map(drop);
        let (word, text) = outcome(hostile, made, &log);
        println!("| account_id | {hostile:?} | {word} | {text} |");
        assert_eq!(word, "done", "{hostile:?}: {text}");
        let asked = asked.lock().unwrap();
        let [(list, query, ..), (create, _, _, body)] = asked.as_slice() else {
            panic!("{hostile:?}")
        };
        assert_eq!(
            (list.as_str(), create.as_str()),
            ("GET /api-keys", "POST /api-keys")
        );
        assert_eq!(query.len(), 1);
        assert_eq!(query["account"], hostile);
        assert_eq!(
            (&body["account_id"], body.as_object().unwrap().len()),
            (&Value::from(hostile), 2)
        );
    }
    for (name, hostile) in [
        ("api_key", "SENTINEL\r\nx-evil: 1"),
        ("api_key", "SENTINEL\0"),
        ("api_key", "SENTINEL\u{e9}"),
        ("key_id", ".."),
        ("key_id", "."),
    ] {
        let log = Log::start();
        asked.lock().unwrap().clear();
        let mut current = json!({
            "api_endpoint": server.url(), "account_id": "7", "api_key": KEY, "key_id": "by-hand",
        });
        current[name] = json!(hostile);
        let (world, current) = (World::new().with_secrets(Secrets), from_json(current));
        let result = match name {
            "api_key" => world.test(&backend, &current).await,
            _ => world.retire(&backend, &current).await.map(drop),
        };
        let (word, text) = outcome(name, result, &log);
        println!(
            "| {name} | {:?} | {word} | {text} |",
            hostile.replace("SENTINEL", "…")
        );
        assert_eq!(word, "misconfigured", "{name} {hostile:?}");
        assert!(asked.lock().unwrap().is_empty(), "nothing was sent");
    }
}
