//! What the users of a pair, and one more, may do before a migration and after it.

use std::collections::BTreeSet;

use rotation_core::{AWSCURRENT, AWSPREVIOUS};
use rotation_postgres::Migration;

use super::{migrated, world};
use crate::support::{World, connections, login, rows};

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
    WHERE EXISTS (SELECT FROM aclexplode(lomacl) WHERE pg_has_role(grantee, 'USAGE')) ORDER BY 1";

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
            let session = login(world.server.port(), database, &user, &password)
                .await
                .unwrap();
            // Names are printed whole, whatever the search path is.
            let found = rows(&session, &format!("SET search_path = pg_catalog; {PRIVILEGES}"))
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
    login(world.server.port(), "moved_crm", "postgres", password)
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
    let world = world().await;
    let arn = world.pair("moved").await;
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
    world.rotated(migrated("moved_owner"), &arn).await;
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
