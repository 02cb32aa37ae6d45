//! Two users that take turns, on a real server.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use rotation_core::{AWSCURRENT, AWSPREVIOUS};
use serde_json::json;

mod support;

use support::{World, alternating, login, rows};

/// The calls that read another secret than the rotated one.
fn superuser_reads(world: &World, superuser: &str) -> usize {
    let calls = world.simulator.calls();
    calls.iter().filter(|call| call.secret_id == superuser).count()
}

#[tokio::test]
async fn the_second_user_is_created_and_then_both_take_turns() {
    let world = World::new().await;
    let arn = world.user("turns").await;
    world.rotated(alternating(), &arn).await;
    assert_eq!(world.credential(&arn, AWSCURRENT).0, "turns_clone");
    world.login(&arn, AWSPREVIOUS).await.unwrap();
    for user in ["turns", "turns_clone", "turns"] {
        world.rotated(alternating(), &arn).await;
        assert_eq!(world.credential(&arn, AWSCURRENT).0, user);
        world.login(&arn, AWSPREVIOUS).await.unwrap();
    }
}
