//! What is refused, with nothing changed: targets, hosts, and values that aim elsewhere.

use rotation_core::{AWSCURRENT, SecretValue};
use rotation_postgres::{
    AlternatingUsers, BackendError, Endpoint, OwnerRole, SameHost, StepContext, SuperuserHosts,
    SuperuserLink, async_trait,
};
use rotation_testkit::Faults;
use serde_json::{Value, json};

use crate::support::{World, alternating, errors, proxy, single};

/// The passwords and memberships of a pair.
async fn roles(world: &World, user: &str) -> Vec<Vec<String>> {
    let sql = "SELECT rolname, rolpassword, (SELECT count(*) FROM pg_auth_members WHERE member = a.oid) \
               FROM pg_authid a ORDER BY 1";
    let all = world.sql(sql).await;
    let base = user.trim_end_matches("_clone");
    all.into_iter()
        .filter(|row| row[0].trim_end_matches("_clone") == base)
        .collect()
}

/// Fails with these words, and leaves every role as it was.
async fn refused(world: &World, backend: AlternatingUsers, arn: &str, words: &[&str]) {
    let (user, _) = world.credential(arn, AWSCURRENT);
    let before = roles(world, &user).await;
    let said = world.fails(backend, arn).await;
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
    assert_eq!(roles(world, &user).await, before);
}

/// A secret for a user that exists, with more keys.
async fn secret(world: &World, user: &str, more: Value) -> String {
    world
        .sql(&format!("CREATE ROLE \"{user}\" LOGIN PASSWORD 'first'"))
        .await;
    world.secret("rotated", &world.document(user, "first", &more))
}

#[tokio::test]
async fn superusers_and_reserved_roles_do_not_alternate() {
    let world = World::new().await;
    let arn = world.user("mighty").await;
    world.sql("ALTER ROLE mighty SUPERUSER").await;
    refused(&world, alternating(), &arn, &["mighty is a superuser"]).await;

    // The second user is one: a secret for postgres_clone would lead to postgres.
    let arn = world.user("postgres_clone").await;
    refused(&world, alternating(), &arn, &["postgres is a superuser"]).await;

    let arn = world.user("member").await;
    world
        .sql("CREATE ROLE rds_superuser; GRANT rds_superuser TO member")
        .await;
    refused(&world, alternating(), &arn, &["member of rds_superuser"]).await;

    let arn = world.secret("rotated", &world.document("rdsadmin", "x", &json!({})));
    refused(&world, alternating(), &arn, &["rdsadmin is a reserved role"]).await;
    let arn = world.secret("rotated", &world.document("pg_monitor", "x", &json!({})));
    refused(&world, alternating(), &arn, &["pg_monitor is a reserved role"]).await;
}

#[tokio::test]
async fn the_superuser_secrets_own_user_is_refused() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'first'")
        .await;
    let own = world.secret("superuser", &world.document("boss", "first", &json!({})));
    let arn = world.secret(
        "rotated",
        &world.document("boss", "first", &json!({ "masterarn": own })),
    );
    refused(
        &world,
        alternating(),
        &arn,
        &["boss is the superuser secret's own user"],
    )
    .await;
}

#[tokio::test]
async fn an_unrelated_role_is_not_taken_over() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE billing_clone LOGIN PASSWORD 'somebody else'")
        .await;
    let arn = world.user("billing").await;
    let words = [
        "nothing says that it is the second user",
        "GRANT \"billing\" TO \"billing_clone\"",
    ];
    refused(&world, alternating(), &arn, &words).await;
    world.sql("GRANT billing TO billing_clone").await;
    world.release(&arn);
    world.rotated(alternating(), &arn).await;
}

#[tokio::test]
async fn a_pending_value_that_aims_elsewhere_meets_no_connection() {
    let world = World::new().await;
    let proxy = proxy(world.server, Faults::new()).await;
    let rows: [(&str, Value); 5] = [
        ("host", "127.0.0.1".into()),
        ("port", 1.into()),
        ("dbname", "template1".into()),
        ("username", "postgres".into()),
        ("ssl", false.into()),
    ];
    for (number, (key, value)) in rows.into_iter().enumerate() {
        for alternates in [true, false] {
            let mut world = World::new().await;
            world.port = proxy.port();
            world.simulator.configure(|options| options.replays = 0);
            let arn = world.user(&format!("aim_{number}_{alternates}")).await;
            world.simulator.operator().rotate(&arn).unwrap();
            let pending = world
                .simulator
                .labels(&arn)
                .version_with("AWSPENDING")
                .unwrap()
                .to_owned();
            let mut document = world.value(&arn, AWSCURRENT);
            if alternates {
                document["username"] = format!("aim_{number}_{alternates}_clone").into();
            }
            document[key] = value.clone();
            let value = SecretValue::text(document.to_string());
            let function = world.simulator.operator().as_function();
            function
                .put_with_token(&arn, &pending, value, &["AWSPENDING"])
                .unwrap();
            let before = proxy.connections();
            let runs = match alternates {
                true => world.run(alternating()).await,
                false => world.run(single()).await,
            };
            let said = errors(&runs).remove(0);
            assert!(said.contains("No connection was made"), "{said}");
            assert_eq!(proxy.connections(), before);
        }
    }
}

