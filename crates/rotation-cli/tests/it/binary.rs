//! The binary `rotation`, as a person or a script starts it.

use std::path::PathBuf;
use std::process::Output;

use rotation_core::{AWSCURRENT, SecretValue};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{SENTINEL, World};

/// The binary in an environment of its own, with nothing but what is set here.
fn binary(world: &World) -> Command {
    let mut command = bare();
    command
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", world.server.endpoint_url())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAOPERATOR")
        .env("AWS_SECRET_ACCESS_KEY", "of no use");
    command
}

fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rotation"));
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("RUST_LOG", "trace")
        .stdin(std::process::Stdio::null());
    command
}

async fn run(command: &mut Command, line: &str) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.args(line.split_whitespace()).output().await.unwrap();
    let (out, err) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    );
    for printed in [&out, &err] {
        assert!(!printed.contains(SENTINEL), "{printed}");
        assert!(
            !printed.contains("TRACE") && !printed.contains("DEBUG"),
            "{printed}"
        );
    }
    (status.code().unwrap(), out, err)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_started_watched_and_rolled_back() {
    let world = World::new().await;
    world.key_secret();
    let _function = world.function();
    let (code, out, err) = run(
        &mut binary(&world),
        "rotate crm/key --wait --timeout 30 --yes --output json",
    )
    .await;
    assert_eq!(code, 0, "{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&told["outcome"], &told["after"]["state"]),
        (&json!("rotated"), &json!("in_order"))
    );
    let current = world.holder(AWSCURRENT);
    assert_eq!(told["after"]["versions"][0]["id"], current);
    assert_eq!(current.as_bytes()[14], b'4', "{current} is a random UUID");

    world.settles().await;
    let (code, out, _) = run(&mut binary(&world), "status crm/key").await;
    assert_eq!(code, 0);
    assert!(out.contains("state     in_order: "), "{out}");
    let (code, _, err) = run(&mut binary(&world), "rollback crm/key --without-proof").await;
    assert_eq!(code, 5, "{err}");
    assert_eq!(world.holder(AWSCURRENT), current);
    let (code, _, err) = run(&mut binary(&world), "rollback crm/key --without-proof --yes").await;
    assert_eq!(code, 0, "{err}");
    assert_ne!(world.holder(AWSCURRENT), current);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_prints_a_value_whatever_rust_log_says() {
    let world = World::new().await;
    world.secret(
        "crm/key",
        SecretValue::text(json!({"password": SENTINEL}).to_string()),
    );
    world.set_up("crm/key");
    world.rotate("crm/key");
    // run() looks for the sentinel.
    for (line, code) in [
        ("status crm/key", 0),
        ("status crm/key --output json", 0),
        ("check crm/key", 0),
        ("check crm/key --output json", 0),
        ("rotate crm/key --yes", 3),
        ("resume crm/key --yes", 0),
        ("resume crm/key --here --yes", 1),
        ("rollback crm/key --yes", 3),
        ("abandon crm/key --yes --timeout 1", 4),
        ("status crm/key --credentials", 1),
    ] {
        let (ended, out, err) = run(&mut binary(&world), line).await;
        assert_eq!(ended, code, "{line}\n{out}\n{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_the_region_and_the_profile_are_options() {
    let world = World::new().await;
    world.key_secret();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("home-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let credentials = folder.join("credentials");
    std::fs::write(
        &credentials,
        "[ops]\naws_access_key_id = AKIAOPERATOR\naws_secret_access_key = of no use\n",
    )
    .unwrap();
    let config = folder.join("config");
    std::fs::write(&config, "[profile ops]\nregion = eu-west-1\n").unwrap();
    let profiles = |command: &mut Command| {
        command
            .env("AWS_SHARED_CREDENTIALS_FILE", &credentials)
            .env("AWS_CONFIG_FILE", &config);
    };
    let url = world.server.endpoint_url();

    let mut command = bare();
    profiles(&mut command);
    let (code, out, err) = run(
        &mut command,
        &format!("status crm/key --profile ops --endpoint-url {url}"),
    )
    .await;
    assert_eq!(code, 0, "{out}{err}");

    let mut command = bare();
    let (code, _, err) = run(&mut command, &format!("status crm/key --endpoint-url {url}")).await;
    assert_eq!((code, err.contains("there is no Region")), (1, true), "{err}");
    let mut command = bare();
    let (code, _, err) = run(
        &mut command,
        &format!("status crm/key --region eu-west-1 --endpoint-url {url}"),
    )
    .await;
    assert_eq!((code, err.contains("credential")), (1, true), "{err}");
    assert!(
        err.contains("not sent") && !err.contains("the endpoint can be reached"),
        "{err}"
    );

    // Who names a profile does not get the keys that the environment has.
    let mut command = binary(&world);
    profiles(&mut command);
    let (code, _, err) = run(&mut command, "status crm/key --profile none").await;
    assert_eq!((code, err.contains("not sent")), (1, true), "{err}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_answer_is_told_as_one() {
    let mut command = bare();
    command
        .env("AWS_ACCESS_KEY_ID", "AKIAOPERATOR")
        .env("AWS_SECRET_ACCESS_KEY", "of no use")
        .env("AWS_MAX_ATTEMPTS", "1");
    // Port 9 of the loopback is discard's, which nobody runs.
    let line = "status crm/key --region eu-west-1 --endpoint-url http://127.0.0.1:9";
    let (code, _, err) = run(&mut command, line).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("see that the endpoint can be reached from here"),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_none_is_told_before_anything_is_asked() {
    for url in ["--endpoint-url=", "--endpoint-url=localhost:4566"] {
        let mut command = bare();
        let line = format!("status crm/key --region eu-west-1 {url}");
        let (code, _, err) = run(&mut command, &line).await;
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("is not a URL") && !err.contains("SecretId"), "{err}");
    }
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"] {
        let mut command = bare();
        command.env(name, "");
        let (code, _, err) = run(&mut command, "status crm/key --region eu-west-1").await;
        assert_eq!((code, err.contains(name)), (1, true), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_and_help_end_as_everywhere() {
    let (code, _, err) = run(&mut bare(), "rotate").await;
    assert_eq!((code, err.contains("<SECRET>")), (2, true), "{err}");
    let (code, _, err) = run(&mut bare(), "abandon crm/key --turn-on --leave-off").await;
    assert_eq!(code, 2, "{err}");
    let (code, out, _) = run(&mut bare(), "--help").await;
    assert_eq!(code, 0);
    for expected in [
        "status",
        "check",
        "rotate",
        "resume",
        "abandon",
        "rollback",
        "Exit codes: 0 done",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    let (code, out, _) = run(&mut bare(), "--version").await;
    assert_eq!((code, out.starts_with("rotation ")), (0, true), "{out}");
}
