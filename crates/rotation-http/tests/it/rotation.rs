//! Whole rotations, in process: the framework, a simulated Secrets Manager, a provider of keys.

use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPREVIOUS, Grace, SecretValue};
use rotation_testkit::model::Principal;
use serde_json::json;

use crate::support::scene::{REMAINING, Scene};
use crate::support::{ADMIN_TOKEN, Log};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn keys_follow_each_other_and_at_most_two_live() {
    let scene = Scene::new(Grace::UntilNextRotation);
    for rotation in 1..=4 {
        let token = scene.rotate().await;
        scene.simulator.skip(HOUR);
        assert_eq!(
            scene.simulator.labels(&scene.arn).version_with(AWSCURRENT),
            Some(token.as_str())
        );
        assert_eq!(scene.key_id(AWSCURRENT), Some(format!("key-{}", rotation + 1)));
        assert_eq!(scene.key_id(AWSPREVIOUS), Some(format!("key-{rotation}")));
        scene.check_settled("rotation");
    }
    let document = scene.document(AWSCURRENT).unwrap();
    assert_eq!(
        (&document["account_id"], &document["api_endpoint"]),
        (&json!(7), &json!("https://api.vendor.com"))
    );
}

#[tokio::test]
async fn a_rotation_makes_thirteen_calls_to_secrets_manager() {
    let manual = include_str!("../../../../docs/costs.md");
    assert!(manual.contains("| `HttpBackend`, with an admin secret | 13 |"));
    let scene = Scene::new(Grace::UntilNextRotation);
    for rotation in 1..=3 {
        scene.simulator.clear_calls();
        let revoked = scene.provider.revoked().len();
        scene.rotate().await;
        let calls = scene.simulator.calls().into_iter();
        let calls = calls.filter(|call| call.principal == Principal::RotationFunction);
        // The admin secret among them; from the second rotation on, the previous key is retired.
        assert_eq!(calls.count(), 13, "rotation {rotation}");
        assert_eq!(
            scene.provider.revoked().len() - revoked,
            usize::from(rotation > 1)
        );
    }
}

#[tokio::test]
async fn without_grace_the_superseded_key_ends_at_once() {
    let scene = Scene::new(Grace::None);
    scene.rotate().await;
    assert_eq!(scene.alive().into_iter().collect::<Vec<_>>(), ["key-2"]);
}

#[tokio::test]
async fn a_dry_run_verifies_the_current_key_and_makes_none() {
    let scene = Scene::new(Grace::UntilNextRotation);
    scene.simulator.operator().dry_run(&scene.arn).unwrap();
    scene.simulator.run(&scene.rotator, REMAINING).await;
    assert_eq!(scene.provider.requests(), ["GET /health 200"]);
}

#[tokio::test]
async fn a_key_that_takes_its_time_is_waited_for() {
    let scene = Scene::new(Grace::UntilNextRotation);
    scene.provider.delay_propagation(5);
    let token = scene.rotate().await;
    assert_eq!(
        scene.simulator.labels(&scene.arn).version_with(AWSCURRENT),
        Some(token.as_str())
    );
}

#[tokio::test]
async fn keys_pushed_off_the_labels_by_an_operator_end_with_the_next_rotation() {
    let scene = Scene::new(Grace::UntilNextRotation);
    scene.rotate().await; // key-2 is current, key-1 previous
    let operator = scene.simulator.operator();
    let current = scene.document(AWSCURRENT).unwrap();
    for note in ["one", "two"] {
        let mut document = current.clone();
        document["note"] = json!(note);
        let (id, key) = scene.provider.make_key("made by hand");
        document["key_id"] = json!(id);
        document["api_key"] = json!(key);
        operator
            .put(&scene.arn, SecretValue::text(document.to_string()))
            .unwrap();
    }
    scene.simulator.skip(HOUR);
    scene.rotate().await;
    // key-2 was ours and is held by no labelled version; key-1 was made by hand, not ours to judge.
    let alive: Vec<_> = scene.alive().into_iter().collect();
    assert_eq!(alive, ["key-1", "key-4", "key-5"]);
}

#[tokio::test]
async fn no_secret_is_logged() {
    let log = Log::start();
    let scene = Scene::new(Grace::UntilNextRotation);
    scene.rotate().await;
    scene.rotate().await;
    let text = log.text();
    assert!(
        text.contains("http-api-key") && text.contains("tries=1"),
        "{text}"
    );
    assert!(!text.contains(ADMIN_TOKEN) && !text.contains("sk-"), "{text}");
}
