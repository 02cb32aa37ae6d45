//! What the second user lacks reaches it, and no more than that; and what cannot is said.

use rotation_core::AWSCURRENT;
use serde_json::json;

use crate::support::{World, alternating, login, rows, sharing};

#[tokio::test]
async fn an_owner_role_keeps_what_a_membership_gave() {
    let world = World::new().await;
    let arn = world.user("by_group").await;
    world
        .sql("CREATE ROLE by_group_reports; CREATE TABLE by_group_t (x int); GRANT SELECT ON by_group_t TO by_group_reports; GRANT by_group_reports TO by_group")
        .await;
    for _ in 0..2 {
        world.rotated(sharing("by_group_owner"), &arn).await;
        assert!(world.try_as(&arn, AWSCURRENT, "SELECT * FROM by_group_t").await);
    }
}

#[tokio::test]
async fn a_second_user_that_does_not_inherit_is_made_to() {
    let world = World::new().await;
    let arn = world.user("inert").await;
    world
        .sql("CREATE TABLE inert_t (x int); ALTER TABLE inert_t OWNER TO inert")
        .await;
    world
        .sql("CREATE ROLE inert_clone LOGIN NOINHERIT PASSWORD 'x'; GRANT inert TO inert_clone")
        .await;
    for turn in 0..4 {
        world.simulator.clear_calls();
        world.rotated(alternating(), &arn).await;
        assert!(world.try_as(&arn, AWSCURRENT, "SELECT * FROM inert_t").await);
        assert!(turn < 2 || world.superuser_reads(&arn) == 0, "it is mended once");
    }
}

#[tokio::test]
async fn a_membership_that_leads_in_a_circle_is_left_out() {
    let world = World::new().await;
    let arn = world.user("circle").await;
    world.rotated(alternating(), &arn).await;
    world
        .sql("CREATE ROLE circle_team; GRANT circle TO circle_team; GRANT circle_team TO circle_clone")
        .await;
    for _ in 0..3 {
        world.rotated(alternating(), &arn).await;
    }
}

/// PostgreSQL 16 and later: a membership that passes on no rights gives none to the second user.
#[tokio::test]
async fn the_options_of_a_membership_are_neither_widened_nor_lost() {
    let world = World::new().await;
    if world.server.major() < 16 {
        return;
    }
    let arn = world.user("options").await;
    for _ in 0..2 {
        world.rotated(sharing("options_owner"), &arn).await;
    }
    world
        .sql(
            "CREATE ROLE closed; CREATE TABLE closed_t (x int); GRANT SELECT ON closed_t TO closed; \
              GRANT closed TO options WITH INHERIT FALSE, SET FALSE",
        )
        .await;
    world.rotated(sharing("options_owner"), &arn).await;
    for role in ["none", "closed"] {
        let sql = format!("SET ROLE {role}; SELECT * FROM closed_t");
        assert!(!world.try_as(&arn, AWSCURRENT, &sql).await, "{role}");
    }
    let arn = world.user("opened").await;
    world.rotated(alternating(), &arn).await;
    world
        .sql("CREATE ROLE open_group; CREATE TABLE open_t (x int); GRANT SELECT ON open_t TO open_group; \
              GRANT open_group TO opened WITH INHERIT FALSE; GRANT open_group TO opened_clone WITH INHERIT TRUE")
        .await;
    world.rotated(alternating(), &arn).await;
    assert!(world.try_as(&arn, AWSCURRENT, "SELECT * FROM open_t").await);
}

/// The login fails for the very right that the comparison would give back.
#[tokio::test]
async fn a_second_user_that_may_not_connect_is_let_in_again() {
    let world = World::new().await;
    world.sql("CREATE DATABASE gated").await;
    world
        .sql("REVOKE CONNECT ON DATABASE gated FROM PUBLIC; CREATE ROLE gate LOGIN PASSWORD 'first'; GRANT CONNECT ON DATABASE gated TO gate")
        .await;
    let more = json!({ "masterarn": world.superuser_secret(), "dbname": "gated" });
    let arn = world.secret("rotated", &world.document("gate", "first", &more));
    for _ in 0..2 {
        assert!(world.once(alternating(), &arn).await.is_empty());
    }
    world.sql("REVOKE gate FROM gate_clone").await;
    assert_eq!(world.once(alternating(), &arn).await, [""; 0]);
}

