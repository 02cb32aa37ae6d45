//! Two users that take turns, on a real server.

use rotation_core::{AWSCURRENT, AWSPREVIOUS};
use rotation_testkit::model::Principal;
use rotation_testkit::{Fault, Faults};
use serde_json::json;

use crate::support::{TIME, World, alternating, errors, login, proxy, rows};

/// The `ALTER ROLE … SET` of a user, in all databases.
async fn settings(world: &World, user: &str) -> Vec<Vec<String>> {
    let sql = format!(
        "SELECT coalesce(d.datname, ''), s FROM pg_db_role_setting g JOIN pg_roles r ON r.oid = g.setrole \
         LEFT JOIN pg_database d ON d.oid = g.setdatabase, unnest(setconfig) s WHERE rolname = '{user}' ORDER BY 1, 2"
    );
    world.sql(&sql).await
}

#[tokio::test]
async fn the_second_user_is_created_and_then_both_take_turns() {
    let world = World::new().await;
    let arn = world.user("turns").await;
    for user in ["turns_clone", "turns", "turns_clone", "turns"] {
        world.rotated(alternating(), &arn).await;
        assert_eq!(world.credential(&arn, AWSCURRENT).0, user);
        world.login(&arn, AWSPREVIOUS).await.unwrap();
    }
}

#[tokio::test]
async fn a_warm_rotation_reads_no_superuser_secret_and_makes_three_connections() {
    let manual = include_str!("../../../../docs/costs.md");
    assert!(manual.contains("| `AlternatingUsers` | 12 | 3 logins |"));
    let mut world = World::new().await;
    let proxy = proxy(world.server, Faults::new()).await;
    world.port = proxy.port();
    let arn = world.pair("warm").await;
    for _ in 0..2 {
        world.simulator.clear_calls();
        let (connections, failed) = (proxy.connections(), world.failed_logins("warm"));
        world.rotated(alternating(), &arn).await;
        assert_eq!(world.superuser_reads(&arn), 0);
        let calls = world.simulator.calls();
        let calls = calls
            .iter()
            .filter(|call| call.principal == Principal::RotationFunction);
        let calls: Vec<_> = calls.map(|call| call.action).collect();
        assert_eq!(calls.len(), 12, "{calls:?}");
        // Both users together in setSecret, the pending one in testSecret.
        assert_eq!(proxy.connections() - connections, 3);
        assert_eq!(
            world.failed_logins("warm"),
            failed,
            "a rotation without trouble makes no login that fails"
        );
    }
}

/// Without grace the current login is proved in createSecret and finishSecret, and two end the superseded one.
#[tokio::test]
async fn the_end_of_a_superseded_login_takes_four_connections_more() {
    let manual = include_str!("../../../../docs/costs.md");
    assert!(
        manual.contains("| `AlternatingUsers` without grace, after a rotation with it | 15 | 7 logins |")
    );
    let mut world = World::new().await;
    let proxy = proxy(world.server, Faults::new()).await;
    world.port = proxy.port();
    let arn = world.pair("counted").await;
    let operator = world.simulator.operator();
    operator.tag(&arn, "rotation:grace", "none").unwrap();
    world.simulator.clear_calls();
    let connections = proxy.connections();
    world.rotated(alternating(), &arn).await;
    assert_eq!(proxy.connections() - connections, 7);
    let calls = world.simulator.calls();
    let ours = calls
        .iter()
        .filter(|call| call.principal == Principal::RotationFunction);
    assert_eq!(ours.count(), 15);
}

#[tokio::test]
async fn settings_and_limits_follow_the_current_user() {
    let world = World::new().await;
    let arn = world.user("follow").await;
    world.sql("CREATE DATABASE follow_db").await;
    world.sql("CREATE ROLE follow_reports").await;
    world
        .sql(
            "ALTER ROLE follow SET search_path = '$user', 'a \"b', public; ALTER ROLE follow SET work_mem = '64MB'; \
             ALTER ROLE follow SET app.tenant = 'o''neil, x'; ALTER ROLE follow IN DATABASE follow_db SET work_mem = '1MB'; \
             ALTER ROLE follow SET default_transaction_read_only = on; \
             ALTER ROLE follow CONNECTION LIMIT 7 VALID UNTIL '2040-02-03 04:05:06.7+02'; GRANT follow_reports TO follow",
        )
        .await;
    world.rotated(alternating(), &arn).await;
    assert_eq!(
        settings(&world, "follow").await,
        settings(&world, "follow_clone").await
    );
    assert_eq!(settings(&world, "follow").await.len(), 5);
    let limits = "SELECT DISTINCT rolconnlimit, rolvaliduntil FROM pg_roles WHERE rolname LIKE 'follow%' AND rolcanlogin";
    assert_eq!(world.sql(limits).await.len(), 1);

    // The user itself may change its settings, so the superuser secret is not read for them.
    world
        .sql("ALTER ROLE follow_clone RESET work_mem; ALTER ROLE follow_clone SET search_path = ''")
        .await;
    world.simulator.clear_calls();
    world.rotated(alternating(), &arn).await;
    assert_eq!(
        settings(&world, "follow").await,
        settings(&world, "follow_clone").await
    );
    assert_eq!(world.superuser_reads(&arn), 0);

    // A limit it may not.
    world.sql("ALTER ROLE follow CONNECTION LIMIT 9").await;
    world.rotated(alternating(), &arn).await;
    assert_eq!(world.superuser_reads(&arn), 1);
    assert_eq!(world.sql(limits).await.len(), 1);
    // A membership of the first user reaches the second by inheritance; the other way it is granted.
    world
        .sql("CREATE ROLE follow_more; GRANT follow_more TO follow_clone")
        .await;
    world.rotated(alternating(), &arn).await;
    let member = "SELECT pg_has_role('follow', 'follow_more', 'USAGE')";
    assert_eq!(world.sql(member).await[0][0], "t");
}

