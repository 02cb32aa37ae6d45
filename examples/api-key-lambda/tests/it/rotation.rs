//! Rotations by the built function, under a Lambda Runtime API and over the wire.

use std::collections::BTreeSet;

use rotation_test_servers::http::{KeyInfo, KeyProvider};
use rotation_testkit::Fault;
use serde_json::{Value, json};

use crate::support::{ADMIN_TOKEN, Scene, Setting};

#[tokio::test]
async fn rotate_secret_moves_the_labels_and_the_new_key_works() {
    let scene = Scene::new().await;
    let token = scene.rotate().await;
    scene.succeeded(&token).await;
    let document = scene.current().await;
    let key = document["api_key"].as_str().unwrap();
    assert!(key != scene.first_key && scene.provider.authenticates(key));
    assert!(
        scene.provider.authenticates(&scene.first_key),
        "the first key has its grace"
    );
    assert_eq!(
        (&document["account_id"], &document["note"]),
        (&json!("7"), &json!("sentinel-note"))
    );
    assert_eq!(scene.function.cold_starts(), 1, "four steps in one process");

    let second = scene.rotate().await;
    scene.succeeded(&second).await;
    assert_eq!(scene.labels(&token).await, ["AWSPREVIOUS"]);
    assert!(
        !scene.provider.authenticates(&scene.first_key),
        "it lost its last label"
    );
    assert_eq!(scene.provider.alive().len(), 2);
}

#[tokio::test]
async fn each_step_is_one_line_with_metrics() {
    let scene = Scene::new().await;
    let token = scene.rotate().await;
    scene.succeeded(&token).await;
    let lines = scene.closing_lines();
    let outcomes: Vec<_> = lines
        .iter()
        .map(|line| [&line["step"], &line["outcome"]])
        .collect();
    let expected = [
        ["createSecret", "created"],
        ["setSecret", "nothing_to_set"],
        ["testSecret", "tested"],
        ["finishSecret", "promoted"],
    ];
    assert_eq!(outcomes, expected);
    let mut metrics = BTreeSet::new();
    for line in lines {
        assert_eq!(
            (&line["message"], &line["level"]),
            (&json!("step done"), &json!("INFO"))
        );
        assert_eq!(
            (&line["secret"], &line["version"]),
            (&json!(scene.arn), &json!(token))
        );
        assert!(
            line["duration_ms"].is_u64() && line["request_id"].is_string(),
            "{line}"
        );
        assert_eq!((&line["succeeded"], &line["failed"]), (&json!(1), &json!(0)));
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            directive["Dimensions"],
            json!([["backend", "step"], ["backend", "outcome"]])
        );
        assert_eq!(directive["Namespace"], "SecretRotation");
        for dimensions in directive["Dimensions"].as_array().unwrap() {
            let values = dimensions.as_array().unwrap().iter();
            let values = values.map(|name| format!("{name}={}", line[name.as_str().unwrap()]));
            let values = values.collect::<Vec<_>>().join(" ");
            for metric in directive["Metrics"].as_array().unwrap() {
                metrics.insert(format!("{values} {}", metric["Name"]));
            }
        }
    }
    // What CloudWatch charges for.
    let manual = include_str!("../../../../docs/costs.md");
    assert!(
        manual.contains(&format!("feeds {} custom metrics", metrics.len())),
        "{metrics:#?}"
    );
}

#[tokio::test]
async fn the_admin_token_comes_from_another_secret() {
    let setting = Setting {
        function: Box::new(|function| function.env("ADMIN_SECRET_ARN", "admin")),
        ..Setting::default()
    };
    let scene = Scene::with(setting).await;
    let admin = scene
        .operator
        .create_secret()
        .name("admin")
        .secret_string(ADMIN_TOKEN);
    admin.send().await.unwrap();
    let token = scene.rotate().await;
    scene.succeeded(&token).await;
    assert!(scene.current_works().await);
}

