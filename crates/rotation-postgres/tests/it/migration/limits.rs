//! What a migration to a shared owner role cannot do by itself: said before anything is changed, or before
//! anything is taken away.

use std::sync::OnceLock;

use rotation_core::{AWSCURRENT, AWSPREVIOUS};
use rotation_postgres::Migration;
use rotation_test_servers::postgres::PostgresServer;
use serde_json::json;

use crate::support::{World, alternating, connections, login, rows, start};

/// A world on a server of this module's own: a migration looks into every database.
async fn world() -> World {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    World::at(SERVER.get_or_init(start)).await
}

/// A pair of this name in the database of a master as RDS has it, after two rotations.
async fn staffed(world: &World, master: &str, user: &str) -> String {
    world
        .sql(&format!(
            "CREATE ROLE {master} LOGIN CREATEROLE CREATEDB PASSWORD 'of master'"
        ))
        .await;
    world
        .sql(&format!("CREATE DATABASE {master} OWNER {master}"))
        .await;
    let session = login(world.server.port(), master, master, "of master")
        .await
        .unwrap();
    rows(&session, &format!("CREATE ROLE {user} LOGIN PASSWORD 'first'"))
        .await
        .unwrap();
    let superuser = world.secret("superuser", &world.document(master, "of master", &json!({})));
    let more = json!({ "masterarn": superuser, "dbname": master });
    let arn = world.secret("rotated", &world.document(user, "first", &more));
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
    arn
}

async fn in_database(world: &World, arn: &str, label: &str, database: &str) -> tokio_postgres::Client {
    let (user, password) = world.credential(arn, label);
    login(world.server.port(), database, &user, &password)
        .await
        .unwrap()
}