#[tokio::test]
async fn a_setting_for_superusers_only_is_made_by_the_superuser() {
    let world = World::new().await;
    let arn = world.pair("loud").await;
    world.sql("ALTER ROLE loud SET log_min_messages = 'info'").await;
    world.simulator.clear_calls();
    world.rotated(alternating(), &arn).await;
    assert_eq!(
        settings(&world, "loud").await,
        settings(&world, "loud_clone").await
    );
    assert_eq!(world.superuser_reads(&arn), 1);
}

#[tokio::test]
async fn grants_to_the_second_user_reach_the_first() {
    let world = World::new().await;
    let arn = world.user("grants").await;
    world.rotated(alternating(), &arn).await;
    world
        .sql(
            "CREATE SCHEMA \"Shop 1\"; CREATE TABLE \"Shop 1\".\"Items\" (id int, price int, secret text); \
             CREATE SEQUENCE \"Shop 1\".numbers; CREATE FUNCTION \"Shop 1\".f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
             REVOKE ALL ON FUNCTION \"Shop 1\".f(int, text) FROM PUBLIC; \
             GRANT USAGE ON SCHEMA \"Shop 1\" TO grants_clone; \
             GRANT SELECT (id, price), UPDATE (price) ON \"Shop 1\".\"Items\" TO grants_clone; \
             GRANT USAGE ON SEQUENCE \"Shop 1\".numbers TO grants_clone WITH GRANT OPTION; \
             GRANT EXECUTE ON FUNCTION \"Shop 1\".f(int, text) TO grants_clone; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA \"Shop 1\" GRANT SELECT ON TABLES TO grants_clone",
        )
        .await;
    world.rotated(alternating(), &arn).await;
    assert_eq!(world.credential(&arn, AWSCURRENT).0, "grants");
    world.sql("CREATE TABLE \"Shop 1\".later (x int)").await;
    let app = world.login(&arn, AWSCURRENT).await.unwrap();
    rows(
        &app,
        "SELECT id, price FROM \"Shop 1\".\"Items\"; SELECT nextval('\"Shop 1\".numbers')",
    )
    .await
    .unwrap();
    rows(
        &app,
        "SELECT \"Shop 1\".f(1, 'x'); SELECT * FROM \"Shop 1\".later",
    )
    .await
    .unwrap();
    assert!(
        rows(&app, "SELECT secret FROM \"Shop 1\".\"Items\"")
            .await
            .is_err()
    );
    // Nothing is left to do in the next turn of the same user.
    world.rotated(alternating(), &arn).await;
    world.simulator.clear_calls();
    world.rotated(alternating(), &arn).await;
    assert_eq!(world.superuser_reads(&arn), 0);
}

#[tokio::test]
async fn names_of_any_kind_are_quoted() {
    let world = World::new().await;
    for user in [
        "Ünï Cödé",
        "a\"b'c",
        "x\"; DROP ROLE postgres; --",
        "SELECT",
        "back\\slash",
        "$1",
    ] {
        let arn = world.user(user).await;
        for _ in 0..3 {
            world.rotated(alternating(), &arn).await;
        }
        assert_eq!(world.credential(&arn, AWSCURRENT).0, format!("{user}_clone"));
    }
}