#[tokio::test]
async fn the_superuser_secret_has_to_be_for_the_same_host() {
    let world = World::new().await;
    let superuser = world.document(
        "postgres",
        world.server.superuser_password(),
        &json!({ "host": "127.0.0.1" }),
    );
    let superuser = world.secret("superuser", &superuser);
    let arn = secret(&world, "hosts", json!({ "masterarn": superuser })).await;
    let words = ["for the host 127.0.0.1, and this secret for localhost; it was not used"];
    refused(&world, alternating(), &arn, &words).await;

    /// As for a reader endpoint or a CNAME.
    struct Pair;

    #[async_trait]
    impl SuperuserHosts for Pair {
        async fn endpoint(
            &self,
            _: &StepContext<'_>,
            link: SuperuserLink<'_>,
        ) -> Result<Option<Endpoint>, BackendError> {
            let known = link.rotated().host() == "localhost";
            Ok(link
                .named()
                .filter(|named| known && named.host() == "127.0.0.1")
                .cloned())
        }
    }
    world.release(&arn);
    world.rotated(alternating().with_superuser_at(Pair), &arn).await;
}

#[tokio::test]
async fn a_superuser_secret_of_rds_needs_the_callers_word() {
    let world = World::new().await;
    let bare = json!({ "username": "postgres", "password": world.server.superuser_password() });
    let bare = world.secret("rds!db", &bare);
    let arn = secret(&world, "bare", json!({ "masterarn": bare })).await;
    refused(
        &world,
        alternating(),
        &arn,
        &["names no host", "SameHost::named_or_absent"],
    )
    .await;
    world.release(&arn);
    world
        .rotated(alternating().with_superuser_at(SameHost::named_or_absent()), &arn)
        .await;
}

#[tokio::test]
async fn the_superuser_secret_is_not_read_unless_the_current_user_logs_in() {
    let world = World::new().await;
    let arn = world.user("outsider").await;
    world.sql("ALTER ROLE outsider PASSWORD 'unknown'").await;
    refused(
        &world,
        alternating(),
        &arn,
        &["the current user outsider could not log in", "28P01"],
    )
    .await;
    assert_eq!(world.superuser_reads(&arn), 0);
}

#[tokio::test]
async fn an_owner_role_has_to_be_fit() {
    let world = World::new().await;
    let rows = [
        (
            "missing",
            "",
            "does not exist; run: CREATE ROLE \"fit_missing\" NOLOGIN",
        ),
        (
            "login",
            "CREATE ROLE fit_login LOGIN",
            "ALTER ROLE \"fit_login\" NOLOGIN",
        ),
        ("super", "CREATE ROLE fit_super SUPERUSER", "is a superuser"),
        ("maker", "CREATE ROLE fit_maker CREATEROLE", "NOCREATEROLE"),
        ("fine", "CREATE ROLE fit_fine", "does not act as that role yet"),
    ];
    for (name, sql, words) in rows {
        world.sql(sql).await;
        let arn = world.user(&format!("user_{name}")).await;
        let backend = alternating().with_owner_role(OwnerRole::existing(format!("fit_{name}")));
        refused(&world, backend, &arn, &[words]).await;
    }
    for bad in ["", "pg_read_all_data", "none", "bad_user", "bad_user_clone"] {
        let world = World::new().await;
        world.simulator.configure(|options| options.replays = 0);
        let arn = world.secret("rotated", &world.document("bad_user", "x", &json!({})));
        let backend = alternating().with_owner_role(OwnerRole::existing(bad));
        refused(&world, backend, &arn, &["the name of the owner role"]).await;
    }
}

/// On PostgreSQL 16 and later CREATEROLE reaches only what one has the ADMIN OPTION for.
#[tokio::test]
async fn a_superuser_with_only_createrole_is_told_which_grant_is_missing() {
    let world = World::new().await;
    world
        .sql("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'first'")
        .await;
    let maker = world.secret("superuser", &world.document("maker", "first", &json!({})));
    let arn = secret(&world, "made", json!({ "masterarn": maker })).await;
    if world.server.major() >= 16 {
        let words = ["GRANT \"made\" TO \"maker\" WITH ADMIN OPTION", "42501"];
        refused(&world, alternating(), &arn, &words).await;
        world.sql("GRANT made TO maker WITH ADMIN OPTION").await;
        world.release(&arn);
    }
    for _ in 0..4 {
        world.rotated(alternating(), &arn).await;
    }
    // It made the second user, so it may change it.
    world
        .sql("ALTER ROLE made_clone PASSWORD 'lost'; ALTER ROLE made_clone CONNECTION LIMIT 3")
        .await;
    world.rotated(alternating(), &arn).await;
    world.rotated(alternating(), &arn).await;
}
