//! The program that gives a pair a shared owner role.

use std::process::Output;

use rotation_lambda::rotation_core::AWSCURRENT;
use tokio::process::Command;

use crate::support::{Scene, bundle, sql};

async fn migrate(scene: &Scene, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_postgres-migrate"));
    program
        .args(arguments)
        .env(
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            scene.secrets_manager.endpoint_url(),
        )
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .env("POSTGRES_CA_BUNDLE", bundle());
    program.output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn it_prints_the_plan_and_runs_it_when_told_to() {
    let scene = Scene::new("app", &[("ROTATION_STRATEGY", "alternating-users")]).await;
    scene.rotated().await;
    scene.rotated().await;
    let owner = "SELECT 1 FROM pg_roles WHERE rolname = 'app_owner'";

    let planned = migrate(&scene, &[&scene.arn, "app_owner"]).await;
    let plan = text(&planned.stdout);
    assert!(planned.status.success(), "{planned:?}");
    assert!(
        plan.contains("-- as postgres, in database postgres\nCREATE ROLE \"app_owner\" NOLOGIN;"),
        "{plan}"
    );
    assert!(
        plan.ends_with("-- nothing was changed; run it with --apply\n"),
        "{plan}"
    );
    assert!(sql(owner).await.is_empty());

    let applied = migrate(&scene, &["rotated", "app_owner", "--apply"]).await;
    assert!(applied.status.success(), "{applied:?}");
    let (done, progress) = (text(&applied.stdout), text(&applied.stderr));
    assert!(
        done.contains("REVOKE \"app\" FROM \"app_clone\"") && done.contains("OWNER_ROLE=app_owner"),
        "{done}"
    );
    assert!(
        progress.contains("done") && progress.contains("ALTER ROLE"),
        "{progress}"
    );
    assert_eq!(sql(owner).await, ["1"]);
    let again = migrate(&scene, &["rotated", "app_owner"]).await;
    assert!(text(&again.stdout).starts_with("-- nothing to do"), "{again:?}");
    for printed in [plan, done, progress] {
        assert!(!printed.contains(&scene.credential(AWSCURRENT).1));
    }

    // The function goes on with the role.
    scene.function.set_env("OWNER_ROLE", "app_owner");
    scene.function.kill().await;
    scene.rotated().await;
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let scene = Scene::new("alone", &[("ROTATION_STRATEGY", "alternating-users")]).await;
    for (arguments, part) in [
        (&[][..], "Usage: postgres-migrate SECRET OWNER_ROLE [--apply]"),
        (&["rotated", "--apply"], "Usage"),
        (&["rotated", "own", "--force"], "Usage"),
        (&["rotated", "own"], "rotate the secret once more"),
        (&["no-such-secret", "own"], "ResourceNotFoundException"),
    ] {
        let output = migrate(&scene, arguments).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains(part), "{output:?}");
    }
}