#[tokio::test]
async fn without_a_superuser_secret_the_error_names_the_statements() {
    let world = World::new().await;
    let arn = world.lone_user("alone").await;
    world.simulator.operator().rotate(&arn).unwrap();
    let rotator = world.rotator(alternating());
    world.simulator.step(&rotator, TIME).await.unwrap();
    let set = world.simulator.step(&rotator, TIME).await.unwrap();
    let said = errors(&[set]).remove(0);
    for part in [
        "no version of the secret logs in as alone_clone",
        "\"masterarn\"",
        "CREATE ROLE \"alone_clone\" LOGIN; GRANT \"alone\" TO \"alone_clone\"",
        "\\password \"alone_clone\"",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // What it says helps; the password is the pending one's.
    let (_, password) = world.credential(&arn, "AWSPENDING");
    world
        .sql(&format!(
            "CREATE ROLE alone_clone LOGIN PASSWORD '{password}'; GRANT alone TO alone_clone"
        ))
        .await;
    let runs = world.simulator.run(&rotator, TIME).await;
    assert!(runs.len() == 4 && errors(&runs).is_empty(), "{:?}", errors(&runs));
    // And from then on it needs none.
    world.rotated(alternating(), &arn).await;
    world.rotated(alternating(), &arn).await;
}

#[tokio::test]
async fn a_superseded_login_is_disabled_and_the_next_rotation_recovers_it() {
    let world = World::new().await;
    let arn = world.user("leaked").await;
    world.rotated(alternating(), &arn).await;
    world
        .simulator
        .operator()
        .tag(&arn, "rotation:grace", "none")
        .unwrap();
    world.rotated(alternating(), &arn).await;
    let (user, password) = world.credential(&arn, AWSPREVIOUS);
    assert_eq!(user, "leaked_clone");
    assert!(
        login(world.server.port(), "postgres", &user, &password)
            .await
            .is_err()
    );
    // A crash right after it, before the function can say so: the replay finds it gone.
    world.simulator.clear_calls();
    world.simulator.operator().rotate(&arn).unwrap();
    let rotator = world.rotator(alternating());
    for _ in 0..3 {
        world.done(&rotator).await;
    }
    assert_eq!(
        world.superuser_reads(&arn),
        1,
        "the disabled login needs the superuser"
    );
    let faults = world.simulator.faults();
    let promoted = faults
        .passages()
        .iter()
        .filter(|p| p.name == "UpdateSecretVersionStage")
        .count();
    faults.at_nth("UpdateSecretVersionStage", promoted + 1, Fault::CrashAfter);
    let runs = world.simulator.run(&rotator, TIME).await;
    assert!(
        faults.all_struck() && runs.last().unwrap().result.is_done(),
        "{runs:?}"
    );
    let (user, password) = world.credential(&arn, AWSPREVIOUS);
    assert!(
        login(world.server.port(), "postgres", &user, &password)
            .await
            .is_err()
    );
    world.login(&arn, AWSCURRENT).await.unwrap();
}

#[tokio::test]
async fn a_lost_password_of_the_second_user_is_set_anew_by_the_superuser() {
    let world = World::new().await;
    let arn = world.pair("lost").await;
    world.sql("ALTER ROLE lost_clone PASSWORD 'by hand'").await;
    world.rotated(alternating(), &arn).await;
    world.sql("ALTER ROLE lost NOLOGIN").await;
    world.rotated(alternating(), &arn).await;
    world.sql("DROP ROLE lost_clone").await;
    world.rotated(alternating(), &arn).await;
    world.sql("ALTER ROLE lost VALID UNTIL '2001-01-01'").await;
    world.rotated(alternating(), &arn).await;
    assert_eq!(world.credential(&arn, AWSCURRENT).0, "lost");
}

#[tokio::test]
async fn a_dry_run_passes_and_changes_nothing() {
    let world = World::new().await;
    let arn = world.user("dry").await;
    world.simulator.operator().dry_run(&arn).unwrap();
    let runs = world.run(alternating()).await;
    assert!(runs.len() == 1 && runs[0].result.is_done(), "{runs:?}");
    assert_eq!(
        world
            .sql("SELECT 1 FROM pg_roles WHERE rolname = 'dry_clone'")
            .await
            .len(),
        0
    );
}

#[tokio::test]
async fn unknown_keys_and_types_survive() {
    let world = World::new().await;
    world.sql("CREATE ROLE kept LOGIN PASSWORD 'first'").await;
    let more = json!({
        "port": world.port.to_string(), "dbname": null, "masterarn": world.superuser_secret(),
        "dbInstanceIdentifier": "db-1", "rate": 1.5
    });
    let arn = world.secret("rotated", &world.document("kept", "first", &more));
    world.rotated(alternating(), &arn).await;
    let mut expected = world.document("kept_clone", "", &more);
    expected["password"] = world.value(&arn, AWSCURRENT)["password"].clone();
    assert_eq!(world.value(&arn, AWSCURRENT), expected);
}

/// A pair that nothing relates in the catalogs is known by its AWSPREVIOUS login, also where the superuser
/// has to step in after it.
#[tokio::test]
async fn a_pair_known_by_its_logins_alone_is_served_by_the_superuser() {
    let world = World::new().await;
    let arn = world.pair("known").await;
    world.sql("REVOKE known FROM known_clone").await;
    world.sql("ALTER ROLE known SET log_min_messages = 'info'").await;
    world.rotated(alternating(), &arn).await;
    // A difference that is the superuser's from the start.
    world
        .sql("REVOKE known FROM known_clone; ALTER ROLE known_clone CONNECTION LIMIT 9")
        .await;
    world.rotated(alternating(), &arn).await;
    assert_eq!(
        settings(&world, "known").await,
        settings(&world, "known_clone").await
    );
}
