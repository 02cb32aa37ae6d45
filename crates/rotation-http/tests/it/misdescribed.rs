//! Descriptions that point at the wrong place, and lists that do not tell: no key is printed, none in use is
//! overwritten, and none that works is called gone.

use std::future::{Ready, ready};
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use rotation_core::{ErrorClass, Retirement};
use rotation_http::{AllowedHosts, ApiKeyDocument, HttpBackend, Paging, Provider, ProviderBuilder, Request};
use rotation_test_servers::http::KeyProvider;
use serde_json::{Value, json};

use crate::support::*;

type Answer = fn(&http::Request<Bytes>) -> (u16, Value);

/// Answers every request by a function.
#[derive(Clone)]
struct Fake {
    answer: Answer,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn new(answer: Answer) -> Self {
        let asked = Arc::default();
        Self { answer, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl tower_service::Service<http::Request<Bytes>> for Fake {
    type Response = http::Response<Bytes>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Bytes>) -> Self::Future {
        let line = format!("{} {}", request.method(), request.uri().path_and_query().unwrap());
        self.asked.lock().unwrap().push(line);
        let (status, body) = (self.answer)(&request);
        let mut response = http::Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status.try_into().unwrap();
        if status == 429 {
            response
                .headers_mut()
                .insert("retry-after", http::HeaderValue::from_static("3600"));
        }
        ready(Ok(response))
    }
}

fn hosts() -> AllowedHosts {
    AllowedHosts::new(["api.vendor.com"]).unwrap()
}

fn backend(description: ProviderBuilder, fake: &Fake) -> HttpBackend<Fake> {
    let backend = HttpBackend::new(description.build().unwrap(), admin(), hosts()).unwrap();
    backend.with_transport(fake.clone())
}

fn current() -> ApiKeyDocument {
    document(
        "https://api.vendor.com",
        &("k-0".into(), "the-current-key".into()),
    )
}

const SECRET: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// The support's provider without labels.
fn unlabelled() -> ProviderBuilder {
    Provider::builder()
        .base_url("{secret.api_endpoint}")
        .create(Request::post("/api-keys"))
        .key_at("/key")
        .id_at("/id")
        .list(Request::get("/api-keys"))
        .items_at("/keys")
        .without_labels()
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/api-keys/{id}"))
}

/// A reply with a secret in more than one place, and a list that shows the current key.
fn made(request: &http::Request<Bytes>) -> (u16, Value) {
    match request.method().as_str() {
        "GET" => (200, json!({"keys": [{"id": "k-0", "label": "by hand"}]})),
        "POST" => (
            201,
            json!({"id": "k-1", "key": SECRET, "signing": "e41d8cd98f00b204e9800998ecf8427e",
                   "self": format!("https://api.vendor.com/keys/{SECRET}"), "pin": 1_234_567_890_123_456_u64}),
        ),
        _ => (404, json!({})),
    }
}

#[tokio::test]
async fn a_pointer_to_the_wrong_place_prints_no_secret() {
    let rows: [(&str, ProviderBuilder); 4] = [
        (
            "no key, and the key for an id",
            description().key_at("/secret").id_at("/key"),
        ),
        ("an id that has the key in it", description().id_at("/self")),
        ("another secret for a time", description().expires_at("/signing")),
        ("a number for a time", description().expires_at("/pin")),
    ];
    for (row, description) in rows {
        let log = Log::start();
        let fake = Fake::new(made);
        let result = World::manual()
            .create(&backend(description, &fake), TOKEN, &current(), &[])
            .await;
        let printed = format!("{} {:?}", log.text(), result.err());
        for secret in [SECRET, "e41d8cd98f00b204e9800998ecf8427e", "1234567890123456"] {
            assert!(!printed.contains(secret), "{row}: {printed}");
        }
    }
}

#[tokio::test]
async fn a_time_is_kept_as_it_was_said() {
    let fake = Fake::new(|request| match request.method().as_str() {
        "GET" => (200, json!({"keys": [{"id": "k-0", "label": "by hand"}]})),
        _ => (
            201,
            json!({"id": "k-1", "key": SECRET, "text": "2027-01-01T00:00:00Z", "epoch": 1_798_761_600}),
        ),
    });
    for (pointer, expected) in [
        ("/text", json!("2027-01-01T00:00:00Z")),
        ("/epoch", json!(1_798_761_600)),
    ] {
        let backend = backend(description().expires_at(pointer), &fake);
        let made = World::manual()
            .create(&backend, TOKEN, &current(), &[])
            .await
            .unwrap();
        let made = serde_json::to_value(made).unwrap();
        assert_eq!(made["expires_at"], expected);
    }
}

/// Other people's keys where the ids should be.
#[tokio::test]
async fn ids_are_printed_only_where_the_current_one_is_among_them() {
    let fake = Fake::new(|_| {
        (
            200,
            json!({"keys": [{"key": SECRET}, {"key": "e41d8cd98f00b204e9800998ecf8427e"}]}),
        )
    });
    let description = unlabelled().item_id_at("/key").max_keys(2);
    let log = Log::start();
    let error = World::manual()
        .create(&backend(description, &fake), TOKEN, &current(), &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("lists 2 (ids: not printed"), "{error}");
    assert!(!format!("{error}{}", log.text()).contains("d41d8c"), "{error}");
}

/// Nothing that was not sent is reported as sent, and it is not called passing.
#[tokio::test]
async fn what_was_not_sent_is_not_said_to_have_been() {
    let fake = Fake::new(made);
    let backend = backend(without_list(), &fake);
    let lacking =
        from_json(json!({"api_endpoint": "https://api.vendor.com", "api_key": "a", "key_id": "k-0"}));
    let elsewhere = document("https://evil.example", &("k-0".into(), "a".into()));
    for document in [lacking, elsewhere] {
        let error = World::manual()
            .create(&backend, TOKEN, &document, &[])
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Misconfigured, "{error}");
        assert!(!error.to_string().contains("was sent"), "{error}");
    }
    assert!(fake.asked().is_empty());
}

/// Some providers answer 404 for the page after the last. A listing that begins is there.
#[tokio::test]
async fn a_page_that_is_not_there_ends_the_list_and_does_not_unmake_it() {
    let fake = Fake::new(|request| match request.method().as_str() {
        "GET" if request.uri().query() == Some("page=1") => {
            (200, json!({"keys": [{"id": "k-0", "label": "by hand"}]}))
        }
        "GET" => (404, json!({"detail": "Invalid page."})),
        _ => (201, json!({"id": "k-1", "key": "new"})),
    });
    let listed = || Request::get("/api-keys");
    for description in [description(), description().list_where_supported(listed())] {
        let log = Log::start();
        let backend = backend(description.pages(Paging::numbered("page", 1)), &fake);
        World::manual()
            .create(&backend, TOKEN, &current(), &[])
            .await
            .unwrap();
        assert!(!log.text().contains("has no listing"), "{}", log.text());
    }
    let fake = Fake::new(|request| match request.uri().query() {
        None => (
            200,
            json!({"keys": [{"id": "k-0", "label": "by hand"}], "next": "two"}),
        ),
        Some(_) => (404, json!({})),
    });
    let description = description()
        .list_where_supported(listed())
        .pages(Paging::cursor_at("/next", "page"));
    let error = World::manual()
        .create(&backend(description, &fake), TOKEN, &current(), &[])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("a page after the first is not there"),
        "{error}"
    );
}

