//! Roles that are not the pair's are not taken over, whoever arranges it.

use rotation_core::{AWSCURRENT, Retire, Retirement};
use rotation_postgres::OwnerRole;
use serde_json::json;

use crate::support::{World, alternating, login, retire, rows};

async fn logs_in(world: &World, user: &str, password: &str) -> bool {
    login(world.server.port(), "postgres", user, password)
        .await
        .is_ok()
}

#[tokio::test]
async fn an_owner_role_takes_over_no_unrelated_role() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE own_victim_clone LOGIN PASSWORD 'somebody else'; ALTER ROLE own_victim_clone SET work_mem = '99MB'")
        .await;
    let arn = world.user("own_victim").await;
    let backend = alternating().with_owner_role(OwnerRole::created("own_victim_owner"));
    let said = world.once(backend, &arn).await.concat();
    assert!(said.contains("nothing says that it is the second user"), "{said}");
    assert!(logs_in(&world, "own_victim_clone", "somebody else").await);
}

/// Whoever can make roles names one `…_clone` of somebody's, grants it to that one, and rotates its secret.
#[tokio::test]
async fn granting_ones_own_role_to_the_victim_proves_nothing() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE victim LOGIN PASSWORD 'victims'; CREATE ROLE victim_clone LOGIN PASSWORD 'evil'; GRANT victim_clone TO victim")
        .await;
    let superuser = world.superuser_secret();
    let document = world.document("victim_clone", "evil", &json!({ "masterarn": superuser }));
    let arn = world.secret("evil", &document);
    let said = world.once(alternating(), &arn).await.concat();
    assert!(said.contains("nothing says that it is the second user"), "{said}");
    assert!(logs_in(&world, "victim", "victims").await);
}

#[tokio::test]
async fn a_common_group_proves_nothing() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE everybody; CREATE ROLE grouped_clone LOGIN PASSWORD 'another team'; GRANT everybody TO grouped_clone")
        .await;
    let arn = world.user("grouped").await;
    world.sql("GRANT everybody TO grouped").await;
    assert!(!world.once(alternating(), &arn).await.is_empty());
    assert!(logs_in(&world, "grouped_clone", "another team").await);
}

#[tokio::test]
async fn a_group_does_not_become_a_login() {
    let world = World::new().await;
    world.sql("CREATE ROLE teams NOLOGIN").await;
    let arn = world.user("teams_clone").await;
    world.sql("GRANT teams TO teams_clone").await;
    let said = world.once(alternating(), &arn).await.concat();
    assert!(said.contains("it may be a group"), "{said}");
    let login = world
        .sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'teams'")
        .await;
    assert_eq!(login, [["f"]]);
}

#[tokio::test]
async fn who_can_become_a_superuser_is_refused_as_one() {
    let world = World::new().await;
    let arn = world.user("dba").await;
    world
        .sql("CREATE ROLE operators; GRANT postgres TO operators; GRANT operators TO dba")
        .await;
    let said = world.once(alternating(), &arn).await.concat();
    assert!(said.contains("dba is a superuser, or a member of one"), "{said}");
    assert!(logs_in(&world, "dba", "first").await);
}

/// A database whose owner arranges it for whoever logs in.
#[tokio::test]
async fn what_a_databases_owner_arranges_does_not_reach_the_superusers_statements() {
    let world = World::new().await;
    world.sql("CREATE ROLE host LOGIN PASSWORD 'first'").await;
    world.sql("CREATE DATABASE hosted OWNER host").await;
    let own = login(world.server.port(), "hosted", "host", "first")
        .await
        .unwrap();
    rows(
        &own,
        "CREATE SCHEMA evil; CREATE TABLE evil.pg_roles (rolname name); CREATE FUNCTION evil.pg_has_role(oid, oid, text) \
         RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called as %', current_user; END $$; \
         ALTER DATABASE hosted SET search_path = evil, pg_catalog; ALTER DATABASE hosted SET role = 'host'; \
         ALTER DATABASE hosted SET default_transaction_read_only = on; ALTER DATABASE hosted SET standard_conforming_strings = off",
    )
    .await
    .unwrap();
    let more = json!({ "masterarn": world.superuser_secret(), "dbname": "hosted" });
    let arn = world.secret("rotated", &world.document("host", "first", &more));
    for _ in 0..3 {
        assert_eq!(world.once(alternating(), &arn).await, [""; 0]);
    }
}

/// A server that does not answer has not ended anything.
#[tokio::test]
async fn a_login_that_could_not_be_tried_is_not_taken_for_gone() {
    let world = World::new().await;
    let document = world.document("nobody", "x", &json!({ "port": 1 }));
    let result = retire(&alternating(), &document, Retire::Superseded).await;
    assert!(result.unwrap_err().to_string().contains("may still work"));
    let document = world.document("nobody", "x", &json!({}));
    let gone = retire(&alternating(), &document, Retire::Superseded)
        .await
        .unwrap();
    assert_eq!(gone, Retirement::AlreadyGone);
}

/// The end of a leaked password is also the end of the sessions that it opened.
#[tokio::test]
async fn whoever_logged_in_by_a_leaked_password_cannot_set_another() {
    let world = World::new().await;
    let arn = world.user("stolen").await;
    world.rotated(alternating(), &arn).await;
    let thief = world.login(&arn, AWSCURRENT).await.unwrap();
    let operator = world.simulator.operator();
    operator.tag(&arn, "rotation:grace", "none").unwrap();
    world.rotated(alternating(), &arn).await;
    assert!(
        rows(&thief, "ALTER ROLE stolen_clone PASSWORD 'thief'")
            .await
            .is_err()
    );
    assert!(!logs_in(&world, "stolen_clone", "thief").await);
}
