//! What createSecret makes of lists and replies of every kind, before and after it makes a key.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use rotation_core::{BackendError, CredentialBackend, ErrorClass, Live, LiveIds, Outside, Step};
use rotation_http::{AllowedHosts, ApiKeyDocument, HttpBackend, ProviderBuilder};
use rotation_test_servers::http::{Answers, AtOnce};
use rotation_testkit::ManualClock;
use serde_json::{Value, json};

use crate::support::{ARN, Log, TOKEN, World, admin, description, from_json};

/// A provider of canned replies: to list, to create, and a status for revocations.
#[derive(Clone)]
struct Canned {
    list: String,
    create: String,
    revoke: StatusCode,
    received: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Canned {
    fn new(list: Value) -> Self {
        Self {
            list: list.to_string(),
            create: r#"{"id": "made", "key": "sk"}"#.to_owned(),
            revoke: StatusCode::NO_CONTENT,
            received: Arc::default(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let line = |request: &Request<Bytes>| format!("{} {}", request.method(), request.uri().path());
        received.iter().map(line).collect()
    }

    /// The label that the key was made with.
    fn label(&self) -> String {
        let received = self.received.lock().unwrap();
        let create = received
            .iter()
            .find(|request| request.method() == Method::POST)
            .unwrap();
        let body: Value = serde_json::from_slice(create.body()).unwrap();
        body["label"].as_str().unwrap().to_owned()
    }

    async fn create_in(&self, world: &World) -> Result<ApiKeyDocument, BackendError> {
        let backend = backend(description()).with_transport(AtOnce(self.clone()));
        world.create(&backend, TOKEN, &current(), &[]).await
    }

    async fn create(&self) -> Result<ApiKeyDocument, BackendError> {
        self.create_in(&World::manual()).await
    }
}

impl Answers for Canned {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (status, body) = match *request.method() {
            Method::DELETE => (self.revoke, String::new()),
            Method::POST => (StatusCode::CREATED, self.create.clone()),
            _ => (StatusCode::OK, self.list.clone()),
        };
        self.received.lock().unwrap().push(request);
        let mut reply = Response::new(Bytes::from(body));
        *reply.status_mut() = status;
        reply
    }
}

fn backend(description: ProviderBuilder) -> HttpBackend {
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    HttpBackend::new(description.build().unwrap(), admin(), hosts).unwrap()
}

fn current() -> ApiKeyDocument {
    from_json(
        json!({"api_endpoint": "https://api.vendor.com", "account_id": 7, "api_key": "sk-1", "key_id": "key-1"}),
    )
}

/// The label of a key of this secret whose maker is long out of time.
async fn old_label() -> String {
    let provider = Canned::new(json!({"keys": []}));
    provider.create().await.unwrap();
    let label = provider.label();
    format!("{}-1700000000", label.rsplit_once('-').unwrap().0)
}

fn shows_current() -> Value {
    json!({"id": "key-1", "label": "by hand"})
}

#[tokio::test]
async fn a_list_that_cannot_be_reconciled_with_is_refused_before_a_key_is_made() {
    let label = old_label().await;
    for (row, list, named) in [
        (
            "no id at the pointer",
            json!({"keys": [shows_current(), {"key": "key-2", "label": label}]}),
            "item_id_at",
        ),
        (
            "current on another page",
            json!({"keys": [{"id": "key-7", "label": "ci"}]}),
            "page limit",
        ),
        (
            "ids elsewhere",
            json!({"keys": [{"key": "key-1", "label": "ci"}]}),
            "item_id_at",
        ),
        (
            "label cut",
            json!({"keys": [{"id": "key-1", "label": label[..40]}]}),
            "item_label_at",
        ),
    ] {
        let provider = Canned::new(list);
        let error = provider.create().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Misconfigured, "{row}");
        let text = error.to_string();
        assert!(
            text.contains(named) && text.contains("GET /api-keys"),
            "{row}: {text}"
        );
        assert_eq!(provider.lines(), ["GET /api-keys"], "{row}");
    }
}

#[tokio::test]
async fn a_list_without_keys_or_without_labels_is_warned_of() {
    for (row, list, named) in [
        ("empty", json!({"keys": []}), "filter of the list"),
        ("null", json!({"keys": null}), "filter of the list"),
        (
            "no labels",
            json!({"keys": [{"id": "key-1", "label": null}]}),
            "item_label_at",
        ),
    ] {
        let log = Log::start();
        let provider = Canned::new(list);
        provider.create().await.unwrap();
        assert!(log.text().contains(named), "{row}: {}", log.text());
    }
    let log = Log::start();
    Canned::new(json!({"keys": [shows_current()]}))
        .create()
        .await
        .unwrap();
    assert_eq!(log.text(), "", "a first key made by hand is nothing to warn of");
}

#[tokio::test]
async fn an_orphan_that_cannot_be_revoked_stops_the_rotation_only_where_a_replay_or_a_person_helps() {
    let label = old_label().await;
    for (status, goes_on) in [
        (204, true),
        (404, true),
        (400, true),
        (409, true),
        (422, true),
        (401, false),
        (403, false),
        (408, false),
        (429, false),
        (503, false),
    ] {
        let log = Log::start();
        let mut provider = Canned::new(json!({"keys": [shows_current(), {"id": "orphan", "label": label}]}));
        provider.revoke = StatusCode::from_u16(status).unwrap();
        assert_eq!(provider.create().await.is_ok(), goes_on, "{status}");
        assert_eq!(provider.lines()[1], "DELETE /api-keys/orphan", "{status}");
        // A refusal that may pass is tried again, and the admin credential's is not.
        let requests = match status {
            _ if goes_on => 3,
            401 | 403 => 2,
            _ => 1 + crate::support::TRIES,
        };
        assert_eq!(provider.lines().len(), requests, "{status}");
        let text = log.text();
        let reported = text.contains("orphan") && text.contains("held by no labelled version");
        assert_eq!(reported, goes_on, "{status}: {text}");
        if matches!(status, 400 | 409 | 422) {
            assert!(text.contains(&format!("status={status}")), "{text}");
        }
    }
}

#[tokio::test]
async fn a_value_that_leaves_its_place_in_the_base_sends_nothing() {
    let description = description().base_url("https://api.vendor.com/tenants/{secret.tenant}/v1");
    for dots in ["..", ".", "%2e%2e"] {
        let provider = Canned::new(json!({"keys": []}));
        let backend = backend(description.clone()).with_transport(AtOnce(provider.clone()));
        let document =
            from_json(json!({"tenant": dots, "account_id": 7, "api_key": "sk-1", "key_id": "key-1"}));
        let world = World::new();
        for error in [
            world.create(&backend, TOKEN, &document, &[]).await.unwrap_err(),
            world.test(&backend, &document).await.unwrap_err(),
            world.retire(&backend, &document).await.unwrap_err(),
        ] {
            assert_eq!(error.class(), ErrorClass::Misconfigured, "{dots}");
        }
        assert_eq!((provider.lines().len(), world.admin_reads()), (0, 0), "{dots}");
    }
}

#[tokio::test]
async fn a_reply_to_create_has_to_hold_an_id_that_is_new_and_known_in_full() {
    for (row, reply, named) in [
        (
            "in use",
            r#"{"id": "key-1", "key": "sk"}"#,
            "in use already (key-1)",
        ),
        (
            "too large",
            r#"{"id": 123456789012345678901234, "key": "sk"}"#,
            "64 bits",
        ),
    ] {
        let mut provider = Canned::new(json!({"keys": [shows_current()]}));
        provider.create = reply.to_owned();
        let error = provider.create().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Misconfigured, "{row}");
        assert!(error.to_string().contains(named), "{row}: {error}");
        // The key in use is not revoked.
        assert_eq!(provider.lines(), ["GET /api-keys", "POST /api-keys"], "{row}");
    }
}