#[tokio::test]
async fn a_first_key_without_an_id_is_kept_and_reported() {
    let scene = Scene::with(Setting {
        with_id: false,
        ..Setting::default()
    })
    .await;
    for _ in 0..2 {
        let token = scene.rotate().await;
        scene.succeeded(&token).await;
        assert!(
            scene.current().await["key_id"].is_string(),
            "the new key has its id"
        );
    }
    assert!(scene.provider.authenticates(&scene.first_key));
    let output = scene.function.output();
    let reported = |line: &str| line.contains(r#""level":"WARN""#) && line.contains("without an id");
    assert_eq!(
        output.lines().filter(|line| reported(line)).count(),
        1,
        "{output}"
    );
}

/// The provider of the article: it makes keys and takes them, and that is all.
#[tokio::test]
async fn a_provider_that_only_makes_keys_is_rotated_too() {
    let bare = KeyProvider::new(ADMIN_TOKEN).without_ids();
    let not_found = 404.try_into().unwrap();
    let provider = bare.without_listing(not_found).without_revoking(not_found);
    let scene = Scene::with(Setting {
        provider,
        with_id: false,
        ..Setting::default()
    })
    .await;
    for _ in 0..3 {
        let before = scene.current().await;
        let token = scene.rotate().await;
        scene.succeeded(&token).await;
        let after = scene.current().await;
        assert!(after["api_key"] != before["api_key"] && scene.current_works().await);
        assert!(after.get("key_id").is_none_or(Value::is_null));
    }
}

#[tokio::test]
async fn a_dry_run_tests_the_current_key_and_changes_nothing() {
    let scene = Scene::new().await;
    let before = scene.current().await;
    let rotate = scene
        .operator
        .rotate_secret()
        .secret_id(&scene.arn)
        .rotate_immediately(false);
    let rotated = rotate
        .rotation_lambda_arn(scene.function.arn())
        .send()
        .await
        .unwrap();
    scene
        .record("TestRotationSucceeded", &rotated.version_id.unwrap())
        .await;
    assert_eq!(scene.current().await, before);
    assert_eq!(scene.provider.requests(), ["GET /health 200"]);
}

/// The variable of AWS's templates, where the SDK's own is not set.
#[tokio::test]
async fn the_templates_endpoint_is_honoured() {
    let setting = Setting {
        endpoint_variable: "SECRETS_MANAGER_ENDPOINT",
        ..Setting::default()
    };
    let scene = Scene::with(setting).await;
    let token = scene.rotate().await;
    scene.succeeded(&token).await;
}

/// A try that hangs is given up after five seconds, well within the function's time, and repeated.
#[tokio::test]
async fn a_call_that_hangs_is_tried_again() {
    let scene = Scene::new().await;
    scene.simulator.faults().at_nth("DescribeSecret", 1, Fault::Hang);
    let token = scene.rotate().await;
    scene.succeeded(&token).await;
    let failed = |record: &Value| record["eventName"] == "RotationFailed";
    assert!(!scene.server.cloudtrail_events().iter().any(failed));
}

/// Each effect in turn is the last thing that the process does, or the last that it does not do.
#[tokio::test]
async fn killed_at_every_effect_the_rotation_goes_on_and_the_current_key_works() {
    let calm = Scene::new().await;
    calm.succeeded(&calm.rotate().await).await;
    let effects = calm.simulator.faults().passages().len();
    assert!(effects >= 12, "{effects}");
    drop(calm);
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for effect in 1..=effects {
            killed_at(effect, fault).await;
        }
    }
}

async fn killed_at(effect: usize, fault: Fault) {
    let scene = Scene::new().await;
    scene.simulator.faults().at(effect, fault);
    let token = scene.rotate().await;
    let failed = scene.record("RotationFailed", &token).await;
    assert!(scene.current_works().await, "{fault:?} at {effect}");
    assert!(
        failed["errorMessage"]
            .as_str()
            .unwrap()
            .contains("Error when executing lambda"),
        "{failed}"
    );
    scene.succeeded(&token).await;
    assert!(scene.current_works().await, "{fault:?} at {effect}");
    assert!(scene.simulator.faults().all_struck(), "{fault:?} at {effect}");
    assert!(
        scene.function.cold_starts() >= 2,
        "the process that was killed did not come back"
    );
    // The maker of a lost key may still be about to store it, by the clock of this very minute: the key
    // is left to a later rotation, which finds it by its label.
    let held = [scene.current().await["key_id"].clone(), json!(first_id(&scene))];
    let lost: Vec<_> = scene
        .provider
        .alive()
        .into_iter()
        .filter(|key| !held.contains(&json!(key.id)))
        .collect();
    assert!(
        lost.len() <= 1 && lost.iter().all(|key| !key.label.is_empty()),
        "{fault:?} at {effect}: {lost:?}"
    );
}

fn first_id(scene: &Scene) -> String {
    let by_hand = |key: &KeyInfo| key.label == "made by hand";
    scene
        .provider
        .alive()
        .into_iter()
        .find(by_hand)
        .map(|key| key.id)
        .unwrap()
}
