//! Each command against the simulator's socket, with a backend and without.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod support;

use rotation_cli::Exit;
use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretValue};
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::model::Principal;
use serde_json::{Value, json};
use support::*;

#[tokio::test]
async fn status_says_what_state_this_is_and_what_to_do_next() {
    let world = World::new().await;
    world.key_secret();
    let ran = run(&world.plain(), "rotation status crm/key", None)
        .await
        .ends(Exit::Done);
    for expected in [
        "state     never_rotated: ",
        "AWSCURRENT",
        "what readers get",
        "rotation rotate crm/key --wait",
    ] {
        assert!(ran.out.contains(expected), "{expected}: {}", ran.out);
    }
    let ran = run(&world.plain(), "rotation status crm/key --output json", None)
        .await
        .ends(Exit::Done);
    let status = ran.json();
    assert_eq!(status["state"], "never_rotated");
    assert_eq!(status["rotation"]["schedule"], "every 30 days");
    assert_eq!(status["rotation"]["function"], FUNCTION);
    assert_eq!(status["versions"][0]["labels"], json!([AWSCURRENT]));
    assert_eq!(status["versions"][0]["stored"], true);
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_an_error_of_one_line_or_one_object() {
    let world = World::new().await;
    let ran = run(&world.plain(), "rotation status nobody", None)
        .await
        .ends(Exit::Failed);
    assert_eq!(ran.out, "");
    assert_eq!(
        ran.err,
        "rotation: DescribeSecret: ResourceNotFoundException: Secrets Manager can't find the specified secret.; see \
         that the name, the Region and the account are right\n"
    );
    let ran = run(&world.plain(), "rotation --output json status nobody", None)
        .await
        .ends(Exit::Failed);
    assert_eq!(ran.json()["error"]["kind"], "service");
}

#[tokio::test]
async fn rotate_waits_and_says_how_far_it_has_come() {
    let world = World::new().await;
    let first = world.key_secret();
    let _function = world.function();
    let ran = run(
        &world.plain(),
        "rotation rotate crm/key --wait --timeout 20 --yes --output json",
        None,
    )
    .await;
    let ran = ran.ends(Exit::Done);
    let told = ran.json();
    assert_eq!(
        (&told["command"], &told["outcome"]),
        (&json!("rotate"), &json!("rotated"))
    );
    assert_eq!(told["after"]["state"], "in_order");
    assert!(ran.err.contains("s  AWSCURRENT"), "{}", ran.err);
    let current = world.holder(AWSCURRENT);
    assert!(told["says"].as_str().unwrap().contains(&current), "{told}");
    assert_ne!(current, world.holder(AWSPREVIOUS));
    // The version's id is the token that the tool sent.
    assert_eq!(current.len(), 36);
    assert!(world.keys.authenticates(&first));

    let ran = run(
        &world.own(),
        "rotation status crm/key --credentials --output json",
        None,
    )
    .await;
    let versions = ran.ends(Exit::Done).json()["versions"].clone();
    assert_eq!(
        (&versions[0]["credential"], &versions[1]["credential"]),
        (&json!("key-0002"), &json!("key-0001"))
    );
}

#[tokio::test]
async fn nothing_is_changed_unless_somebody_says_yes() {
    let world = World::new().await;
    world.key_secret();
    let pending = world.rotate("crm/key");
    for (command, answers, says) in [
        ("abandon crm/key", None, "confirm with --yes"),
        ("abandon crm/key", Some("n\n"), "not confirmed"),
        ("abandon crm/key", Some(""), "not confirmed"),
        ("resume crm/key", Some("yeah\n"), "not confirmed"),
        ("resume crm/key", None, "confirm with --yes"),
    ] {
        world.simulator.clear_calls();
        let ran = run(&world.plain(), &format!("rotation {command}"), answers).await;
        let ran = ran.ends(Exit::NotConfirmed);
        assert!(
            ran.err.contains(says) && ran.err.contains("nothing was changed"),
            "{}",
            ran.err
        );
        let written: Vec<&str> = world.simulator.calls().iter().map(|call| call.action).collect();
        assert_eq!(written, ["DescribeSecret", "ListSecretVersionIds"], "{command}");
    }
    assert_eq!(world.holder(AWSPENDING), pending);
}

#[tokio::test]
async fn a_rotation_that_is_not_complete_keeps_another_from_starting() {
    let world = World::new().await;
    world.key_secret();
    let pending = world.rotate("crm/key");
    for command in ["rotate", "rollback --without-proof"] {
        let ran = run(&world.plain(), &format!("rotation {command} crm/key --yes"), None).await;
        let ran = ran.ends(Exit::Attention);
        assert!(ran.err.contains("rotation abandon crm/key"), "{}", ran.err);
    }
    assert_eq!(world.holder(AWSPENDING), pending);
}

#[tokio::test]
async fn abandon_takes_the_label_off_and_turns_rotation_on_again_without_rotating() {
    let world = World::new().await;
    world.key_secret();
    let before = world.holder(AWSCURRENT);
    let pending = world.rotate("crm/key");
    world.simulator.clear_calls();
    let ran = run(
        &world.plain(),
        "rotation abandon crm/key --output json --yes --timeout 1",
        None,
    )
    .await
    .ends(Exit::Unfinished);
    assert_eq!(ran.json()["outcome"], "abandoned");
    assert!(world.labels(&pending).is_empty(), "{:?}", world.labels(&pending));
    assert_eq!(world.holder(AWSCURRENT), before);
    let written: Vec<&str> = world.simulator.calls().iter().map(|call| call.action).collect();
    let written: Vec<&str> = written
        .into_iter()
        .filter(|it| !it.starts_with("Desc") && !it.starts_with("List"))
        .collect();
    assert_eq!(
        written,
        ["CancelRotateSecret", "UpdateSecretVersionStage", "RotateSecret"]
    );
    let described = world.simulator.operator().describe("crm/key").unwrap();
    assert_eq!(described.rotation_enabled, Some(true));
    assert_eq!(
        described.rotation_rules.unwrap().automatically_after_days,
        Some(30)
    );

    // Its dry run runs, and the next rotation works.
    let _function = world.function();
    for _ in 0..200 {
        if world.holder(AWSPENDING) == "nobody" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    run(
        &world.plain(),
        "rotation rotate crm/key --wait --timeout 20 --yes",
        None,
    )
    .await
    .ends(Exit::Done);
}

#[tokio::test]
async fn abandon_leaves_rotation_off_where_it_is_told_to_and_says_so() {
    let world = World::new().await;
    world.key_secret();
    // By option, and by an answer.
    for (command, answers) in [("--leave-off --yes", None), ("", Some("y\nn\n"))] {
        let pending = world.rotate("crm/key");
        let ran = run(
            &world.plain(),
            &format!("rotation abandon crm/key {command}"),
            answers,
        )
        .await;
        let ran = ran.ends(Exit::Done);
        assert!(ran.out.contains("rotation is OFF"), "{}", ran.out);
        assert!(world.labels(&pending).is_empty());
        let ran = run(&world.plain(), "rotation status crm/key --output json", None)
            .await
            .ends(Exit::Attention);
        assert_eq!(ran.json()["state"], "off");
    }
    // Repeated, it has nothing to give up; only rotation is left to turn on.
    let ran = run(
        &world.plain(),
        "rotation abandon crm/key --yes --output json",
        None,
    )
    .await
    .ends(Exit::Done);
    assert_eq!(ran.json()["outcome"], "nothing_pending");
    let ran = run(
        &world.plain(),
        "rotation abandon crm/key --yes --turn-on --output json --timeout 1",
        None,
    )
    .await;
    assert_eq!(ran.ends(Exit::Unfinished).json()["outcome"], "turned_on");
    assert_eq!(
        world
            .simulator
            .operator()
            .describe("crm/key")
            .unwrap()
            .rotation_enabled,
        Some(true)
    );
}

#[tokio::test]
async fn abandon_that_stops_halfway_says_that_rotation_is_off() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    world
        .simulator
        .model()
        .deny(Principal::Operator, "UpdateSecretVersionStage");
    let ran = run(&world.plain(), "rotation abandon crm/key --yes", None)
        .await
        .ends(Exit::Failed);
    assert!(
        ran.err
            .contains("rotation is OFF; repeat `rotation abandon crm/key --turn-on`"),
        "{}",
        ran.err
    );
    world
        .simulator
        .model()
        .allow(Principal::Operator, "UpdateSecretVersionStage");
    let ran = run(
        &world.plain(),
        "rotation abandon crm/key --turn-on --yes --output json --timeout 1",
        None,
    )
    .await;
    let told = ran.ends(Exit::Unfinished).json();
    assert_eq!(
        (&told["outcome"], &told["after"]["rotation"]["enabled"]),
        (&json!("abandoned"), &json!(true))
    );
}

/// A single user whose password was set in the target, and then the function failed.
async fn password_world() -> (World, PasswordTarget) {
    let world = World::new().await;
    let first = Login::new("app", SENTINEL);
    let target = PasswordTarget::new(first.clone(), world.simulator.faults());
    world.secret("crm/key", first.to_value());
    world.set_up("crm/key");
    let function = world.function_of(PasswordBackend::new(target.clone()));
    world
        .simulator
        .faults()
        .at_nth("UpdateSecretVersionStage", 1, rotation_testkit::Fault::Deny);
    world.rotate("crm/key");
    function.failed(1).await;
    assert!(!target.authenticates(&first));
    (world, target)
}

#[tokio::test]
async fn the_only_credential_that_works_is_not_given_up() {
    let (world, target) = password_world().await;
    let own = world.plain().backend(PasswordBackend::new(target));
    let ran = run(&own, "rotation abandon crm/key --yes", None)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("the AWSCURRENT credential does not work"),
        "{}",
        ran.err
    );
    let ran = run(&world.plain(), "rotation abandon crm/key --yes", None)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("without a backend it cannot be proved"),
        "{}",
        ran.err
    );
    let ran = run(&own, "rotation resume crm/key --here --yes --output json", None)
        .await
        .ends(Exit::Done);
    assert_eq!(ran.json()["outcome"], "rotated");
    assert_eq!(ran.json()["after"]["versions"][0]["id"], world.holder(AWSCURRENT));
    // And back to the password that has ended: not without proof.
    let ran = run(&own, "rotation rollback crm/key --yes", None)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("the previous credential does not work"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn resume_has_the_service_go_on_with_the_same_version() {
    for goes_on in [true, false] {
        let (world, target) = password_world().await;
        world
            .simulator
            .configure(|options| options.goes_on_at_same_token = goes_on);
        let _function = world.function_of(PasswordBackend::new(target));
        let pending = world.holder(AWSPENDING);
        let ran = run(
            &world.plain(),
            "rotation resume crm/key --wait --timeout 2 --yes --output json",
            None,
        )
        .await;
        let (exit, outcome) = match goes_on {
            true => (Exit::Done, "rotated"),
            false => (Exit::Unfinished, "not_finished"), // the replay comes in an hour
        };
        assert_eq!(ran.ends(exit).json()["outcome"], outcome);
        assert_eq!(world.labels(&pending) == [AWSCURRENT], goes_on);
    }
}

#[tokio::test]
async fn resume_turns_a_rotation_on_that_was_cancelled() {
    let (world, target) = password_world().await;
    world
        .simulator
        .configure(|options| options.goes_on_at_same_token = true);
    world.simulator.operator().cancel("crm/key").unwrap();
    let ran = run(&world.plain(), "rotation status crm/key --output json", None)
        .await
        .ends(Exit::Attention);
    assert_eq!(ran.json()["state"], "blocked");
    let _function = world.function_of(PasswordBackend::new(target));
    let ran = run(
        &world.plain(),
        "rotation resume crm/key --wait --output json",
        Some("y\n"),
    )
    .await;
    let ran = ran.ends(Exit::Done);
    assert!(
        ran.err.contains("this also turns rotation on again"),
        "{}",
        ran.err
    );
    assert_eq!(ran.json()["after"]["state"], "in_order");
}

#[tokio::test]
async fn resume_here_does_not_store_what_only_the_function_may() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    let ran = run(&world.own(), "rotation resume crm/key --here --yes", None)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("only the rotation function may store"),
        "{}",
        ran.err
    );
    let ran = run(&world.plain(), "rotation resume crm/key --here --yes", None)
        .await
        .ends(Exit::Failed);
    assert!(ran.err.contains("this tool has none"), "{}", ran.err);
}

