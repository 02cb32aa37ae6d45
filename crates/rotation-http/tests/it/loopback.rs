//! The backend against a provider on a real socket, by the real client.

use std::time::Duration;

use http::StatusCode;
use rotation_core::{CredentialBackend, ErrorClass, Retire, Retirement};
use rotation_http::ApiKeyDocument;
use rotation_test_servers::http::{KeyProvider, KeyServer};
use rotation_testkit::{Fault, Faults};
use serde_json::json;

use crate::support::{
    ADMIN_TOKEN, Log, OTHER_TOKEN, TOKEN, World, backend, document, field, force_always, from_json,
};

const HOUR: Duration = Duration::from_secs(3600);

/// A provider with one key, `key-1`, that the current document holds.
async fn start() -> (KeyProvider, KeyServer, ApiKeyDocument, rotation_http::HttpBackend) {
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let first = provider.make_key("made by hand");
    let server = provider.serve().await.unwrap();
    let current = document(&server.base_url(), &first);
    let backend = backend(server.address());
    (provider, server, current, backend)
}

fn alive(provider: &KeyProvider) -> Vec<String> {
    provider.alive().into_iter().map(|key| key.id).collect()
}

#[tokio::test]
async fn a_key_is_created_verified_and_revoked() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(backend.id(&made).as_deref(), Some("key-2"));
    assert!(provider.authenticates(&field(&made, "api_key")));
    assert_eq!(field(&made, "note"), "mine");
    world.test(&backend, &made).await.unwrap();
    world.test(&backend, &current).await.unwrap();
    assert_eq!(world.admin_reads(), 1); // once for all requests of createSecret
    assert_eq!(world.retire(&backend, &made).await.unwrap(), Retirement::Retired);
    assert_eq!(
        world.retire(&backend, &made).await.unwrap(),
        Retirement::AlreadyGone
    );
    assert_eq!(world.admin_reads(), 3);
    assert_eq!(
        provider.requests(),
        [
            "GET /api-keys 200",
            "POST /api-keys 201",
            "GET /health 200",
            "GET /health 200",
            "DELETE /api-keys/{id} 204",
            "DELETE /api-keys/{id} 404",
        ]
    );
}

#[tokio::test]
async fn labels_are_ours_and_name_no_secret() {
    let (provider, _server, current, backend) = start().await;
    World::new().create(&backend, TOKEN, &current, &[]).await.unwrap();
    let label = &provider.alive()[1].label;
    assert!(label.starts_with("rotation-") && label.len() < 63, "{label}");
    assert!(!label.contains("crm") && !label.contains(TOKEN), "{label}");
}

#[tokio::test]
async fn orphans_of_this_token_and_of_another_are_revoked() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap();
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    world.clock.travel(HOUR);
    let log = Log::start();
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(alive(&provider), ["key-1", "key-4"]);
    let text = log.text();
    assert!(text.contains("key-2") && text.contains("key-3"), "{text}");
}

#[tokio::test]
async fn a_maker_in_time_is_left_alone() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    for token in [OTHER_TOKEN, TOKEN, TOKEN] {
        world.create(&backend, token, &current, &[]).await.unwrap();
    }
    // One minute of work, and less than a minute of margin.
    world.clock.travel(Duration::from_secs(110));
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(alive(&provider), ["key-1", "key-2", "key-3", "key-4", "key-5"]);
}

#[tokio::test]
async fn live_keys_and_foreign_labels_are_untouched() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap(); // key-2, held by a version
    let ours = provider.alive()[1].label.clone();
    for foreign in [
        "",
        "rotation",
        "rotation-of-the-crew",
        &format!("{ours} "),
        &ours.replace("rotation", "Rotation"),
    ] {
        _ = provider.make_key(foreign);
    }
    let before = alive(&provider);
    world.clock.travel(HOUR);
    world
        .create(&backend, TOKEN, &current, &[Some("key-2")])
        .await
        .unwrap();
    assert_eq!(alive(&provider)[..before.len()], before);
}

#[tokio::test]
async fn where_a_version_is_not_identified_only_this_tokens_orphans_are_revoked() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap(); // key-2
    world.create(&backend, TOKEN, &current, &[]).await.unwrap(); // key-3
    world.clock.travel(HOUR);
    world.create(&backend, TOKEN, &current, &[None]).await.unwrap();
    assert_eq!(alive(&provider), ["key-1", "key-2", "key-4"]);
}

#[tokio::test]
async fn a_secret_without_a_key_id_rotates_and_its_key_is_kept() {
    let (_provider, server, _, backend) = start().await;
    let current =
        from_json(serde_json::json!({"api_endpoint": server.base_url(), "account_id": "7", "api_key": "x"}));
    let world = World::new();
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(backend.id(&made).as_deref(), Some("key-2"));
    assert_eq!(
        world.retire(&backend, &current).await.unwrap(),
        Retirement::kept("no key id")
    );
}

