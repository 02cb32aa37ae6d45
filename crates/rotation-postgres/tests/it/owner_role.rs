//! Two users that share a role which owns what they make.

use rotation_core::{AWSCURRENT, AWSPREVIOUS};

use crate::support::{World, alternating, errors, rows, sharing};

/// Both users of the secret, logged in.
async fn both(world: &World, arn: &str) -> [tokio_postgres::Client; 2] {
    [
        world.login(arn, AWSCURRENT).await.unwrap(),
        world.login(arn, AWSPREVIOUS).await.unwrap(),
    ]
}

#[tokio::test]
async fn what_one_user_makes_the_other_uses_alters_and_drops() {
    let world = World::new().await;
    let arn = world.user("share").await;
    world.rotated(sharing("share_owner"), &arn).await;
    world.sql("GRANT CREATE ON SCHEMA public TO share_owner").await;
    for round in 0..3 {
        for (number, user) in both(&world, &arn).await.iter().enumerate() {
            rows(user, &format!("CREATE TABLE made_{round}_{number} (x int)"))
                .await
                .unwrap();
        }
        world.rotated(sharing("share_owner"), &arn).await;
    }
    let users = both(&world, &arn).await;
    for round in 0..3 {
        for number in 0..2 {
            let table = format!("made_{round}_{number}");
            for (add, user) in users.iter().enumerate() {
                let sql = format!(
                    "INSERT INTO {table} VALUES (1); SELECT * FROM {table}; ALTER TABLE {table} ADD y{add} int; \
                     UPDATE {table} SET y{add} = 1; TRUNCATE {table}"
                );
                rows(user, &sql).await.unwrap();
            }
            rows(&users[round % 2], &format!("DROP TABLE {table}"))
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn neither_user_can_become_the_other_or_reset_its_password() {
    let world = World::new().await;
    let arn = world.user("apart").await;
    world.rotated(sharing("apart_owner"), &arn).await;
    world.rotated(sharing("apart_owner"), &arn).await;
    for (user, other) in both(&world, &arn).await.iter().zip(["apart_clone", "apart"]) {
        for first in ["", "SET ROLE NONE; "] {
            for sql in [
                format!("SET ROLE {other}"),
                format!("ALTER ROLE {other} PASSWORD 'mine'"),
            ] {
                let error = rows(user, &format!("{first}{sql}")).await.unwrap_err();
                assert_eq!(error.code().unwrap().code(), "42501", "{sql}");
            }
        }
    }
    // As in AWS's template, the second user could.
    let arn = world.user("joined").await;
    world.rotated(alternating(), &arn).await;
    let clone = world.login(&arn, AWSCURRENT).await.unwrap();
    rows(&clone, "SET ROLE joined").await.unwrap();
}

#[tokio::test]
async fn a_warm_rotation_with_an_owner_role_reads_no_superuser_secret() {
    let world = World::new().await;
    let arn = world.user("own_warm").await;
    for _ in 0..2 {
        world.rotated(sharing("own_warm_owner"), &arn).await;
    }
    world.simulator.clear_calls();
    for _ in 0..2 {
        world.rotated(sharing("own_warm_owner"), &arn).await;
    }
    assert_eq!(world.superuser_reads(&arn), 0);
    // Where somebody took the membership away, it is given back.
    world.sql("REVOKE own_warm_owner FROM own_warm_clone").await;
    world.rotated(sharing("own_warm_owner"), &arn).await;
    let acts_as = rows(
        &world.login(&arn, AWSCURRENT).await.unwrap(),
        "SELECT current_user",
    )
    .await
    .unwrap();
    assert_eq!(acts_as[0][0], "own_warm_owner");
}

#[tokio::test]
async fn a_pair_that_is_not_migrated_is_refused_and_a_dry_run_says_so() {
    let world = World::new().await;
    let arn = world.user("early").await;
    world.rotated(alternating(), &arn).await;
    world.simulator.configure(|options| options.replays = 0);
    world.simulator.operator().dry_run(&arn).unwrap();
    let runs = world.run(sharing("early_owner")).await;
    let said = errors(&runs).remove(0);
    assert!(
        said.contains("does not act as the owner role early_owner"),
        "{said}"
    );
    let said = world.fails(sharing("early_owner"), &arn).await;
    assert!(
        said.contains("is a member of the other") && said.contains("migrate the pair first"),
        "{said}"
    );
    assert!(
        world
            .sql("SELECT 1 FROM pg_roles WHERE rolname = 'early_owner'")
            .await
            .is_empty()
    );
}
