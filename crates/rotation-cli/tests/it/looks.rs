//! `status` and `check` against the simulator's socket, with a backend and without.

use rotation_cli::Exit;
use rotation_core::{AWSCURRENT, SecretValue};
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::model::Principal;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn status_says_what_state_this_is_and_what_to_do_next() {
    let world = World::new().await;
    world.key_secret();
    let ran = world.tool("status crm/key").await.ends(Exit::Done);
    for expected in [
        "state     never_rotated: ",
        "AWSCURRENT",
        "what readers get",
        "rotate crm/key --wait",
    ] {
        assert!(ran.out.contains(expected), "{expected}: {}", ran.out);
    }
    let ran = world.tool("status crm/key --output json").await.ends(Exit::Done);
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
    let ran = world.tool("status nobody").await.ends(Exit::Failed);
    assert_eq!(ran.out, "");
    assert_eq!(
        ran.err,
        "rotation: DescribeSecret: ResourceNotFoundException: Secrets Manager can't find the specified secret.; see \
         that the name, the Region and the account are right\n"
    );
    let ran = world.tool("--output json status nobody").await.ends(Exit::Failed);
    assert_eq!(ran.json()["error"]["kind"], "service");
}

#[tokio::test]
async fn check_proves_the_credential_and_follows_the_link() {
    let world = World::new().await;
    world.key_secret();
    let ran = world
        .own_tool("check crm/key --output json")
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
        let ran = world.tool(&format!("check {name}")).await.ends(Exit::Attention);
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
    let ran = world.tool("check app").await.ends(Exit::Done);
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
    let ran = world.own_tool("check crm/key").await.ends(Exit::Attention);
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
        let ran = world.own_tool("check crm/key").await.ends(Exit::Attention);
        assert!(ran.out.contains(says), "{}", ran.out);
    }
    world.simulator.deny(Principal::Operator, "kms:Decrypt");
    let ran = world.own_tool("check crm/key").await.ends(Exit::Attention);
    assert!(ran.out.contains("the KMS key"), "{}", ran.out);
}

#[tokio::test]
async fn a_backend_is_chosen_by_its_name() {
    let world = World::new().await;
    world.key_secret();
    let login = PasswordTarget::new(Login::new("app", SENTINEL), world.simulator.faults());
    let two = world.own().backend(PasswordBackend::new(login));
    let ran = run(&two, "check crm/key", None).await.ends(Exit::Failed);
    assert!(
        ran.err.contains("--backend: minted-keys, password"),
        "{}",
        ran.err
    );
    run(&two, "check crm/key --backend minted-keys", None)
        .await
        .ends(Exit::Done);
    let ran = run(&two, "check crm/key --backend password", None)
        .await
        .ends(Exit::Attention);
    assert!(ran.out.contains("the key \"username\" is missing"), "{}", ran.out);
    let ran = run(&two, "check crm/key --backend ldap", None)
        .await
        .ends(Exit::Failed);
    assert!(
        ran.err.contains("--backend is one of minted-keys, password"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn an_advice_names_the_place_that_was_asked() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    world.simulator.skip(10 * MINUTE);
    // The client is the test's own, whatever the options say.
    let ran = world
        .tool("status crm/key --region us-east-1 --profile ops")
        .await
        .ends(Exit::Attention);
    for command in [
        "rotation resume crm/key --region us-east-1 --profile ops --wait",
        "rotation abandon crm/key --region us-east-1 --profile ops",
        "'\"step failed\"' --region us-east-1 --profile ops",
    ] {
        assert!(ran.out.contains(command), "{command}: {}", ran.out);
    }
    let ran = world
        .tool("rotate crm/key --region us-east-1 --yes")
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("`rotation abandon crm/key --region us-east-1`"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn an_arn_of_another_region_is_told_as_one() {
    let world = World::new().await;
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:crm/key-9756ce";
    let ran = world.tool(&format!("status {arn}")).await.ends(Exit::Failed);
    assert!(ran.err.contains("give --region us-east-1"), "{}", ran.err);
    let arn = arn.replace("us-east-1", "eu-west-1");
    let ran = world.tool(&format!("status {arn}")).await.ends(Exit::Failed);
    assert!(!ran.err.contains("--region"), "{}", ran.err);
}
