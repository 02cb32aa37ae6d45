//! A setSecret that stands still before its statement while its rotation is given up and a later one is promoted.
//!
//! What these tests show is a gap: the late statement replaces the password of `AWSCURRENT`. A lock alone does not
//! close it, as setSecret would have to ask under the lock whether its rotation is still pending.

use rotation_core::{AWSCURRENT, CredentialBackend, ErrorClass};
use rotation_postgres::SingleUser;
use rotation_testkit::StepResult;

use crate::support::{
    TIME, alternating_in_clear, behind_a_gate, connections, errors, login, rows, sharing_in_clear,
};

/// The statement that sets a password.
const SET: &str = "PASSWORD 'SCRAM-SHA-256$";

fn single_in_clear() -> SingleUser {
    SingleUser::new(connections().allowing_plaintext()).assisted_by_superuser()
}

/// Answers whether the late statement came through, and with it ended the current login.
async fn arrives_late(user: &str, backend: impl CredentialBackend + Clone) -> bool {
    let (world, gate, arn) = behind_a_gate(user, backend.clone()).await;
    let rotator = world.rotator(backend.clone());
    world.simulator.operator().rotate(&arn).unwrap();
    world.done(&rotator).await;
    let held = gate.hold(SET);
    let later = async {
        held.reached().await;
        world.release(&arn);
        world.rotated(backend.clone(), &arn).await;
        held.release();
    };
    let (late, ()) = tokio::join!(world.simulator.step(&rotator, TIME), later);
    let came_through = late.unwrap().result.is_done();
    assert_eq!(world.login(&arn, AWSCURRENT).await.is_err(), came_through);
    came_through
}

#[tokio::test]
async fn a_late_set_of_a_single_user_replaces_the_current_password() {
    assert!(arrives_late("late_single", single_in_clear()).await);
}

#[tokio::test]
async fn a_late_set_of_a_pair_replaces_the_current_password() {
    assert!(arrives_late("late_pair", alternating_in_clear()).await);
    assert!(arrives_late("late_shared", sharing_in_clear("late_shared_owner")).await);
}

/// Another session changes the user at the same time: setSecret fails as unavailable, and its replay gets through.
#[tokio::test]
async fn a_set_that_waits_for_another_change_is_replayed() {
    let (world, _gate, arn) = behind_a_gate("together", single_in_clear()).await;
    let server = world.server;
    let other = login(server.port(), "postgres", "postgres", server.superuser_password());
    let other = other.await.unwrap();
    rows(&other, "BEGIN; ALTER ROLE together CONNECTION LIMIT 9")
        .await
        .unwrap();
    let rotator = world.rotator(single_in_clear());
    world.simulator.operator().rotate(&arn).unwrap();
    world.done(&rotator).await;
    let commit = async {
        world.waits_to_change("together").await;
        rows(&other, "COMMIT").await.unwrap();
    };
    let (set, ()) = tokio::join!(world.simulator.step(&rotator, TIME), commit);
    let StepResult::Failed(error) = set.unwrap().result else {
        panic!("it was not in the way");
    };
    let said = rotation_core::chain(&error).to_string();
    assert_eq!(error.class(), ErrorClass::Unavailable, "{said}");
    assert!(
        said.contains("XX000") && said.contains("another rotation"),
        "{said}"
    );
    let runs = world.simulator.run(&rotator, TIME).await;
    assert!(errors(&runs).is_empty(), "{:?}", errors(&runs));
    world.login(&arn, AWSCURRENT).await.unwrap();
}
