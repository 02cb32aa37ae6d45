//! Rotations by the built function, under a Lambda Runtime API and over the wire.

use rotation_lambda::rotation_core::{AWSCURRENT, AWSPREVIOUS, SecretValue};
use serde_json::{Value, json};

use crate::support::{Scene, login, name, server, sql};

const SINGLE: (&str, &str) = ("ROTATION_STRATEGY", "single-user");
const PAIR: (&str, &str) = ("ROTATION_STRATEGY", "alternating-users");

#[tokio::test]
async fn alternating_users_over_tls() {
    let scene = Scene::new("pair", &[PAIR, ("OWNER_ROLE", ""), ("PASSWORD_LENGTH", "40")]).await;
    for user in ["pair_clone", "pair", "pair_clone"] {
        scene.rotated().await;
        assert_eq!(scene.credential(AWSCURRENT).0, user);
        assert_eq!(scene.credential(AWSCURRENT).1.chars().count(), 40);
        scene.login(AWSPREVIOUS).await.unwrap();
    }
    let value: Value = scene
        .simulator
        .operator()
        .value(&scene.arn, AWSCURRENT)
        .unwrap()
        .decode()
        .unwrap();
    assert_eq!(value["note"], "kept");
    assert_eq!(scene.function.cold_starts(), 1, "all steps in one process");
    scene.printed_no_secret();
}

#[tokio::test]
async fn a_single_user_over_tls() {
    let scene = Scene::new("solo", &[SINGLE]).await;
    for _ in 0..2 {
        scene.rotated().await;
        assert!(scene.login(AWSPREVIOUS).await.is_err());
    }
    scene.printed_no_secret();
}

#[tokio::test]
async fn a_lost_password_is_set_anew_where_the_superuser_assists() {
    let scene = Scene::new("assisted", &[SINGLE, ("ASSISTED_BY_SUPERUSER", "true")]).await;
    sql("ALTER ROLE assisted PASSWORD 'by hand'").await;
    scene.rotated().await;
    scene.printed_no_secret();
}

#[tokio::test]
async fn an_owner_role_is_made_for_a_new_pair() {
    let scene = Scene::new("owned", &[PAIR, ("OWNER_ROLE", "owned_owner")]).await;
    scene.rotated().await;
    scene.rotated().await;
    let acts_as = "SELECT setconfig[1] FROM pg_db_role_setting g JOIN pg_roles r ON r.oid = setrole WHERE rolname LIKE 'owned%'";
    assert_eq!(sql(acts_as).await, ["role=owned_owner", "role=owned_owner"]);
}

/// A superuser secret as RDS makes it, without a host.
#[tokio::test]
async fn a_superuser_secret_without_a_host_needs_the_operators_word() {
    for allowed in [false, true] {
        let user = name("bare");
        let allows = (
            "ALLOW_SUPERUSER_WITHOUT_HOST",
            if allowed { "true" } else { "false" },
        );
        let scene = Scene::new(&user, &[PAIR, allows]).await;
        let bare = json!({ "username": "postgres", "password": server().superuser_password() });
        let operator = scene.simulator.operator();
        operator
            .put("superuser", SecretValue::text(bare.to_string()))
            .unwrap();
        if allowed {
            scene.rotated().await;
            continue;
        }
        let token = operator.rotate(&scene.arn).unwrap();
        scene.event("RotationFailed", &token).await;
        let failure = scene.failure();
        assert_eq!(failure["class"], "misconfigured");
        assert!(
            failure["error"].as_str().unwrap().contains("names no host"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn a_dry_run_tests_the_current_login_and_changes_nothing() {
    let scene = Scene::new("dry", &[PAIR]).await;
    let before = scene.credential(AWSCURRENT);
    let token = scene.simulator.operator().dry_run(&scene.arn).unwrap();
    scene.event("TestRotationSucceeded", &token).await;
    assert_eq!(scene.credential(AWSCURRENT), before);
    assert!(
        sql("SELECT 1 FROM pg_roles WHERE rolname = 'dry_clone'")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_failure_says_who_can_mend_it_and_how() {
    let mut users = Vec::new();
    for (what, variables, class, parts) in [
        (
            "wrong password",
            &[SINGLE][..],
            "misconfigured",
            &["no version of the secret logs in", "28P01", "\\password"][..],
        ),
        (
            "no authority",
            &[SINGLE, ("POSTGRES_CA_BUNDLE", "")],
            "misconfigured",
            &["global-bundle.pem"],
        ),
        (
            "gone",
            &[SINGLE],
            "unavailable",
            &["refused", "\"host\" and \"port\""],
        ),
    ] {
        let user = name("failing");
        users.push(user.clone());
        let scene = Scene::new(&user, variables).await;
        let operator = scene.simulator.operator();
        match what {
            "wrong password" => drop(sql(&format!("ALTER ROLE {user} PASSWORD 'by hand'")).await),
            "gone" => {
                let mut value: Value = operator.value(&scene.arn, AWSCURRENT).unwrap().decode().unwrap();
                value["port"] = json!(1);
                operator
                    .put(&scene.arn, SecretValue::text(value.to_string()))
                    .unwrap();
            }
            _ => {}
        }
        let token = operator.rotate(&scene.arn).unwrap();
        scene.event("RotationFailed", &token).await;
        let failure = scene.failure();
        assert_eq!(failure["class"], class, "{what}: {failure}");
        let error = failure["error"].as_str().unwrap();
        assert!(parts.iter().all(|part| error.contains(part)), "{what}: {error}");
        scene.printed_no_secret();
    }
    assert!(login(&users[0], "by hand").await.is_ok());
}

#[tokio::test]
async fn a_wrong_variable_stops_the_start_and_is_named() {
    for (variables, part) in [
        (
            &[][..],
            "ROTATION_STRATEGY must be single-user or alternating-users",
        ),
        (
            &[PAIR, ("POSTGRES_CA_BUNDLE", "no/such.pem")],
            "POSTGRES_CA_BUNDLE: the CA bundle no/such.pem cannot be read",
        ),
    ] {
        let scene = Scene::new(&name("unset"), variables).await;
        let invoked = scene.function.invoke(&json!({})).await;
        assert_eq!(invoked.error_type(), Some("Runtime.ExitError"));
        assert!(
            scene.function.output().contains(part),
            "{}",
            scene.function.output()
        );
    }
}