#[tokio::test]
async fn rollback_goes_back_only_to_what_is_proved_to_work() {
    let world = World::new().await;
    world.key_secret();
    let function = world.function();
    run(
        &world.plain(),
        "rotation rotate crm/key --wait --timeout 20 --yes",
        None,
    )
    .await
    .ends(Exit::Done);
    drop(function);
    let (new, old) = (world.holder(AWSCURRENT), world.holder(AWSPREVIOUS));

    let ran = run(&world.plain(), "rotation rollback crm/key --yes", None)
        .await
        .ends(Exit::Attention);
    assert!(ran.err.contains("--without-proof"), "{}", ran.err);
    let ran = run(
        &world.own(),
        "rotation rollback crm/key --output json",
        Some("y\n"),
    )
    .await
    .ends(Exit::Done);
    assert!(ran.err.contains("the previous credential works"), "{}", ran.err);
    assert_eq!(
        (world.holder(AWSCURRENT), world.holder(AWSPREVIOUS)),
        (old.clone(), new.clone())
    );
    let swap = world
        .simulator
        .calls()
        .into_iter()
        .rfind(|call| call.action == "UpdateSecretVersionStage");
    assert_eq!(swap.unwrap().remove_from.unwrap(), new); // a compare-and-swap

    // The way back is open as long as that key lives; without proof anything goes.
    world.keys.set_down(true);
    let ran = run(&world.own(), "rotation rollback crm/key --yes", None)
        .await
        .ends(Exit::Attention);
    assert!(ran.err.contains("does not work"), "{}", ran.err);
    run(
        &world.plain(),
        "rotation rollback crm/key --without-proof --yes",
        None,
    )
    .await
    .ends(Exit::Done);
    assert_eq!(world.holder(AWSCURRENT), new);
}

