//! Keys that are made here and uploaded in setSecret, and keys that are activated there.

use std::time::Duration;

use http::StatusCode;
use rotation_core::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, ErrorClass, Grace, Retire, Retirement, RotationErrorKind,
    SecretValue,
};
use rotation_http::{ApiKeyDocument, HttpBackend, ProviderBuilder, Request};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::{Fault, StepResult};
use serde_json::json;

use crate::support::scene::{REMAINING, Scene};
use crate::support::{ADMIN_TOKEN, Keys, Log, TOKEN, World, document, field, force_always, uploading};

const HOUR: Duration = Duration::from_secs(3600);
const UPLOAD: &str = "PUT /api-keys/{id}";
const ACTIVATE: &str = "POST /api-keys/{id}/activate";

fn backend(description: ProviderBuilder, provider: &KeyProvider) -> HttpBackend<KeyProvider> {
    let hosts = rotation_http::AllowedHosts::new(["api.vendor.com"]).unwrap();
    let backend = HttpBackend::new(description.build().unwrap(), crate::support::admin(), hosts).unwrap();
    backend.with_transport(provider.clone())
}

#[tokio::test]
async fn keys_follow_each_other_and_at_most_two_live() {
    for keys in Keys::ALL {
        let scene = Scene::of(keys, Grace::UntilNextRotation);
        let mut before = scene.document(AWSCURRENT).unwrap();
        for _ in 0..4 {
            scene.rotate().await;
            scene.simulator.skip(HOUR);
            let after = scene.document(AWSCURRENT).unwrap();
            assert!(after["api_key"] != before["api_key"] && after["key_id"] != before["key_id"]);
            assert_eq!(scene.document(AWSPREVIOUS).unwrap(), before);
            assert_eq!(scene.provider.alive().len(), 2, "{keys:?}");
            scene.check_settled("rotation");
            before = after;
        }
    }
}

#[tokio::test]
async fn a_key_is_stored_before_it_is_uploaded() {
    let scene = Scene::of(Keys::Uploaded, Grace::UntilNextRotation);
    scene.simulator.operator().rotate(&scene.arn).unwrap();
    scene.simulator.step(&scene.rotator, REMAINING).await.unwrap();
    let pending = scene.document(AWSPENDING).unwrap();
    let key = pending["api_key"].as_str().unwrap();
    assert_eq!(key.len(), 48);
    assert!(
        key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "letters and digits"
    );
    assert!(!scene.provider.authenticates(key), "stored, and not uploaded yet");
    assert_eq!(scene.provider.requests(), ["GET /api-keys 200"]);
    scene.simulator.step(&scene.rotator, REMAINING).await.unwrap();
    assert!(scene.provider.authenticates(key));
}

#[tokio::test]
async fn an_upload_that_is_repeated_is_not_made_twice() {
    let provider = Keys::Renamed.provider();
    let first = provider.make_key("made by hand");
    let backend = backend(Keys::Renamed.description(), &provider);
    let (world, current) = (World::manual(), document("https://api.vendor.com", &first));
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    for _ in 0..3 {
        world.set(&backend, &made, &current).await.unwrap();
    }
    let uploads = provider.requests();
    let uploads = uploads
        .iter()
        .filter(|request| request.starts_with("PUT"))
        .count();
    assert_eq!((uploads, provider.alive().len()), (1, 2));
}

#[tokio::test]
async fn a_key_that_was_not_stored_was_never_sent_and_one_that_was_is_revoked_whole() {
    for keys in [Keys::Uploaded, Keys::Renamed] {
        let provider = keys.provider();
        let first = provider.make_key("made by hand");
        let backend = backend(keys.description(), &provider);
        let (world, current) = (World::manual(), document("https://api.vendor.com", &first));
        let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
        let asked = provider.requests().len();
        let ended = world
            .retire_for(&backend, &made, Retire::NotStored)
            .await
            .unwrap();
        assert_eq!(
            (ended, provider.requests().len()),
            (Retirement::AlreadyGone, asked)
        );
        world.set(&backend, &made, &current).await.unwrap();
        if keys == Keys::Renamed {
            // As if an upload whose answer was lost had been taken twice.
            _ = provider.make_key(&field(&made, "key_id"));
        }
        assert_eq!(world.retire(&backend, &made).await.unwrap(), Retirement::Retired);
        match (keys, world.retire(&backend, &made).await.unwrap()) {
            (Keys::Uploaded, again) => assert_eq!(again, Retirement::AlreadyGone),
            // Nothing of this secret is listed any more, so the list proves nothing.
            (_, again) => assert!(matches!(again, Retirement::Kept(_)), "{again}"),
        }
        assert_eq!(provider.alive().len(), 1, "the first is untouched");
        assert_eq!(
            world.retire(&backend, &current).await.unwrap(),
            Retirement::Retired,
            "by its own id"
        );
    }
}

