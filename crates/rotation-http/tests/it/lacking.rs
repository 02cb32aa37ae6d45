//! Providers that lack key ids, a list or revocation, declared as such: what is made, kept and said.

use std::time::Duration;

use http::StatusCode;
use rotation_core::{
    AWSCURRENT, AWSPREVIOUS, CredentialBackend, ErrorClass, Grace, Retire, Retirement, RotationErrorKind,
    StillLive,
};
use rotation_http::{AllowedHosts, ApiKeyDocument, HttpBackend, ProviderBuilder, Request};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::{Fault, StepResult};
use serde_json::json;

use crate::support::scene::{REMAINING, Scene};
use crate::support::{
    ADMIN_TOKEN, Log, OTHER_TOKEN, TOKEN, World, admin, description, document, force_always, from_json,
};

const HOUR: Duration = Duration::from_secs(3600);
const BASE: &str = "https://api.vendor.com";
const UNKNOWN: [StatusCode; 3] = [
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_IMPLEMENTED,
];

/// A description of a provider that may lack anything.
fn lenient() -> ProviderBuilder {
    description()
        .id_where_given("/id")
        .list_where_supported(Request::get("/api-keys"))
        .revoke_where_supported(Request::delete("/api-keys/{id}"))
}

fn backend(description: ProviderBuilder, provider: &KeyProvider) -> HttpBackend<KeyProvider> {
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    HttpBackend::new(description.build().unwrap(), admin(), hosts)
        .unwrap()
        .with_transport(provider.clone())
}

/// The provider's first key, made by hand, in a document with its id.
fn first(provider: &KeyProvider) -> ApiKeyDocument {
    document(BASE, &provider.make_key("made by hand"))
}

fn alive(provider: &KeyProvider) -> Vec<String> {
    provider.alive().into_iter().map(|key| key.id).collect()
}

#[tokio::test]
async fn a_key_without_an_id_takes_the_old_id_with_it() {
    let provider = KeyProvider::new(ADMIN_TOKEN)
        .without_ids()
        .without_listing(StatusCode::NOT_FOUND);
    let (world, backend, current) = (World::new(), backend(lenient(), &provider), first(&provider));
    let log = Log::start();
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    let json = serde_json::to_value(&made).unwrap();
    assert_eq!((json.get("key_id"), &json["note"]), (None, &json!("mine")));
    let key = json["api_key"].as_str().unwrap();
    assert!(provider.authenticates(key) && json != serde_json::to_value(&current).unwrap());
    assert_eq!(backend.id(&made), None);
    let text = log.text();
    assert!(text.contains("never revoked") && !text.contains(key), "{text}");

    let log = Log::start();
    let kept = world
        .retire_for(&backend, &made, Retire::NotStored)
        .await
        .unwrap();
    assert_eq!(kept, Retirement::kept("no key id"));
    assert!(log.text().contains("goes on working"), "{}", log.text());
    assert!(provider.revoked().is_empty());
}

#[tokio::test]
async fn an_id_that_is_null_or_cannot_be_used_is_none() {
    for id in [json!(null), json!(""), json!({"a": 1}), json!(1.5)] {
        let document = from_json(json!({"api_endpoint": BASE, "api_key": "k", "key_id": id}));
        let provider = KeyProvider::new(ADMIN_TOKEN);
        assert_eq!(backend(lenient(), &provider).id(&document), None, "{id}");
    }
}

