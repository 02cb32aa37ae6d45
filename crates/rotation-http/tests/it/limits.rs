//! Lists by pages, the provider's limit, and when keys expire.

use std::time::Duration;

use http::StatusCode;
use rotation_core::ErrorClass;
use rotation_http::{AllowedHosts, ApiKeyDocument, HttpBackend, Paging, ProviderBuilder};
use rotation_test_servers::http::KeyProvider;
use serde_json::json;

use crate::support::{
    ADMIN_TOKEN, Log, OTHER_TOKEN, TOKEN, World, admin, description, document, force_always, from_json,
    without_list,
};

const BASE: &str = "https://api.vendor.com";

fn backend(description: ProviderBuilder, provider: &KeyProvider) -> HttpBackend<KeyProvider> {
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    let backend = HttpBackend::new(description.build().unwrap(), admin(), hosts).unwrap();
    backend.with_transport(provider.clone())
}

fn start(provider: KeyProvider) -> (KeyProvider, ApiKeyDocument) {
    let current = document(BASE, &provider.make_key("made by hand"));
    (provider, current)
}

#[tokio::test]
async fn an_orphan_on_the_last_page_is_found() {
    let (provider, current) = start(KeyProvider::new(ADMIN_TOKEN).with_pages(2));
    for label in ["a", "b", "c"] {
        _ = provider.make_key(label);
    }
    let (world, paged) = (
        World::new(),
        description().pages(Paging::cursor_at("/next", "cursor")),
    );
    let backend = backend(paged, &provider);
    world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap(); // key-5, on the third page
    world.clock.travel(Duration::from_secs(3600));
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(provider.revoked().into_iter().collect::<Vec<_>>(), ["key-5"]);
    let lists = provider.requests();
    assert_eq!(lists.iter().filter(|line| line.starts_with("GET")).count(), 2 + 3);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_list_and_no_key_is_made() {
    let (provider, current) = start(KeyProvider::new(ADMIN_TOKEN).with_pages(1));
    _ = provider.make_key("another");
    // The parameter is not known to this provider, so that every page is the first.
    let wrong = backend(description().pages(Paging::cursor_at("/next", "page")), &provider);
    let error = World::manual()
        .create(&wrong, TOKEN, &current, &[])
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(
        error.to_string().contains("two pages hold the same keys"),
        "{error}"
    );
    let numbered = backend(description().pages(Paging::numbered("page", 1)), &provider);
    let error = World::manual()
        .create(&numbered, TOKEN, &current, &[])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("two pages hold the same keys"),
        "{error}"
    );

    let right = backend(
        description().pages(Paging::cursor_at("/next", "cursor")),
        &provider,
    );
    provider.force_next("GET /api-keys", StatusCode::OK);
    let error = World::manual()
        .create(&right, TOKEN, &current, &[])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("/keys"),
        "a reply without the array: {error}"
    );
    assert_eq!(provider.alive().len(), 2);
}

#[tokio::test]
async fn a_limit_is_reported_with_the_ids_and_no_key_is_asked_for() {
    let (provider, current) = start(KeyProvider::new(ADMIN_TOKEN));
    let (world, backend) = (World::new(), backend(description().max_keys(2), &provider));
    world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap(); // key-2
    let error = world.create(&backend, TOKEN, &current, &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable, "its maker may be at work");
    assert!(
        error
            .to_string()
            .contains("(ids: key-1 (a version holds it), key-2)"),
        "{error}"
    );
    let error = world
        .create(&backend, TOKEN, &current, &[Some("key-2")])
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(
        error.to_string().contains(
            "allows 2 keys, and lists 2 (ids: key-1 (a version holds it), key-2 (a version holds it))"
        ),
        "{error}"
    );
    assert!(!error.to_string().contains("sk-"), "{error}");
    let made = provider.requests();
    assert_eq!(made.iter().filter(|line| line.starts_with("POST")).count(), 1);
    // An orphan makes room.
    world.clock.travel(Duration::from_secs(3600));
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(provider.alive().len(), 2);
}

#[tokio::test]
async fn a_limit_that_is_not_declared_is_guessed_at_by_the_refusal() {
    let (provider, current) = start(KeyProvider::new(ADMIN_TOKEN));
    _ = provider.make_key("of somebody else");
    provider.limit_keys_with(2, StatusCode::FORBIDDEN);
    let backend = backend(description(), &provider);
    let error = World::manual()
        .create(&backend, TOKEN, &current, &[])
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    let text = error.to_string();
    assert!(
        text.contains("403")
            && text.contains("2 keys that are listed (ids: key-1 (a version holds it), key-2)"),
        "{text}"
    );
}

#[tokio::test]
async fn where_nothing_finds_an_orphan_its_time_is_said_before_and_after() {
    for description in [without_list(), description().without_labels()] {
        let (provider, current) = start(KeyProvider::new(ADMIN_TOKEN));
        let backend = backend(description, &provider);
        let log = Log::start();
        World::manual()
            .create(&backend, TOKEN, &current, &[])
            .await
            .unwrap();
        let text = log.text();
        assert!(
            text.contains("at most one key is left behind") && text.contains("Thu, 01 Jan 2026 00:00:00 GMT"),
            "{text}"
        );
        let faults = rotation_testkit::Faults::new();
        faults.at_nth("POST /api-keys", 1, rotation_testkit::Fault::LoseResponse);
        let backend = backend.with_transport(provider.clone().with_faults(faults));
        let error = World::manual()
            .create(&backend, TOKEN, &current, &[])
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unavailable);
        assert!(
            error.to_string().contains("at Thu, 01 Jan 2026 00:00:00 GMT"),
            "{error}"
        );
        force_always(&provider, "POST /api-keys", 429);
        let error = World::manual()
            .create(&backend, TOKEN, &current, &[])
            .await
            .unwrap_err();
        assert!(!error.to_string().contains("may have been made"), "{error}");
    }
}

#[tokio::test]
async fn when_a_key_expires_stands_in_the_document() {
    let (provider, _) = start(KeyProvider::new(ADMIN_TOKEN));
    let current = from_json(json!({
        "api_endpoint": BASE, "account_id": 7, "api_key": "old", "until": "2025-01-01", "key_id": "key-1",
    }));
    let made = async |pointer: &str| {
        let described = description().expires_at(pointer).expiry_field("until");
        let made = World::manual()
            .create(&backend(described, &provider), TOKEN, &current, &[])
            .await;
        serde_json::to_value(made.unwrap()).unwrap()
    };
    let log = Log::start();
    assert!(
        made("/id").await.get("until").is_none(),
        "any text but a time may be a secret"
    );
    assert!(
        !log.text().contains("expires=") && log.text().contains("correct expires_at"),
        "{}",
        log.text()
    );
    assert!(
        made("/nowhere").await.get("until").is_none(),
        "the old key's time is not the new one's"
    );
    let log = Log::start();
    assert!(made("").await.get("until").is_none());
    assert!(log.text().contains("correct expires_at"), "{}", log.text());
}