#[tokio::test]
async fn an_id_that_leaves_its_segment_is_not_said_to_be_the_secrets() {
    let document =
        from_json(json!({"api_endpoint": "https://api.vendor.com", "api_key": "sk-1", "key_id": ".."}));
    let provider = Canned::new(json!({"keys": []}));
    let backend = backend(description()).with_transport(AtOnce(provider.clone()));
    let error = World::new().retire(&backend, &document).await.unwrap_err();
    assert!(error.to_string().contains("provider's reply"), "{error}");
    assert!(provider.lines().is_empty());
}

#[tokio::test]
async fn a_label_says_fifteen_minutes_at_most() {
    for (time, seconds) in [(60, 60), (900, 900), (901, 900), (86400, 900)] {
        let provider = Canned::new(json!({"keys": []}));
        let world = World::new().with_time(Duration::from_secs(time));
        let now = |world: &World| {
            let now = rotation_core::Clock::now(&world.clock);
            now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
        };
        let before = now(&world);
        provider.create_in(&world).await.unwrap();
        let label = provider.label();
        let deadline: u64 = label.rsplit('-').next().unwrap().parse().unwrap();
        // Rounded up.
        assert!(
            (before + seconds..=now(&world) + seconds + 1).contains(&deadline),
            "{time}: {label}"
        );
    }
}

#[tokio::test]
async fn a_step_that_took_fifteen_minutes_makes_no_key() {
    for (minutes, makes) in [(14, true), (15, false)] {
        let (world, clock, provider) = (World::new(), ManualClock::new(), Canned::new(json!({"keys": []})));
        let outside = Outside::new(&clock).with_secrets(&world);
        let ctx = outside.context(ARN, TOKEN, Step::CreateSecret, Duration::from_secs(86400));
        clock.advance(Duration::from_secs(minutes * 60));
        let (current, ids) = (current(), LiveIds::new([Some("key-1".to_owned())]));
        let backend = backend(description()).with_transport(AtOnce(provider.clone()));
        let made = backend.create(&ctx, Live::new(&current, None, &ids)).await;
        assert_eq!(made.is_ok(), makes, "{minutes}");
        let class = made.err().map(|error| error.class());
        assert_eq!(class, (!makes).then_some(ErrorClass::Unavailable), "{minutes}");
        assert_eq!(provider.lines().len(), if makes { 2 } else { 1 }, "{minutes}");
    }
}

#[tokio::test]
async fn keys_that_are_described_as_ids_are_not_printed() {
    let log = Log::start();
    let mut provider = Canned::new(json!({"keys": [shows_current(), {"id": "sk-1", "label": "ci"}]}));
    let error = provider.create().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(error.to_string().contains("item_id_at"), "{error}");
    assert_eq!(provider.lines(), ["GET /api-keys"]);
    provider.list = json!({"keys": [shows_current()]}).to_string();
    provider.create = r#"{"id": "SENTINEL", "key": "SENTINEL"}"#.to_owned();
    let error = provider.create().await.unwrap_err();
    assert!(
        error.to_string().contains("id_at") && !error.to_string().contains("SENTINEL"),
        "{error}"
    );
    let said = format!("{error:?} {}", log.text());
    assert!(!said.contains("SENTINEL") && !said.contains("sk-1"), "{said}");
}