#[tokio::test]
async fn what_was_not_declared_is_not_forgiven() {
    let no_listing = || KeyProvider::new(ADMIN_TOKEN).without_listing(StatusCode::NOT_FOUND);
    let list = || Request::get("/api-keys");
    // In the second of each pair, the last call says what holds.
    for (provider, description, named) in [
        (
            no_listing().without_ids(),
            description().list_where_supported(list()),
            "no key id",
        ),
        (no_listing().without_ids(), lenient().id_at("/id"), "no key id"),
        (no_listing(), description().id_where_given("/id"), "404"),
        (no_listing(), lenient().list(list()), "404"),
    ] {
        let current = first(&provider);
        let error = World::new()
            .create(&backend(description, &provider), TOKEN, &current, &[])
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Misconfigured, "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
    let provider = KeyProvider::new(ADMIN_TOKEN).without_revoking(StatusCode::METHOD_NOT_ALLOWED);
    let current = first(&provider);
    for description in [description(), lenient().revoke(Request::delete("/api-keys/{id}"))] {
        let retired = World::new()
            .retire(&backend(description, &provider), &current)
            .await;
        assert_eq!(retired.unwrap_err().class(), ErrorClass::Misconfigured);
    }
}

#[tokio::test]
async fn a_missing_list_is_warned_of_once_and_every_other_failure_of_it_stops() {
    for status in UNKNOWN {
        let provider = KeyProvider::new(ADMIN_TOKEN).without_listing(status);
        let current = first(&provider);
        let log = Log::start();
        World::new()
            .create(&backend(lenient(), &provider), TOKEN, &current, &[])
            .await
            .unwrap();
        let text = log.text();
        assert_eq!(text.matches("no listing").count(), 1, "{text}");
        let said = [
            "at most one",
            "time of creation",
            &format!("status={}", status.as_u16()),
        ];
        assert!(said.iter().all(|part| text.contains(part)), "{text}");
    }
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let current = first(&provider);
    for (status, class) in [
        (400, ErrorClass::Misconfigured),
        (401, ErrorClass::Misconfigured),
        (403, ErrorClass::Misconfigured),
        (410, ErrorClass::Misconfigured),
        (302, ErrorClass::Misconfigured),
        (429, ErrorClass::Unavailable),
        (500, ErrorClass::Unavailable),
        (503, ErrorClass::Unavailable),
    ] {
        provider.forget_forced();
        force_always(&provider, "GET /api-keys", status);
        let made = World::manual()
            .create(&backend(lenient(), &provider), TOKEN, &current, &[])
            .await;
        assert_eq!(made.unwrap_err().class(), class, "{status}");
    }
    provider.forget_forced();
    assert_eq!(alive(&provider), ["key-1"]);
}

#[tokio::test]
async fn a_list_that_is_there_has_to_show_the_current_key_all_the_same() {
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let (_, key) = provider.make_key("made by hand");
    let current = document(BASE, &("key-of-another-account".to_owned(), key));
    let error = World::new()
        .create(&backend(lenient(), &provider), TOKEN, &current, &[])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("AWSCURRENT"), "{error}");
    assert_eq!(alive(&provider), ["key-1"]);
}

#[tokio::test]
async fn listed_keys_without_an_id_do_not_stop_the_rotation() {
    let provider = KeyProvider::new(ADMIN_TOKEN).without_ids();
    let (_, key) = provider.make_key("made by hand");
    let current = from_json(json!({"api_endpoint": BASE, "account_id": "7", "api_key": key}));
    let (world, backend) = (World::new(), backend(lenient(), &provider));
    world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap();
    world.clock.travel(HOUR);
    let log = Log::start();
    world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert!(log.text().contains("keys=1"), "{}", log.text());
    assert_eq!(alive(&provider), ["key-1", "key-2", "key-3"]);
}