/// PostgreSQL answers a GRANT by somebody without the grant option with a warning.
#[tokio::test]
async fn a_grant_that_had_no_effect_promotes_nobody() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE weak LOGIN CREATEROLE PASSWORD 'weak'")
        .await;
    let weak = world.secret("superuser", &world.document("weak", "weak", &json!({})));
    let session = login(world.server.port(), "postgres", "weak", "weak")
        .await
        .unwrap();
    rows(&session, "CREATE ROLE served LOGIN PASSWORD 'first'")
        .await
        .unwrap();
    let arn = world.secret(
        "rotated",
        &world.document("served", "first", &json!({ "masterarn": weak })),
    );
    world.rotated(alternating(), &arn).await;
    world
        .sql("CREATE TABLE served_t (x int); GRANT SELECT ON served_t TO served_clone; GRANT INSERT ON served_t TO weak")
        .await;
    let said = world.once(alternating(), &arn).await.concat();
    assert!(
        said.contains("may not grant all that served lacks")
            && said.contains("GRANT SELECT ON TABLE public.served_t TO \"served\""),
        "{said}"
    );
    assert_eq!(world.credential(&arn, AWSCURRENT).0, "served_clone");
    world.sql("GRANT SELECT ON TABLE public.served_t TO served").await;
    world.rotated(alternating(), &arn).await;
    assert!(world.try_as(&arn, AWSCURRENT, "SELECT * FROM served_t").await);
}

/// A remedy is named only where it helps.
#[tokio::test]
async fn an_admin_option_is_asked_for_only_where_it_is_missing() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE asker LOGIN CREATEROLE PASSWORD 'asker'; CREATE ROLE asked LOGIN PASSWORD 'first'; \
              CREATE ROLE asked_clone LOGIN PASSWORD 'x'; GRANT asked TO asked_clone; GRANT asked_clone TO asker WITH ADMIN OPTION; \
              ALTER ROLE asked SET log_min_messages = 'info'")
        .await;
    let asker = world.secret("superuser", &world.document("asker", "asker", &json!({})));
    let arn = world.secret(
        "rotated",
        &world.document("asked", "first", &json!({ "masterarn": asker })),
    );
    let said = world.once(alternating(), &arn).await.concat();
    assert!(said.contains("42501") && !said.contains("ADMIN OPTION"), "{said}");
}

#[tokio::test]
async fn a_validity_in_the_past_of_all_times_is_mended() {
    let world = World::new().await;
    let arn = world.pair("past").await;
    world.sql("ALTER ROLE past_clone VALID UNTIL '-infinity'").await;
    world.rotated(alternating(), &arn).await;
}

#[tokio::test]
async fn a_search_path_that_was_stored_unquoted_keeps_its_meaning() {
    let world = World::new().await;
    let arn = world.user("folded").await;
    world.rotated(alternating(), &arn).await;
    world
        .sql("CREATE SCHEMA folded_s; CREATE TABLE folded_s.folded_t (x int); GRANT USAGE ON SCHEMA folded_s TO folded; \
              GRANT SELECT ON folded_s.folded_t TO folded; SELECT set_config('search_path', 'FOLDED_S, public', false); \
              ALTER ROLE folded_clone SET search_path FROM CURRENT; RESET search_path")
        .await;
    for _ in 0..3 {
        world.simulator.clear_calls();
        world.rotated(alternating(), &arn).await;
        assert!(world.try_as(&arn, AWSCURRENT, "SELECT * FROM folded_t").await);
    }
    assert_eq!(world.superuser_reads(&arn), 0);
}

/// A team's own settings may hold a secret.
#[tokio::test]
async fn the_value_of_a_setting_of_a_teams_own_is_not_printed() {
    let world = World::new().await;
    let arn = world.lone_user("postgrest").await;
    world
        .sql("ALTER ROLE postgrest SET pgrst.jwt_secret = 'sentinel-jwt'")
        .await;
    let said = world.once(alternating(), &arn).await.concat();
    assert!(
        said.contains("\"pgrst\".\"jwt_secret\"") && !said.contains("sentinel-jwt"),
        "{said}"
    );
}

/// A pair that shares an owner role which the function was not told of.
#[tokio::test]
async fn a_function_that_does_not_know_the_owner_role_leaves_the_pair_as_it_is() {
    let world = World::new().await;
    let arn = world.user("untold").await;
    for _ in 0..2 {
        world.rotated(sharing("untold_owner"), &arn).await;
    }
    world
        .sql("CREATE TABLE untold_t (x int); GRANT SELECT ON untold_t TO untold, untold_owner")
        .await;
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
    let member = "SELECT pg_has_role('untold_clone', 'untold', 'MEMBER')";
    assert_eq!(world.sql(member).await, [["f"]]);
    world.rotated(sharing("untold_owner"), &arn).await;
}
