//! One user, whose password is changed in place, on a real server.

use std::time::Instant;

use rotation_core::{AWSCURRENT, AWSPREVIOUS, Step};
use rotation_testkit::model::Principal;
use rotation_testkit::{Fault, Faults};

use crate::support::{TIME, World, errors, login, proxy, single};

#[tokio::test]
async fn the_password_is_changed_in_place_with_two_connections() {
    let manual = include_str!("../../../../docs/costs.md");
    assert!(manual.contains("| `SingleUser` | 12 | 2 logins |"));
    let mut world = World::new().await;
    let proxy = proxy(world.server, Faults::new()).await;
    world.port = proxy.port();
    let arn = world.lone_user("solo").await;
    for _ in 0..3 {
        let (connections, failed) = (proxy.connections(), world.failed_logins("solo"));
        let (user, old) = world.credential(&arn, AWSCURRENT);
        world.simulator.clear_calls();
        world.rotated(single(), &arn).await;
        assert_eq!(proxy.connections() - connections, 2);
        assert_eq!(
            world.failed_logins("solo"),
            failed,
            "a rotation without trouble makes no login that fails"
        );
        let calls = world.simulator.calls();
        let ours = calls
            .iter()
            .filter(|call| call.principal == Principal::RotationFunction);
        assert_eq!(ours.count(), 12, "{calls:?}");
        assert!(login(world.server.port(), "postgres", &user, &old).await.is_err());
    }
}

/// Between setSecret and finishSecret `AWSCURRENT` does not log in: inherent, and measured.
#[tokio::test]
async fn the_window_without_a_current_password_is_from_set_to_finish() {
    let world = World::new().await;
    let arn = world.lone_user("window").await;
    world.simulator.operator().rotate(&arn).unwrap();
    let rotator = world.rotator(single());
    let mut closed = None;
    for step in [
        Step::CreateSecret,
        Step::SetSecret,
        Step::TestSecret,
        Step::FinishSecret,
    ] {
        if step == Step::SetSecret {
            closed = Some(Instant::now());
        }
        world.done(&rotator).await;
        let works = world.login(&arn, AWSCURRENT).await.is_ok();
        assert_eq!(
            works,
            matches!(step, Step::CreateSecret | Step::FinishSecret),
            "{step:?}"
        );
    }
    println!(
        "AWSCURRENT did not log in for at most {:?}",
        closed.unwrap().elapsed()
    );
}

/// Each rung of the ladder, as a crash or an operator leaves it.
#[tokio::test]
async fn whichever_version_logs_in_is_used() {
    let world = World::new().await;
    let arn = world.lone_user("rungs").await;
    world.rotated(single(), &arn).await;

    // AWSPREVIOUS: somebody restored the database.
    let (_, previous) = world.credential(&arn, AWSPREVIOUS);
    world
        .sql(&format!("ALTER ROLE rungs PASSWORD '{previous}'"))
        .await;
    world.rotated(single(), &arn).await;

    // AWSPENDING: the step died after the password was set.
    world.simulator.operator().rotate(&arn).unwrap();
    let rotator = world.rotator(single());
    world.done(&rotator).await;
    world.done(&rotator).await;
    let next = world.simulator.faults().passages().len() + 1;
    world.simulator.faults().at(next, Fault::CrashBefore);
    let runs = world.simulator.run(&rotator, TIME).await;
    assert!(
        runs.len() > 2 && runs.last().unwrap().result.is_done(),
        "{runs:#?}"
    );
    world.login(&arn, AWSCURRENT).await.unwrap();
}

#[tokio::test]
async fn when_none_logs_in_the_error_says_what_each_did() {
    let world = World::new().await;
    let arn = world.user("locked").await;
    world.rotated(single(), &arn).await;
    world.sql("ALTER ROLE locked PASSWORD 'by hand'").await;
    let said = world.fails(single(), &arn).await;
    for part in [
        "no version of the secret logs in as locked",
        "AWSCURRENT: wrong password, 28P01; AWSPENDING: wrong password, 28P01; AWSPREVIOUS: wrong password, 28P01",
        "\\password",
        "\"masterarn\"",
    ] {
        assert!(said.contains(part), "{said}");
    }
    world.release(&arn);
    world.rotated(single().assisted_by_superuser(), &arn).await;
}

#[tokio::test]
async fn assistance_stops_at_superusers_and_at_what_a_password_does_not_mend() {
    let rows = [
        ("ALTER ROLE assist_0 SUPERUSER", "is a superuser"),
        (
            "ALTER ROLE assist_1 VALID UNTIL '2001-01-01'",
            "VALID UNTIL that has passed",
        ),
        ("ALTER ROLE assist_2 NOLOGIN", "may not log in"),
        ("DROP ROLE assist_3", "does not exist"),
        ("ALTER ROLE assist_4 RENAME TO assist_gone", "does not exist"),
    ];
    for (number, (sql, words)) in rows.into_iter().enumerate() {
        let world = World::new().await;
        let user = format!("assist_{number}");
        let arn = world.user(&user).await;
        world.sql(&format!("ALTER ROLE {user} PASSWORD 'by hand'")).await;
        world.sql(sql).await;
        let said = world.fails(single().assisted_by_superuser(), &arn).await;
        assert!(said.contains(words), "{said}");
    }
}

/// A session that starts as another role, or read-only, changes its own user's password all the same.
#[tokio::test]
async fn the_users_own_settings_are_not_in_the_way() {
    let world = World::new().await;
    let arn = world.lone_user("restricted").await;
    world
        .sql("CREATE ROLE acts_as; GRANT acts_as TO restricted; ALTER ROLE restricted SET role = 'acts_as'")
        .await;
    world
        .sql("ALTER ROLE restricted SET default_transaction_read_only = on")
        .await;
    world.rotated(single(), &arn).await;
    let (_, password) = world.credential(&arn, AWSCURRENT);
    assert!(
        login(world.server.port(), "postgres", "restricted", &password)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_superuser_changes_its_own_password_as_a_single_user() {
    let world = World::new().await;
    let arn = world.lone_user("master").await;
    world.sql("ALTER ROLE master SUPERUSER").await;
    world.rotated(single(), &arn).await;
    world.rotated(single(), &arn).await;
}

#[tokio::test]
async fn a_dry_run_passes() {
    let world = World::new().await;
    let arn = world.lone_user("dry_single").await;
    world.simulator.operator().dry_run(&arn).unwrap();
    let runs = world.run(single()).await;
    assert!(runs.len() == 1 && errors(&runs).is_empty(), "{runs:?}");
}
