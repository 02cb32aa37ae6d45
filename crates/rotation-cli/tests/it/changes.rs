//! The commands that change something, against the simulator's socket, with a backend and without.

use rotation_cli::Exit;
use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::model::Principal;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn rotate_waits_and_says_how_far_it_has_come() {
    let world = World::new().await;
    let first = world.key_secret();
    let _function = world.function();
    let ran = world
        .tool("rotate crm/key --wait --timeout 20 --yes --output json")
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

    let ran = world.own_tool("status crm/key --credentials --output json").await;
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
        let ran = run(&world.plain(), command, answers).await;
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
        let ran = world.tool(&format!("{command} crm/key --yes")).await;
        let ran = ran.ends(Exit::Attention);
        assert!(ran.err.contains("abandon crm/key"), "{}", ran.err);
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
    let ran = world
        .tool("abandon crm/key --output json --yes --timeout 1")
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
    world
        .tool("rotate crm/key --wait --timeout 20 --yes")
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
        let ran = run(&world.plain(), &format!("abandon crm/key {command}"), answers).await;
        let ran = ran.ends(Exit::Done);
        assert!(ran.out.contains("rotation is OFF"), "{}", ran.out);
        assert!(world.labels(&pending).is_empty());
        let ran = world
            .tool("status crm/key --output json")
            .await
            .ends(Exit::Attention);
        assert_eq!(ran.json()["state"], "off");
    }
    // Repeated, it has nothing to give up; only rotation is left to turn on.
    let ran = world
        .tool("abandon crm/key --yes --output json")
        .await
        .ends(Exit::Done);
    assert_eq!(ran.json()["outcome"], "nothing_pending");
    let ran = world
        .tool("abandon crm/key --yes --turn-on --output json --timeout 1")
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
        .deny(Principal::Operator, "UpdateSecretVersionStage");
    let ran = world.tool("abandon crm/key --yes").await.ends(Exit::Failed);
    assert!(
        ran.err
            .contains("rotation is OFF; repeat `rotation abandon crm/key --turn-on`"),
        "{}",
        ran.err
    );
    world
        .simulator
        .allow(Principal::Operator, "UpdateSecretVersionStage");
    let ran = world
        .tool("abandon crm/key --turn-on --yes --output json --timeout 1")
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
    let ran = run(&own, "abandon crm/key --yes", None)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("the AWSCURRENT credential does not work"),
        "{}",
        ran.err
    );
    let ran = world.tool("abandon crm/key --yes").await.ends(Exit::Attention);
    assert!(
        ran.err.contains("without a backend it cannot be proved"),
        "{}",
        ran.err
    );
    let ran = run(&own, "resume crm/key --here --yes --output json", None)
        .await
        .ends(Exit::Done);
    assert_eq!(ran.json()["outcome"], "rotated");
    assert_eq!(ran.json()["after"]["versions"][0]["id"], world.holder(AWSCURRENT));
    // And back to the password that has ended: not without proof. Nobody but the service takes this label off.
    let (operator, current) = (world.simulator.operator(), world.holder(AWSCURRENT));
    _ = operator.remove_label("crm/key", AWSPENDING, &current);
    let ran = run(&own, "rollback crm/key --yes", None)
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
        let ran = world
            .tool("resume crm/key --wait --timeout 2 --yes --output json")
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
    let ran = world
        .tool("status crm/key --output json")
        .await
        .ends(Exit::Attention);
    assert_eq!(ran.json()["state"], "blocked");
    let _function = world.function_of(PasswordBackend::new(target));
    let ran = run(&world.plain(), "resume crm/key --wait --output json", Some("y\n")).await;
    let ran = ran.ends(Exit::Done);
    assert!(ran.err.contains("it also turns rotation on again"), "{}", ran.err);
    assert_eq!(ran.json()["after"]["state"], "in_order");
}

#[tokio::test]
async fn resume_here_does_not_store_what_only_the_function_may() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    let ran = world
        .own_tool("resume crm/key --here --yes")
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("only the rotation function may store"),
        "{}",
        ran.err
    );
    let ran = world.tool("resume crm/key --here --yes").await.ends(Exit::Failed);
    assert!(ran.err.contains("this tool has none"), "{}", ran.err);
}

#[tokio::test]
async fn rollback_goes_back_only_to_what_is_proved_to_work() {
    let world = World::new().await;
    world.key_secret();
    let function = world.function();
    world
        .tool("rotate crm/key --wait --timeout 20 --yes")
        .await
        .ends(Exit::Done);
    world.settles().await;
    drop(function);
    let (new, old) = (world.holder(AWSCURRENT), world.holder(AWSPREVIOUS));

    let ran = world.tool("rollback crm/key --yes").await.ends(Exit::Attention);
    assert!(ran.err.contains("--without-proof"), "{}", ran.err);
    let ran = run(&world.own(), "rollback crm/key --output json", Some("y\n"))
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
    let ran = world
        .own_tool("rollback crm/key --yes")
        .await
        .ends(Exit::Attention);
    assert!(ran.err.contains("does not work"), "{}", ran.err);
    world
        .tool("rollback crm/key --without-proof --yes")
        .await
        .ends(Exit::Done);
    assert_eq!(world.holder(AWSCURRENT), new);
}

#[tokio::test]
async fn a_label_that_was_taken_off_is_told_though_rotation_was_not_turned_on() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    world.simulator.operator().cancel("crm/key").unwrap();
    world.simulator.deny(Principal::Operator, "RotateSecret");
    let ran = world
        .tool("abandon crm/key --turn-on --yes --output json")
        .await
        .ends(Exit::Failed);
    assert_eq!(ran.json()["error"]["kind"], "halfway");
    assert!(
        ran.err.contains("AWSPENDING was taken off, but then"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn an_abandoned_version_whose_password_the_target_knows_can_be_made_current() {
    let (world, target) = password_world().await;
    let (operator, abandoned) = (world.simulator.operator(), world.holder(AWSPENDING));
    let wrong = Login::new("app", "typed wrong").to_value();
    let current = operator.put("crm/key", wrong).unwrap();
    assert!(world.labels(&abandoned).is_empty());
    // As the runbook has it done.
    operator
        .move_label("crm/key", AWSCURRENT, &abandoned, &current)
        .unwrap();
    let value: Login = operator.value("crm/key", AWSCURRENT).unwrap().decode().unwrap();
    assert!(target.authenticates(&value));
}

#[tokio::test]
async fn where_nothing_may_be_given_up_abandon_does_not_say_that_it_is_done() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    let operator = world.simulator.operator();
    operator.make_managed("crm/key", "rds").unwrap();
    let ran = world.tool("abandon crm/key --yes").await.ends(Exit::Attention);
    assert!(ran.err.contains("managed by the service rds"), "{}", ran.err);
}
