//! A pair made as AWS's template makes it gets a shared owner role.

mod limits;
mod privileges;

use std::sync::OnceLock;

use rotation_core::{AWSCURRENT, AWSPREVIOUS, SecretValue};
use rotation_postgres::{AlternatingUsers, Migration, MigrationPlan, MigrationStep, OwnerRole};
use rotation_test_servers::postgres::PostgresServer;
use serde_json::json;

use crate::support::{World, alternating, connections, login, rows, start};

/// The alternating users of a pair that was migrated to this role.
fn migrated(owner: &str) -> AlternatingUsers {
    alternating().with_owner_role(OwnerRole::existing(owner))
}

/// A world on a server of this module's own: a migration looks into every database.
async fn world() -> World {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    World::at(SERVER.get_or_init(start)).await
}

/// Runs what a plan begins with, up to where another user or database comes: one transaction.
async fn run_first_group(world: &World, arn: &str, plan: &MigrationPlan, superuser: (&str, &str)) {
    let of = |step: &MigrationStep| (step.user().map(str::to_owned), step.database().to_owned());
    let (user, database) = of(&plan.steps()[0]);
    let group = plan
        .steps()
        .iter()
        .take_while(|step| of(step) == (user.clone(), database.clone()));
    let all: Vec<&str> = group.map(MigrationStep::statement).collect();
    let known = [AWSCURRENT, AWSPREVIOUS].map(|label| world.credential(arn, label));
    let user = user.unwrap_or_else(|| superuser.0.to_owned());
    let password = match known.iter().find(|(name, _)| *name == user) {
        Some((_, password)) => password.as_str(),
        None => {
            assert_eq!(user, superuser.0);
            superuser.1
        }
    };
    let session = login(world.server.port(), &database, &user, password)
        .await
        .unwrap();
    let sql = format!("BEGIN; SET ROLE NONE; {}; COMMIT", all.join("; "));
    rows(&session, &sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

#[tokio::test]
async fn a_migration_that_broke_off_between_any_two_transactions_goes_on() {
    let world = world().await;
    let arn = world.pair("halves").await;
    for label in [AWSCURRENT, AWSPREVIOUS] {
        let user = world.login(&arn, label).await.unwrap();
        rows(
            &user,
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor",
        )
        .await
        .unwrap();
    }
    world
        .sql("CREATE SCHEMA halves AUTHORIZATION halves; CREATE TABLE halves.t (x int); ALTER TABLE halves.t OWNER TO halves")
        .await;
    world.sql("CREATE DATABASE halves_db OWNER halves_clone").await;
    let store = world.simulator.store();
    let migration = Migration::new(connections(), "halves_owner");
    let mut rounds = 0;
    loop {
        let plan = migration.plan(&store, &arn).await.unwrap();
        if plan.steps().is_empty() {
            break;
        }
        run_first_group(
            &world,
            &arn,
            &plan,
            ("postgres", world.server.superuser_password()),
        )
        .await;
        for label in [AWSCURRENT, AWSPREVIOUS] {
            let user = world.login(&arn, label).await.unwrap();
            rows(&user, "SELECT * FROM halves.t; INSERT INTO halves.t VALUES (1)")
                .await
                .unwrap();
        }
        rounds += 1;
        assert!(rounds < 30, "{plan}");
    }
    println!("{rounds} transactions, a new plan after each");
    assert_eq!(
        rounds, 4,
        "the superuser, each user what it owns and how it begins, the superuser"
    );
    world.rotated(migrated("halves_owner"), &arn).await;
}

/// As on Amazon RDS: the master user owns the database, may create roles and databases, and is no superuser.
#[tokio::test]
async fn a_master_that_is_no_superuser_migrates_and_keeps_no_right() {
    let world = world().await;
    world
        .sql("CREATE ROLE boss LOGIN CREATEROLE CREATEDB PASSWORD 'of boss'")
        .await;
    world.sql("CREATE DATABASE bosses OWNER boss").await;
    let in_bosses = async |user: &str, password: &str| {
        login(world.server.port(), "bosses", user, password)
            .await
            .unwrap()
    };
    let boss = in_bosses("boss", "of boss").await;
    rows(
        &boss,
        "CREATE ROLE staff LOGIN PASSWORD 'first'; CREATE TABLE ours (x int); GRANT SELECT ON ours TO staff; \
         GRANT USAGE, CREATE ON SCHEMA public TO staff",
    )
    .await
    .unwrap();
    let postgres = in_bosses("postgres", world.server.superuser_password()).await;
    rows(&postgres, "CREATE SCHEMA staff AUTHORIZATION staff")
        .await
        .unwrap();
    world.sql("CREATE DATABASE staffs OWNER staff").await;
    let superuser = world.secret("superuser", &world.document("boss", "of boss", &json!({})));
    let more = json!({ "masterarn": superuser, "dbname": "bosses" });
    let arn = world.secret("rotated", &world.document("staff", "first", &more));
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
    for label in [AWSCURRENT, AWSPREVIOUS] {
        let (user, password) = world.credential(&arn, label);
        let session = in_bosses(&user, &password).await;
        let sql = format!(
            "CREATE TABLE public.of_{user} (x int); CREATE FUNCTION of_{user}() RETURNS int LANGUAGE sql AS 'SELECT 1'"
        );
        rows(&session, &sql).await.unwrap();
    }
    let memberships = "SELECT r.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid \
                       JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = 'boss' AND pg_has_role(m.oid, r.oid, 'USAGE')";
    let before = world.sql(memberships).await;
    let store = world.simulator.store();
    let migration = Migration::new(connections(), "staff_owner");
    let plan = migration.plan(&store, &arn).await.unwrap();
    println!("{plan}");
    let text = plan.to_string();
    for part in [
        "-- as boss, in database bosses",
        "GRANT \"staff\" TO \"boss\"",
        "ALTER SCHEMA staff OWNER TO \"staff_owner\"",
        "ALTER DATABASE staffs OWNER TO \"staff_owner\"",
        "REVOKE \"staff_owner\" FROM \"boss\"",
        "-- as staff, in database bosses",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    migration.apply(&store, &arn, &plan).await.unwrap();
    assert_eq!(world.sql(memberships).await, before, "the master keeps no right");
    let again = migration.plan(&store, &arn).await.unwrap();
    assert!(again.steps().is_empty(), "{again}");
    for label in [AWSCURRENT, AWSPREVIOUS, AWSCURRENT] {
        let (user, password) = world.credential(&arn, label);
        let session = in_bosses(&user, &password).await;
        let sql = "SELECT * FROM ours; ALTER TABLE public.of_staff ADD y int; ALTER TABLE public.of_staff DROP y; \
                   ALTER TABLE public.of_staff_clone ADD y int; ALTER TABLE public.of_staff_clone DROP y; \
                   ALTER FUNCTION staff.of_staff() COST 7; CREATE TABLE staff.later (x int); DROP TABLE staff.later";
        rows(&session, sql).await.unwrap();
        world.rotated(migrated("staff_owner"), &arn).await;
    }
}

/// What `docs/postgres.md` says for leaving the role, statement by statement.
#[tokio::test]
async fn the_way_back_is_as_the_manual_has_it() {
    let world = world().await;
    let arn = world.pair("app").await;
    world
        .sql("CREATE TABLE kept (x int); ALTER TABLE kept OWNER TO app; CREATE SCHEMA app AUTHORIZATION app")
        .await;
    world.sql("CREATE DATABASE apps OWNER app").await;
    let store = world.simulator.store();
    let migration = Migration::new(connections(), "app_owner");
    let plan = migration.plan(&store, &arn).await.unwrap();
    migration.apply(&store, &arn, &plan).await.unwrap();
    let manual = include_str!("../../../../docs/postgres.md");
    let (_, back) = manual.split_once("<!-- the way back -->\n```sql\n").unwrap();
    let (back, _) = back.split_once("```").unwrap();
    for part in back.split("-- ").filter(|part| !part.trim().is_empty()) {
        let (place, sql) = part.split_once('\n').unwrap();
        let databases: &[&str] = match place {
            "in each database:" => &["postgres", "apps"],
            "once, in the end:" => &["postgres"],
            other => panic!("{other}"),
        };
        for database in databases {
            world.sql_in(database, sql).await;
        }
    }
    // As a pair of AWS's template is.
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
        for label in [AWSCURRENT, AWSPREVIOUS] {
            let user = world.login(&arn, label).await.unwrap();
            let (name, _) = world.credential(&arn, label);
            assert_eq!(rows(&user, "SELECT current_user").await.unwrap()[0][0], name);
            rows(&user, "SELECT * FROM kept").await.unwrap();
        }
    }
    let owners = "SELECT tableowner FROM pg_tables WHERE tablename = 'kept' \
                  UNION ALL SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'app' \
                  UNION ALL SELECT datdba::regrole::text FROM pg_database WHERE datname = 'apps'";
    assert_eq!(world.sql(owners).await, [["app"], ["app"], ["app"]]);
}

/// Without a superuser secret a person runs what is named, and the rest is run.
#[tokio::test]
async fn without_a_superuser_secret_an_administrator_is_told_what_to_run() {
    let world = world().await;
    let arn = world.pair("manual").await;
    let documents = [AWSPREVIOUS, AWSCURRENT].map(|label| {
        let (user, password) = world.credential(&arn, label);
        world.document(&user, &password, &json!({}))
    });
    let lone = world.secret("lone", &documents[0]);
    let value = SecretValue::text(documents[1].to_string());
    world.simulator.operator().put(&lone, value).unwrap();
    for label in [AWSCURRENT, AWSPREVIOUS] {
        let user = world.login(&lone, label).await.unwrap();
        rows(
            &user,
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor",
        )
        .await
        .unwrap();
    }
    let store = world.simulator.store();
    let migration = Migration::new(connections(), "manual_owner");
    let mut rounds = 0;
    loop {
        let plan = migration.plan(&store, &lone).await.unwrap();
        if plan.steps().is_empty() {
            break;
        }
        assert!(plan.to_string().contains("-- as an administrator"), "{plan}");
        let error = migration
            .apply(&store, &lone, &plan)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("names no superuser secret (\"masterarn\")"),
            "{error}"
        );
        let (_, statements) = error.split_once("then plan anew: ").unwrap();
        world.sql(statements).await;
        rounds += 1;
    }
    assert_eq!(
        rounds, 2,
        "the role and its members, and the membership of one in the other"
    );
    world.rotated(migrated("manual_owner"), &lone).await;
    world.rotated(migrated("manual_owner"), &lone).await;
}
