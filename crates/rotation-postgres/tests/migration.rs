//! A pair made as AWS's template makes it gets a shared owner role.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::collections::BTreeSet;

use rotation_core::{AWSCURRENT, AWSPREVIOUS, SecretValue};
use rotation_postgres::{AlternatingUsers, Migration, MigrationPlan, OwnerRole};
use serde_json::json;

mod support;

use support::{World, alternating, connections, rows};

fn sharing(owner: &str) -> AlternatingUsers {
    alternating().with_owner_role(OwnerRole::existing(owner))
}

/// What a session may do, one line each, as it is right after the login.
const PRIVILEGES: &str = "
    SELECT format('%s %s', c.oid::regclass, p) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE','TRUNCATE','REFERENCES','TRIGGER']) p
    WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind IN ('r', 'v')
        AND has_table_privilege(c.oid, p)
    UNION ALL SELECT format('%s.%s %s', c.oid::regclass, a.attname, p) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(ARRAY['SELECT','UPDATE']) p
    WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind = 'r' AND a.attnum > 0
        AND has_column_privilege(c.oid, a.attnum, p)
    UNION ALL SELECT format('sequence %s USAGE', c.oid::regclass) FROM pg_class c
    WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE') END
    UNION ALL SELECT format('schema %s %s', nspname, p) FROM pg_namespace, unnest(ARRAY['USAGE','CREATE']) p
    WHERE nspname !~ '^pg_' AND has_schema_privilege(oid, p)
    UNION ALL SELECT format('function %s', p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^(pg_|information_schema)' AND has_function_privilege(p.oid, 'EXECUTE')
    UNION ALL SELECT format('database %s %s', datname, p) FROM pg_database, unnest(ARRAY['CREATE','CONNECT','TEMP']) p
    WHERE datname ~ '^moved' AND has_database_privilege(oid, p)
    UNION ALL SELECT format('large object %s SELECT', oid) FROM pg_largeobject_metadata
    WHERE has_largeobject(oid) ORDER BY 1";

/// By database, of both users and of one that reads reports.
async fn privileges(world: &World, arn: &str) -> [BTreeSet<String>; 3] {
    let (current, previous) = (
        world.credential(arn, AWSCURRENT),
        world.credential(arn, AWSPREVIOUS),
    );
    let mut users = [current, previous];
    users.sort();
    let [app, clone] = users;
    let reporting = ("moved_reporting".to_owned(), "reports".to_owned());
    let mut all = Vec::new();
    for (user, password) in [app, clone, reporting] {
        let mut may = BTreeSet::new();
        for database in ["postgres", "moved_crm"] {
            let session = support::login(world.server.port(), database, &user, &password)
                .await
                .unwrap();
            let held = PRIVILEGES.replace(
                "has_largeobject(oid)",
                "EXISTS (SELECT FROM aclexplode(lomacl) WHERE pg_has_role(grantee, 'USAGE'))",
            );
            // Names are printed whole, whatever the search path is.
            let found = rows(&session, &format!("SET search_path = pg_catalog; {held}"))
                .await
                .unwrap();
            may.extend(found.into_iter().map(|row| format!("{database}: {}", row[0])));
        }
        all.push(may);
    }
    all.try_into().unwrap()
}

async fn crm(world: &World) -> tokio_postgres::Client {
    let password = world.server.superuser_password();
    support::login(world.server.port(), "moved_crm", "postgres", password)
        .await
        .unwrap()
}

/// Objects of the kinds that a migration has to think of, in two databases.
async fn furnish(world: &World, arn: &str) {
    world
        .sql(
            "CREATE ROLE moved_reporting LOGIN PASSWORD 'reports'; CREATE ROLE moved_group; CREATE ROLE moved_other; \
             GRANT moved_group TO moved; CREATE SCHEMA moved AUTHORIZATION moved; \
             GRANT USAGE, CREATE ON SCHEMA public TO moved; \
             CREATE TABLE ours (x int, y int); GRANT SELECT, UPDATE (y) ON ours TO moved WITH GRANT OPTION; \
             CREATE TABLE for_group (x int); GRANT INSERT ON for_group TO moved_group; \
             CREATE SEQUENCE numbers; GRANT USAGE ON SEQUENCE numbers TO moved; \
             CREATE FUNCTION sums() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
             REVOKE EXECUTE ON FUNCTION sums() FROM PUBLIC; GRANT EXECUTE ON FUNCTION sums() TO moved_clone; \
             CREATE TABLE secured (x int); ALTER TABLE secured ENABLE ROW LEVEL SECURITY; \
             INSERT INTO secured VALUES (1), (2); GRANT SELECT ON secured TO moved; \
             CREATE POLICY one ON secured TO moved, moved_other USING (x = 1); \
             SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO moved; \
             ALTER DEFAULT PRIVILEGES FOR ROLE moved_other GRANT SELECT ON TABLES TO moved",
        )
        .await;
    world.sql("CREATE DATABASE moved_crm OWNER moved").await;
    rows(
        &crm(world).await,
        "CREATE SCHEMA moved AUTHORIZATION moved; CREATE TABLE moved.visits (x int); \
         ALTER TABLE moved.visits OWNER TO moved_clone; CREATE TABLE theirs (x int); GRANT SELECT ON theirs TO moved",
    )
    .await
    .unwrap();
    let (current, previous) = (
        world.login(arn, AWSCURRENT).await.unwrap(),
        world.login(arn, AWSPREVIOUS).await.unwrap(),
    );
    for (user, number) in [(current, 1), (previous, 2)] {
        let made = format!(
            "CREATE TABLE public.made_{number} (x serial); GRANT SELECT ON public.made_{number} TO moved_reporting; \
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO moved_reporting; \
             ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
        );
        rows(&user, &made).await.unwrap();
    }
}

#[tokio::test]
async fn what_all_three_may_do_stays_and_what_one_makes_the_other_can_drop() {
    let world = World::new().await;
    let arn = world.user("moved").await;
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
    furnish(&world, &arn).await;
    let app = world.login(&arn, AWSCURRENT).await.unwrap();
    rows(&app, "CREATE TABLE unqualified (x int)").await.unwrap();
    let open_before = world.login(&arn, AWSCURRENT).await.unwrap();
    let before = privileges(&world, &arn).await;

    let store = world.simulator.store();
    let migration = Migration::new(connections(), "moved_owner");
    let plan = migration.plan(&store, &arn).await.unwrap();
    println!("{plan}");
    let none = world
        .sql("SELECT 1 FROM pg_roles WHERE rolname = 'moved_owner'")
        .await;
    assert!(none.is_empty(), "a plan changes nothing");
    migration.apply(&store, &arn, &plan).await.unwrap();

    let after = privileges(&world, &arn).await;
    for (who, (before, after)) in ["moved", "moved_clone", "moved_reporting"]
        .iter()
        .zip(before.iter().zip(&after))
    {
        let lost: Vec<_> = before.difference(after).collect();
        let gained: Vec<_> = after.difference(before).collect();
        println!("{who}: {} privileges before, {} after", before.len(), after.len());
        println!("  gained: {gained:?}");
        assert!(lost.is_empty(), "{who} lost {lost:?}");
        assert!(*who != "moved_reporting" || gained.is_empty(), "{gained:?}");
    }
    assert_eq!(after[0], after[1], "both users of the pair may do the same");
    assert!(before[0].len() > 40 && before[0].len() < after[0].len());

    // A session from before goes on; unqualified names mean what they meant; policies hold.
    rows(
        &open_before,
        "SELECT * FROM unqualified; INSERT INTO moved.unqualified VALUES (1)",
    )
    .await
    .unwrap();
    world.rotated(sharing("moved_owner"), &arn).await;
    for label in [AWSCURRENT, AWSPREVIOUS] {
        let user = world.login(&arn, label).await.unwrap();
        let sql =
            format!("SELECT * FROM unqualified; CREATE TABLE by_{label} (x int); SELECT x FROM secured");
        let found = rows(&user, &sql).await.unwrap();
        assert_eq!(
            found,
            [["1"], ["1"]],
            "one of `unqualified`, and one that the policy shows"
        );
    }
    let user = world.login(&arn, AWSCURRENT).await.unwrap();
    for table in [
        "by_awscurrent",
        "by_awsprevious",
        "public.made_1",
        "public.made_2",
    ] {
        let sql = format!("ALTER TABLE {table} ADD y int; DROP TABLE {table}");
        rows(&user, &sql).await.unwrap();
    }
    // Others' default privileges for the users are for the role too, and policies keep whom they named.
    world
        .sql("GRANT CREATE ON SCHEMA public TO moved_other; SET ROLE moved_other; CREATE TABLE public.of_other (x int); RESET ROLE")
        .await;
    rows(&user, "SELECT * FROM public.of_other").await.unwrap();
    let named = "SELECT polroles::regrole[]::text FROM pg_policy WHERE polname = 'one'";
    assert_eq!(world.sql(named).await, [["{moved,moved_other,moved_owner}"]]);
    // Default privileges are the role's.
    rows(
        &user,
        "CREATE TABLE public.later (x int); CREATE FUNCTION public.later() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    )
    .await
    .unwrap();
    let reads = "SELECT has_table_privilege('moved_reporting', 'public.later', 'SELECT'), \
                 has_function_privilege('moved_reporting', 'public.later()', 'EXECUTE')";
    assert_eq!(world.sql(reads).await, [["t", "f"]]);
    for (user, other) in [("moved", "moved_clone"), ("moved_clone", "moved")] {
        let sql = format!("SELECT pg_has_role('{user}', '{other}', 'MEMBER')");
        assert_eq!(world.sql(&sql).await, [["f"]]);
    }
    let again = migration.plan(&store, &arn).await.unwrap();
    assert!(again.steps().is_empty(), "{again}");
}

/// Runs what a plan begins with, up to where another user or database comes: one transaction.
async fn run_first_group(world: &World, arn: &str, plan: &MigrationPlan, superuser: (&str, &str)) {
    let of = |step: &rotation_postgres::MigrationStep| {
        (step.user().map(str::to_owned), step.database().to_owned())
    };
    let (user, database) = of(&plan.steps()[0]);
    let group = plan
        .steps()
        .iter()
        .take_while(|step| of(step) == (user.clone(), database.clone()));
    let all: Vec<&str> = group.map(rotation_postgres::MigrationStep::statement).collect();
    let known = [AWSCURRENT, AWSPREVIOUS].map(|label| world.credential(arn, label));
    let user = user.unwrap_or_else(|| superuser.0.to_owned());
    let password = match known.iter().find(|(name, _)| *name == user) {
        Some((_, password)) => password.as_str(),
        None => {
            assert_eq!(user, superuser.0);
            superuser.1
        }
    };
    let session = support::login(world.server.port(), &database, &user, password)
        .await
        .unwrap();
    let sql = format!("BEGIN; SET ROLE NONE; {}; COMMIT", all.join("; "));
    rows(&session, &sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

#[tokio::test]
async fn a_migration_that_broke_off_between_any_two_transactions_goes_on() {
    let world = World::new().await;
    let arn = world.user("halves").await;
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
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
    world.rotated(sharing("halves_owner"), &arn).await;
}

/// As on Amazon RDS: the master user owns the database, may create roles and databases, and is no superuser.
#[tokio::test]
async fn a_master_that_is_no_superuser_migrates_and_keeps_no_right() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE boss LOGIN CREATEROLE CREATEDB PASSWORD 'of boss'")
        .await;
    world.sql("CREATE DATABASE bosses OWNER boss").await;
    let in_bosses = async |user: &str, password: &str| {
        support::login(world.server.port(), "bosses", user, password)
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
        world.rotated(sharing("staff_owner"), &arn).await;
    }
}

/// What `docs/postgres.md` says for leaving the role, statement by statement.
#[tokio::test]
async fn the_way_back_is_as_the_manual_has_it() {
    let world = World::new().await;
    let arn = world.user("app").await;
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
    world
        .sql("CREATE TABLE kept (x int); ALTER TABLE kept OWNER TO app; CREATE SCHEMA app AUTHORIZATION app")
        .await;
    world.sql("CREATE DATABASE apps OWNER app").await;
    let store = world.simulator.store();
    let migration = Migration::new(connections(), "app_owner");
    let plan = migration.plan(&store, &arn).await.unwrap();
    migration.apply(&store, &arn, &plan).await.unwrap();
    let manual = include_str!("../../../docs/postgres.md");
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
    let world = World::new().await;
    let arn = world.user("manual").await;
    for _ in 0..2 {
        world.rotated(alternating(), &arn).await;
    }
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
    world.rotated(sharing("manual_owner"), &lone).await;
    world.rotated(sharing("manual_owner"), &lone).await;
}