#[tokio::test]
async fn a_new_key_is_waited_for() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    provider.delay_propagation(2);
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    let log = Log::start();
    world.test(&backend, &made).await.unwrap();
    assert!(log.text().contains("tries=3"), "{}", log.text());
}

#[tokio::test]
async fn no_key_is_made_with_too_little_time() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new().with_time(Duration::from_secs(4));
    let error = world.create(&backend, TOKEN, &current, &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert_eq!(provider.requests(), ["GET /api-keys 200"]);
}

#[tokio::test]
async fn a_secret_without_a_key_cannot_be_tested_and_says_so() {
    let (provider, server, _, backend) = start().await;
    let empty = from_json(serde_json::json!({"api_endpoint": server.base_url(), "api_key": ""}));
    let error = World::new().test(&backend, &empty).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(error.to_string().contains("api_key"), "{error}");
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn half_of_the_time_left_is_not_waited_away() {
    let (_provider, server, _, backend) = start().await;
    let wrong = document(&server.base_url(), &("key-1".to_owned(), "wrong".to_owned()));
    let world = World::new().with_time(Duration::from_secs(2));
    let started = std::time::Instant::now();
    world.test(&backend, &wrong).await.unwrap_err();
    assert!(
        started.elapsed() < Duration::from_millis(1500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_key_that_does_not_work_is_unavailable_and_never_rejected() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    provider.delay_propagation(1000);
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    let backend = backend.with_verify_limit(Duration::from_secs(1));
    let error = world.test(&backend, &made).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    let text = error.to_string();
    assert!(
        text.contains("GET /health") && text.contains("times") && text.contains("401"),
        "{text}"
    );
}

#[tokio::test]
async fn a_lost_reply_leaves_a_key_that_the_next_run_finds() {
    let (provider, _, current, _) = start().await;
    let faults = Faults::new();
    let server = provider
        .clone()
        .with_faults(faults.clone())
        .serve()
        .await
        .unwrap();
    let backend = backend(server.address());
    let current = document(
        &server.base_url(),
        &("key-1".to_owned(), field(&current, "api_key")),
    );
    let world = World::new();
    faults.at_nth("POST /api-keys", 1, Fault::LoseResponse);
    let error = world.create(&backend, TOKEN, &current, &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert!(faults.all_struck());
    // Sent once: neither the client nor the backend tried again.
    let creations = provider
        .requests()
        .iter()
        .filter(|request| request.starts_with("POST"))
        .count();
    assert_eq!((creations, alive(&provider).len()), (1, 2));
    world.clock.travel(HOUR);
    world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap();
    assert_eq!(alive(&provider), ["key-1", "key-3"]);
}

#[tokio::test]
async fn a_limit_that_other_tries_use_up_passes_by_itself() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    provider.limit_keys(2);
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    for (status, class) in [
        (StatusCode::CONFLICT, ErrorClass::Unavailable),
        (StatusCode::FORBIDDEN, ErrorClass::Unavailable),
        (StatusCode::UNAUTHORIZED, ErrorClass::Misconfigured),
    ] {
        provider.limit_keys_with(2, status);
        let error = world.create(&backend, TOKEN, &current, &[]).await.unwrap_err();
        assert_eq!(error.class(), class, "{status}");
        let named = error.to_string().contains("key-2");
        assert_eq!(named, class == ErrorClass::Unavailable, "{error}");
    }
    provider.limit_keys(2);
    world.clock.travel(HOUR);
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(alive(&provider), ["key-1", "key-3"]);
    // With nobody at work, a person has to raise the limit or make room.
    let error = world
        .create(&backend, TOKEN, &current, &[Some("key-3")])
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
}

#[tokio::test]
async fn a_replaced_admin_token_is_read_anew() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    provider.replace_admin_token("another");
    let error = world.create(&backend, TOKEN, &current, &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    provider.replace_admin_token(ADMIN_TOKEN);
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert_eq!(world.admin_reads(), 2);
}

#[tokio::test]
async fn a_key_that_falls_off_and_cannot_be_ended_does_not_block_later_rotations() {
    let (provider, _server, current, backend) = start().await;
    let world = World::new();
    let falls_off =
        async |document: &ApiKeyDocument| world.retire_for(&backend, document, Retire::FallingOff).await;
    let elsewhere =
        from_json(json!({"api_endpoint": "https://moved.example", "api_key": "k", "key_id": "7"}));
    let kept = falls_off(&elsewhere).await.unwrap();
    assert!(kept.to_string().contains("allowed host"), "{kept}");
    assert_eq!(provider.requests(), [""; 0]);
    for status in [400, 409, 422] {
        provider.force_next("DELETE /api-keys/{id}", StatusCode::from_u16(status).unwrap());
        let kept = falls_off(&current).await.unwrap();
        assert!(kept.to_string().contains("by hand"), "{kept}");
    }
    for status in [401, 403, 500] {
        force_always(&provider, "DELETE /api-keys/{id}", status);
        falls_off(&current).await.unwrap_err();
        provider.forget_forced();
    }
    assert_eq!(falls_off(&current).await.unwrap(), Retirement::Retired);
}