#[tokio::test]
async fn a_key_that_cannot_be_revoked_is_kept_and_said_to_be() {
    for status in UNKNOWN {
        for listing in [true, false] {
            let mut provider = KeyProvider::new(ADMIN_TOKEN).without_revoking(status);
            if !listing {
                provider = provider.without_listing(StatusCode::NOT_FOUND);
            }
            let (current, backend) = (first(&provider), backend(lenient(), &provider));
            for why in [Retire::FallingOff, Retire::Superseded, Retire::NotStored] {
                let log = Log::start();
                let kept = World::new().retire_for(&backend, &current, why).await.unwrap();
                assert!(matches!(kept, Retirement::Kept(_)), "{status} {listing} {kept:?}");
                let text = log.text();
                assert!(
                    text.contains("key-1") && text.contains("goes on working"),
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_404_means_gone_only_where_a_list_shows_it() {
    let gone = StatusCode::NOT_FOUND;
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let (current, backend_of) = (first(&provider), |p: &KeyProvider| backend(lenient(), p));
    let world = World::manual();
    let retire = async |provider: &KeyProvider| world.retire(&backend_of(provider), &current).await;
    assert_eq!(retire(&provider).await.unwrap(), Retirement::Retired);
    let kept = retire(&provider).await.unwrap();
    assert!(
        matches!(kept, Retirement::Kept(_)),
        "an empty list proves nothing: {kept:?}"
    );
    _ = provider.make_key("another");
    assert_eq!(retire(&provider).await.unwrap(), Retirement::AlreadyGone);
    force_always(&provider, "GET /api-keys", 503);
    assert_eq!(
        retire(&provider).await.unwrap_err().class(),
        ErrorClass::Unavailable
    );
    provider.force_next("DELETE /api-keys/{id}", StatusCode::GONE);
    assert_eq!(retire(&provider).await.unwrap(), Retirement::AlreadyGone);
    for unsure in [provider.clone().without_ids(), provider.without_listing(gone)] {
        let kept = retire(&unsure).await.unwrap();
        assert!(matches!(kept, Retirement::Kept(_)), "{kept:?}");
    }
}

#[tokio::test]
async fn an_orphan_that_cannot_be_revoked_does_not_stop_the_rotation() {
    for status in UNKNOWN {
        let provider = KeyProvider::new(ADMIN_TOKEN).without_revoking(status);
        let (world, current, backend) = (World::new(), first(&provider), backend(lenient(), &provider));
        world.create(&backend, OTHER_TOKEN, &current, &[]).await.unwrap();
        world.clock.travel(HOUR);
        let log = Log::start();
        world.create(&backend, TOKEN, &current, &[]).await.unwrap();
        let text = log.text();
        assert!(text.contains("key-2") && text.contains("by hand"), "{text}");
        assert_eq!(alive(&provider), ["key-1", "key-2", "key-3"]);
    }
}

#[tokio::test]
async fn a_reply_with_the_key_in_use_and_no_id_is_refused() {
    let provider = KeyProvider::new(ADMIN_TOKEN);
    // What is read as the new key, the id that it gets, is the current one.
    let description = lenient().id_where_given("/nowhere").key_at("/id");
    let current = from_json(json!({"api_endpoint": BASE, "account_id": 7, "api_key": "key-1"}));
    let error = World::new()
        .create(&backend(description, &provider), TOKEN, &current, &[])
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(error.to_string().contains("in use already"), "{error}");
}

#[tokio::test]
async fn a_provider_that_lacks_everything_rotates_and_keeps_every_key() {
    let provider = KeyProvider::new(ADMIN_TOKEN)
        .without_ids()
        .without_listing(StatusCode::NOT_FOUND)
        .without_revoking(StatusCode::NOT_FOUND);
    let scene = Scene::at(
        Grace::UntilNextRotation,
        lenient(),
        provider,
        Some("from-the-article"),
    );
    for rotations in 1..=3 {
        scene.rotate().await;
        scene.simulator.skip(HOUR);
        assert_eq!(scene.key_id(AWSCURRENT), None);
        assert_eq!(scene.key_id(AWSPREVIOUS).is_some(), rotations == 1);
        assert_eq!(scene.alive().len(), 1 + rotations);
    }
    assert!(scene.provider.revoked().is_empty());
}

#[tokio::test]
async fn ids_that_come_late_are_used_from_then_on() {
    let scene = Scene::at(
        Grace::UntilNextRotation,
        lenient(),
        KeyProvider::new(ADMIN_TOKEN),
        None,
    );
    for _ in 0..3 {
        scene.rotate().await;
        scene.simulator.skip(HOUR);
    }
    // The first key had no id and is kept; the second fell off and was revoked.
    let alive: Vec<_> = scene.alive().into_iter().collect();
    assert_eq!(alive, ["key-1", "key-3", "key-4"]);
}

#[tokio::test]
async fn without_ids_no_grace_cannot_be_kept_and_finish_says_so() {
    let provider = KeyProvider::new(ADMIN_TOKEN).without_ids();
    let scene = Scene::at(Grace::None, lenient(), provider, None);
    let token = scene.simulator.operator().rotate(&scene.arn).unwrap();
    let run = scene.finish(|run| !run.result.is_done()).await.unwrap();
    let StepResult::Failed(error) = run.result else {
        panic!("{run:?}")
    };
    assert!(matches!(
        error.kind(),
        RotationErrorKind::SupersededStillLive {
            cause: StillLive::Unidentified
        }
    ));
    let labels = scene.simulator.labels(&scene.arn);
    assert_eq!(labels.version_with(AWSCURRENT), Some(token.as_str()));
    assert_eq!(scene.alive().len(), 2);
}

#[tokio::test]
async fn a_key_without_an_id_that_could_not_be_stored_is_reported() {
    let provider = KeyProvider::new(ADMIN_TOKEN).without_ids();
    let scene = Scene::at(Grace::UntilNextRotation, lenient(), provider, None);
    let log = Log::start();
    scene
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::Throttle);
    scene.simulator.operator().rotate(&scene.arn).unwrap();
    scene.simulator.step(&scene.rotator, REMAINING).await.unwrap();
    assert!(scene.simulator.faults().all_struck());
    let text = log.text();
    assert!(
        text.contains("made and not stored") && text.contains("it has no id"),
        "{text}"
    );
    assert_eq!(scene.alive().len(), 2);
    scene.finish(|_| false).await;
    assert!(scene.key_id(AWSCURRENT).is_none() && scene.alive().len() == 3);
    assert!(!log.text().contains("sk-") && !log.text().contains(ADMIN_TOKEN));
}