#[tokio::test]
async fn a_pending_value_that_means_another_target_is_not_sent_anywhere() {
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let first = provider.make_key("made by hand");
    let backend = backend(uploading("/id"), &provider);
    let (world, current) = (World::manual(), document("https://api.vendor.com", &first));
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    let asked = provider.requests().len();
    for (name, value) in [
        ("account_id", json!(8)),
        ("account_id", json!("7")),
        ("api_endpoint", json!("https://api.vendor.com/x")),
    ] {
        let mut other = serde_json::to_value(&made).unwrap();
        other[name] = value;
        let error = world
            .set(&backend, &crate::support::from_json(other), &current)
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Misconfigured);
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(provider.requests().len(), asked, "nothing was sent");
    // A field that no request uses is the team's own affair.
    let mut other = serde_json::to_value(&made).unwrap();
    other["note"] = json!("changed");
    world
        .set(&backend, &crate::support::from_json(other), &current)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_that_the_provider_never_takes_is_released_and_the_next_rotation_passes() {
    for status in [400, 413, 422] {
        let scene = Scene::of(Keys::Uploaded, Grace::UntilNextRotation);
        scene
            .provider
            .force_next(UPLOAD, StatusCode::from_u16(status).unwrap());
        scene.simulator.operator().rotate(&scene.arn).unwrap();
        let run = scene.finish(|run| !run.result.is_done()).await.unwrap();
        let StepResult::Failed(error) = &run.result else {
            panic!("{run:?}")
        };
        assert!(
            matches!(error.kind(), RotationErrorKind::PendingRejected { .. }),
            "{error:?}"
        );
        assert!(format!("{error:?}").contains(&status.to_string()), "{error:?}");
        assert_eq!(scene.document(AWSPENDING), None);
        scene.simulator.operator().cancel(&scene.arn).unwrap();
        scene.rotate().await;
        scene.check_settled("rejected");
    }
}

#[tokio::test]
async fn a_refusal_is_not_believed_where_the_key_works_or_nothing_can_be_told() {
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let first = provider.make_key("made by hand");
    let backend = backend(uploading("/id"), &provider);
    let (world, current) = (World::manual(), document("https://api.vendor.com", &first));
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    provider.force_next(UPLOAD, StatusCode::UNPROCESSABLE_ENTITY);
    for _ in 0..2 {
        provider.force_next("GET /health", StatusCode::SERVICE_UNAVAILABLE);
    }
    let error = world.set(&backend, &made, &current).await.unwrap_err();
    assert!(!error.is_rejected_unapplied(), "{error}");
    for (status, class) in [
        (401, ErrorClass::Misconfigured),
        (403, ErrorClass::Misconfigured),
        (404, ErrorClass::Misconfigured),
        (500, ErrorClass::Unavailable),
    ] {
        force_always(&provider, UPLOAD, status);
        let error = world.set(&backend, &made, &current).await.unwrap_err();
        assert_eq!(error.class(), class, "{status}");
        provider.forget_forced();
    }
    // The first look says 401, the upload 422, and the second look that the key works: a lost answer.
    world.set(&backend, &made, &current).await.unwrap();
    provider.force_next("GET /health", StatusCode::UNAUTHORIZED);
    provider.force_next(UPLOAD, StatusCode::UNPROCESSABLE_ENTITY);
    world.set(&backend, &made, &current).await.unwrap();
    provider.force_next("GET /health", StatusCode::UNAUTHORIZED);
    provider.force_next(UPLOAD, StatusCode::CONFLICT);
    world.set(&backend, &made, &current).await.unwrap();
}

#[tokio::test]
async fn a_key_of_a_rotation_that_was_given_up_is_found_by_the_next() {
    for keys in [Keys::Uploaded, Keys::Renamed] {
        let scene = Scene::of(keys, Grace::UntilNextRotation);
        scene
            .provider
            .force_next("GET /health", StatusCode::METHOD_NOT_ALLOWED);
        scene.simulator.faults().at_nth(UPLOAD, 1, Fault::CrashAfter);
        let token = scene.simulator.operator().rotate(&scene.arn).unwrap();
        scene.finish(|run| !run.result.is_done()).await;
        let operator = scene.simulator.operator();
        operator.cancel(&scene.arn).unwrap();
        operator.remove_label(&scene.arn, AWSPENDING, &token).unwrap();
        assert_eq!(scene.provider.alive().len(), 2, "{keys:?}");
        scene.simulator.skip(HOUR);
        let log = Log::start();
        scene.rotate().await;
        assert!(
            log.text().contains("held by no labelled version"),
            "{}",
            log.text()
        );
        scene.check_settled("given up");
    }
}

#[tokio::test]
async fn uploaded_keys_pushed_off_the_labels_by_an_operator_end_with_the_next_rotation() {
    for keys in Keys::ALL {
        let scene = Scene::of(keys, Grace::UntilNextRotation);
        scene.rotate().await;
        let operator = scene.simulator.operator();
        let ours = scene.document(AWSCURRENT).unwrap();
        for note in ["one", "two"] {
            let mut document = ours.clone();
            document["note"] = json!(note);
            let (id, key) = scene.provider.make_key("made by hand");
            scene.provider.activate(&id);
            document["key_id"] = json!(id);
            document["api_key"] = json!(key);
            operator
                .put(&scene.arn, SecretValue::text(document.to_string()))
                .unwrap();
        }
        scene.simulator.skip(HOUR);
        scene.rotate().await;
        let key = ours["api_key"].as_str().unwrap();
        assert!(
            !scene.provider.authenticates(key),
            "{keys:?}: ours, and held by no label"
        );
        assert_eq!(
            scene.provider.alive().len(),
            4 - 1,
            "{keys:?}: by hand, not ours to judge"
        );
    }
}

#[tokio::test]
async fn without_grace_the_superseded_key_ends_at_once() {
    for keys in Keys::ALL {
        let scene = Scene::of(keys, Grace::None);
        for _ in 0..2 {
            scene.rotate().await;
            assert_eq!(scene.provider.alive().len(), 1, "{keys:?}");
            scene.simulator.skip(HOUR);
        }
    }
}

#[tokio::test]
async fn an_activation_is_repeated_and_a_key_it_does_not_know_yet_is_waited_for() {
    let provider = Keys::Activated.provider();
    let first = provider.make_key("made by hand");
    let backend = backend(Keys::Activated.description(), &provider);
    let (world, current) = (World::manual(), document("https://api.vendor.com", &first));
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    assert!(!provider.authenticates(&field(&made, "api_key")));
    provider.force_next(ACTIVATE, StatusCode::NOT_FOUND);
    let error = world.set(&backend, &made, &current).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    provider.force_next(ACTIVATE, StatusCode::SERVICE_UNAVAILABLE);
    for _ in 0..2 {
        world.set(&backend, &made, &current).await.unwrap();
        assert!(provider.authenticates(&field(&made, "api_key")));
    }
    force_always(&provider, ACTIVATE, 403);
    let error = world.set(&backend, &made, &current).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
}

#[tokio::test]
async fn an_uploaded_key_may_need_activation_too() {
    let description = uploading("/id").activate(Request::post("/api-keys/{id}/activate"));
    let provider = KeyProvider::new(ADMIN_TOKEN).with_activation();
    let first = provider.make_key("made by hand");
    let backend = backend(description, &provider);
    let (world, current) = (World::manual(), document("https://api.vendor.com", &first));
    let made: ApiKeyDocument = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    world.set(&backend, &made, &current).await.unwrap();
    world.test(&backend, &made).await.unwrap();
}