#[tokio::test]
async fn check_proves_the_credential_and_follows_the_link() {
    let world = World::new().await;
    world.key_secret();
    let ran = run(&world.own(), "rotation check crm/key --output json", None)
        .await
        .ends(Exit::Done);
    let results = |told: &Value| -> Vec<(String, String)> {
        let findings = told["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        findings
            .map(|it| (text(&it["check"]), text(&it["result"])))
            .collect()
    };
    let told = ran.json();
    assert_eq!(told["passed"], true);
    assert!(results(&told).iter().all(|(_, result)| result == "ok"), "{told}");
    assert!(results(&told).iter().any(|(check, _)| check == "proof"), "{told}");

    let rows = [
        (
            json!({"masterarn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:gone-abc123"}),
            "can't find",
        ),
        (json!({"masterarn": "crm/master"}), "must be the ARN"),
        (json!({"masterarn": null}), "must be the ARN"),
    ];
    for (number, (document, says)) in rows.into_iter().enumerate() {
        let name = format!("app-{number}");
        world.secret(&name, SecretValue::text(document.to_string()));
        let ran = run(&world.plain(), &format!("rotation check {name}"), None)
            .await
            .ends(Exit::Attention);
        assert!(
            ran.out.contains("FAILED") && ran.out.contains(says),
            "{}",
            ran.out
        );
    }
    let master = SecretValue::text(json!({"username": "root", "password": SENTINEL}).to_string());
    let master = world
        .simulator
        .operator()
        .create_secret("master", master)
        .unwrap();
    world.secret(
        "app",
        SecretValue::text(json!({"masterarn": master, "password": SENTINEL}).to_string()),
    );
    let ran = run(&world.plain(), "rotation check app", None)
        .await
        .ends(Exit::Done);
    assert!(
        ran.out.contains(&format!("masterarn: {master} can be read")),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn check_finds_a_credential_that_does_not_work_and_a_value_that_is_none() {
    let world = World::new().await;
    world.key_secret();
    world.keys.set_down(true);
    let ran = run(&world.own(), "rotation check crm/key", None)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.out
            .contains("the AWSCURRENT credential does not work from here"),
        "{}",
        ran.out
    );
    for (value, says) in [
        (
            json!({"key": SENTINEL}).to_string(),
            "the key \"key_id\" is missing",
        ),
        (format!(r#"{{"key": "{SENTINEL}""#), "is not a JSON object"),
    ] {
        world
            .simulator
            .operator()
            .put("crm/key", SecretValue::text(value))
            .unwrap();
        let ran = run(&world.own(), "rotation check crm/key", None)
            .await
            .ends(Exit::Attention);
        assert!(ran.out.contains(says), "{}", ran.out);
    }
    world.simulator.model().deny(Principal::Operator, "kms:Decrypt");
    let ran = run(&world.own(), "rotation check crm/key", None)
        .await
        .ends(Exit::Attention);
    assert!(ran.out.contains("the KMS key"), "{}", ran.out);
}

#[tokio::test]
async fn a_backend_is_chosen_by_its_name() {
    let world = World::new().await;
    world.key_secret();
    let login = PasswordTarget::new(Login::new("app", SENTINEL), world.simulator.faults());
    let two = world.own().backend(PasswordBackend::new(login));
    let ran = run(&two, "rotation check crm/key", None).await.ends(Exit::Failed);
    assert!(
        ran.err.contains("--backend: minted-keys, password"),
        "{}",
        ran.err
    );
    run(&two, "rotation check crm/key --backend minted-keys", None)
        .await
        .ends(Exit::Done);
    let ran = run(&two, "rotation check crm/key --backend password", None)
        .await
        .ends(Exit::Attention);
    assert!(ran.out.contains("the key \"username\" is missing"), "{}", ran.out);
    let ran = run(&two, "rotation check crm/key --backend ldap", None)
        .await
        .ends(Exit::Failed);
    assert!(
        ran.err.contains("--backend is one of minted-keys, password"),
        "{}",
        ran.err
    );
}