/// PostgreSQL only warns of a GRANT by somebody who may not: nothing is taken away before it has had its effect.
#[tokio::test]
async fn a_right_that_the_master_cannot_give_is_not_lost() {
    let world = world().await;
    let arn = staffed(&world, "head", "hand").await;
    world.sql("CREATE ROLE vendor").await;
    world.sql_in(
        "head",
        "CREATE SCHEMA v AUTHORIZATION vendor; SET ROLE vendor; CREATE TABLE v.t (x int); CREATE TABLE v.passed (x int); \
         GRANT USAGE ON SCHEMA v TO head, hand; GRANT SELECT ON v.t TO head, hand; \
         GRANT SELECT ON v.passed TO hand WITH GRANT OPTION",
    )
    .await;
    let store = world.simulator.store();
    let migration = Migration::new(connections(), "hand_owner");
    let plan = migration.plan(&store, &arn).await.unwrap();
    assert!(
        plan.to_string()
            .contains("-- as hand, in database head\nGRANT SELECT ON TABLE v.passed"),
        "who may pass a right on does: {plan}"
    );
    let error = migration
        .apply(&store, &arn, &plan)
        .await
        .unwrap_err()
        .to_string();
    for part in [
        "GRANT SELECT ON TABLE v.t TO \"hand_owner\" (in database head)",
        "GRANT USAGE ON SCHEMA v TO \"hand_owner\"",
        "Nothing was taken away",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    for label in [AWSCURRENT, AWSPREVIOUS] {
        let user = in_database(&world, &arn, label, "head").await;
        rows(&user, "SELECT * FROM v.t").await.unwrap();
    }
    world
        .sql_in(
            "head",
            "SET ROLE vendor; GRANT USAGE ON SCHEMA v TO hand_owner; GRANT SELECT ON v.t TO hand_owner",
        )
        .await;
    let plan = migration.plan(&store, &arn).await.unwrap();
    migration.apply(&store, &arn, &plan).await.unwrap();
    for label in [AWSCURRENT, AWSPREVIOUS] {
        let user = in_database(&world, &arn, label, "head").await;
        rows(&user, "SELECT * FROM v.t; SELECT * FROM v.passed")
            .await
            .unwrap();
    }
}

/// The usual SECURITY DEFINER pattern: a function of the user's in a schema where it may not create.
#[tokio::test]
async fn what_lies_in_a_schema_where_the_user_may_not_create_moves_too() {
    let world = world().await;
    for (master, user, superuser) in [("chief", "clerk", false), ("chair", "typist", true)] {
        let arn = staffed(&world, master, user).await;
        world
            .sql_in(
                master,
                &format!(
                    "CREATE SCHEMA api AUTHORIZATION {master}; GRANT USAGE ON SCHEMA api TO {user}; \
                 CREATE FUNCTION api.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; \
                 ALTER FUNCTION api.f() OWNER TO {user}"
                ),
            )
            .await;
        if superuser {
            world.sql(&format!("ALTER ROLE {master} SUPERUSER")).await;
        }
        let store = world.simulator.store();
        let migration = Migration::new(connections(), format!("{user}_owner"));
        let plan = migration.plan(&store, &arn).await.unwrap();
        migration
            .apply(&store, &arn, &plan)
            .await
            .unwrap_or_else(|error| panic!("{error}: {plan}"));
        let again = migration.plan(&store, &arn).await.unwrap();
        assert!(again.steps().is_empty(), "{again}");
        let session = in_database(&world, &arn, AWSCURRENT, master).await;
        let may = format!(
            "SELECT proowner::regrole::text, has_schema_privilege('{user}_owner', 'api', 'CREATE') FROM pg_proc WHERE proname = 'f'"
        );
        assert_eq!(
            rows(&session, &may).await.unwrap(),
            [[format!("{user}_owner"), "f".to_owned()]]
        );
    }
}

#[tokio::test]
async fn defaults_that_the_users_have_apart_converge_on_the_narrower() {
    let world = world().await;
    let arn = world.pair("apart").await;
    world
        .sql("CREATE ROLE apart_reports; CREATE SCHEMA apart_s; GRANT ALL ON SCHEMA apart_s TO apart")
        .await;
    for (label, sql) in [
        (
            AWSCURRENT,
            "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        ),
        (
            AWSPREVIOUS,
            "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO apart_reports; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA apart_s GRANT SELECT ON TABLES TO apart_reports WITH GRANT OPTION",
        ),
    ] {
        rows(&world.login(&arn, label).await.unwrap(), sql).await.unwrap();
    }
    let store = world.simulator.store();
    let migration = Migration::new(connections(), "apart_owner");
    let plan = migration.plan(&store, &arn).await.unwrap();
    migration.apply(&store, &arn, &plan).await.unwrap();
    let again = migration.plan(&store, &arn).await.unwrap();
    assert!(again.steps().is_empty(), "{again}");
    let user = world.login(&arn, AWSCURRENT).await.unwrap();
    let made =
        "CREATE FUNCTION apart_s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE apart_s.t (x int)";
    rows(&user, made).await.unwrap();
    let seen = "SELECT has_function_privilege('pg_monitor', 'apart_s.f()', 'EXECUTE'), \
                has_function_privilege('apart_reports', 'apart_s.f()', 'EXECUTE'), \
                has_table_privilege('apart_reports', 'apart_s.t', 'SELECT WITH GRANT OPTION')";
    assert_eq!(world.sql(seen).await, [["f", "t", "t"]]);
}

/// What would fail half way is found before anything is changed.
#[tokio::test]
async fn what_stands_in_the_way_is_said_before_anything_is_changed() {
    let world = world().await;
    let rows: [(&str, &str, &str); 4] = [
        (
            "blocked_a",
            "CREATE ROLE mid; GRANT blocked_a TO mid; GRANT mid TO blocked_a_clone",
            "mid stands between the two users",
        ),
        (
            "blocked_b",
            "CREATE ROLE blocked_b_owner; GRANT blocked_b TO blocked_b_owner",
            "is a member of blocked_b, which is to be a member of it",
        ),
        (
            "blocked_c",
            "CREATE ROLE blocked_c_owner NOINHERIT",
            "ALTER ROLE blocked_c_owner INHERIT",
        ),
        (
            "blocked_d",
            "CREATE ROLE blocked_d_owner SUPERUSER",
            "is a superuser",
        ),
    ];
    for (user, sql, words) in rows {
        let arn = world.pair(user).await;
        world.sql(sql).await;
        let migration = Migration::new(connections(), format!("{user}_owner"));
        let error = migration
            .plan(&world.simulator.store(), &arn)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{words} is not in {error}");
    }
    let arn = staffed(&world, "poor", "owns_one").await;
    world.sql("CREATE DATABASE of_owns_one OWNER owns_one; ").await;
    world.sql("ALTER ROLE poor NOCREATEDB").await;
    let migration = Migration::new(connections(), "owns_one_owner");
    let store = world.simulator.store();
    let error = migration.plan(&store, &arn).await.unwrap_err().to_string();
    assert!(error.contains("ALTER ROLE poor CREATEDB"), "{error}");
    world.sql("ALTER ROLE poor CREATEDB").await;
    world
        .sql("ALTER DATABASE of_owns_one ALLOW_CONNECTIONS false")
        .await;
    let error = migration.plan(&store, &arn).await.unwrap_err().to_string();
    assert!(
        error.contains("ALTER DATABASE of_owns_one ALLOW_CONNECTIONS true"),
        "{error}"
    );
    world
        .sql("ALTER DATABASE of_owns_one ALLOW_CONNECTIONS true")
        .await;
    if world.server.major() >= 16 {
        world.sql("GRANT owns_one TO owns_one_clone").await;
        let error = migration.plan(&store, &arn).await.unwrap_err().to_string();
        assert!(
            error.contains(
                "owns_one_clone was made a member of owns_one by postgres, which poor may not undo"
            ),
            "{error}"
        );
        world
            .sql("REVOKE owns_one FROM owns_one_clone GRANTED BY postgres")
            .await;
    }
    // A rotation under way.
    world.simulator.operator().rotate(&arn).unwrap();
    let error = migration.plan(&store, &arn).await.unwrap_err().to_string();
    assert!(
        error.contains("a rotation of this secret is under way"),
        "{error}"
    );
    world.run(alternating()).await;
    let plan = migration.plan(&store, &arn).await.unwrap();
    migration.apply(&store, &arn, &plan).await.unwrap();
    let owner = "SELECT datdba::regrole FROM pg_database WHERE datname = 'of_owns_one'";
    assert_eq!(world.sql(owner).await, [["owns_one_owner"]]);
}

/// What is not carried over, or means another thing from then on, is in the notes.
#[tokio::test]
async fn what_a_person_has_to_know_is_noted() {
    let world = world().await;
    let arn = world.pair("noted").await;
    world
        .sql("CREATE ROLE noted_team; GRANT noted_team TO noted WITH ADMIN OPTION; ALTER ROLE noted CREATEDB; \
              CREATE ROLE noted_reader; GRANT noted TO noted_reader; CREATE SCHEMA noted AUTHORIZATION noted; \
              CREATE FOREIGN DATA WRAPPER noted_fdw; CREATE SERVER noted_srv FOREIGN DATA WRAPPER noted_fdw; \
              CREATE USER MAPPING FOR noted SERVER noted_srv; CREATE TABLE noted.v (x int); \
              CREATE POLICY few ON noted.v AS RESTRICTIVE TO noted_clone USING (x < 2)")
        .await;
    let plan = Migration::new(connections(), "noted_owner")
        .plan(&world.simulator.store(), &arn)
        .await
        .unwrap();
    let notes = plan.notes().join("\n");
    for part in [
        "noted has the ADMIN OPTION for noted_team",
        "noted has CREATEDB",
        "noted_reader is a member of noted",
        "1 entries of pg_user_mapping that name noted",
        "noted_clone finds unqualified names in the schema noted first",
        "the restrictive policy few on noted.v is for noted_clone alone",
        "pg_cancel_backend",
    ] {
        assert!(notes.contains(part), "{part} is not in {notes}");
    }
}

#[tokio::test]
async fn what_is_not_fit_is_refused_and_nothing_is_changed() {
    let world = world().await;
    let store = world.simulator.store();
    let arn = world.user("unfit").await;
    let migration = Migration::new(connections(), "unfit_owner");
    let said = async |arn: &str, migration: &Migration| {
        let error = migration.plan(&store, arn).await.unwrap_err();
        rotation_core::chain(&error).to_string()
    };
    let text = said(&arn, &migration).await;
    assert!(
        text.contains("AWSPREVIOUS") && text.contains("rotate the secret once more"),
        "{text}"
    );
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
    for (owner, part) in [
        ("unfit", "a role of its own"),
        ("", "is empty"),
        ("pg_own", "is reserved"),
    ] {
        let text = said(&arn, &Migration::new(connections(), owner)).await;
        assert!(text.contains(part), "{text}");
    }
    for (make, part, unmake) in [
        (
            "ALTER ROLE unfit NOINHERIT",
            "NOINHERIT",
            "ALTER ROLE unfit INHERIT",
        ),
        (
            "ALTER ROLE unfit_clone SET role = 'unfit_clone'",
            "already begins its sessions as unfit_clone",
            "ALTER ROLE unfit_clone RESET role",
        ),
        (
            "CREATE ROLE unfit_owner LOGIN",
            "can log in",
            "DROP ROLE unfit_owner",
        ),
    ] {
        world.sql(make).await;
        let text = said(&arn, &migration).await;
        assert!(text.contains(part), "{text}");
        world.sql(unmake).await;
    }
    let none = world
        .sql("SELECT 1 FROM pg_roles WHERE rolname = 'unfit_owner'")
        .await;
    assert!(none.is_empty());
}