/// A pending value by hand, with the id of the key that is in use.
#[tokio::test]
async fn an_upload_never_goes_to_an_id_that_this_rotation_did_not_make() {
    let fake = Fake::new(|_| (200, json!({})));
    let current = current();
    let pending = document("https://api.vendor.com", &("k-0".into(), "by hand".into()));
    let error = World::manual()
        .set(&backend(uploading("/id"), &fake), &pending, &current)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("take AWSPENDING off"), "{error}");
    assert!(fake.asked().is_empty(), "{:?}", fake.asked());
}

/// The provider has ids of its own, and its list does not tell.
#[tokio::test]
async fn an_uploaded_key_is_called_gone_only_by_a_list_that_would_show_it() {
    let provider = KeyProvider::new(ADMIN_TOKEN).with_own_ids();
    let first = provider.make_key("made by hand");
    let upload = HttpBackend::new(uploading("/label").build().unwrap(), admin(), hosts()).unwrap();
    let upload = upload.with_transport(provider.clone());
    let (world, current) = (World::manual(), document("https://api.vendor.com", &first));
    let made = world.create(&upload, TOKEN, &current, &[]).await.unwrap();
    world.set(&upload, &made, &current).await.unwrap();
    let lists: [Answer; 3] = [
        |_| (200, json!({"keys": []})),
        |_| (200, json!({"keys": [{"id": "41", "label": "by hand"}]})),
        |_| (404, json!({})),
    ];
    for list in lists {
        let description = uploading("/label").list_where_supported(Request::get("/api-keys"));
        let result = world
            .retire(&backend(description, &Fake::new(list)), &made)
            .await
            .unwrap();
        assert!(matches!(result, Retirement::Kept(_)), "{result}");
    }
    assert_eq!(world.retire(&upload, &made).await.unwrap(), Retirement::Retired);
    assert!(!provider.authenticates(&field(&made, "api_key")));
}

#[tokio::test]
async fn a_test_that_is_told_to_wait_says_how_long() {
    let fake = Fake::new(|_| (429, json!({})));
    let error = World::manual()
        .test(&backend(description(), &fake), &current())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("it asks to wait for 3600 s"),
        "{error}"
    );
}
