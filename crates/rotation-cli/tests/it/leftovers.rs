//! What a dry run that failed leaves pending is no rotation.

use rotation_cli::Exit;
use rotation_core::AWSPENDING;

use crate::support::*;

/// A dry run whose test failed left a copy of `AWSCURRENT` pending, and a function that cannot test.
async fn dry_run_leftover() -> (World, String) {
    let world = World::new().await;
    world
        .simulator
        .configure(|options| options.keeps_pending_after_failed_dry_run = true);
    world.key_secret();
    let function = world.function();
    world.keys.set_down(true);
    let copy = world.simulator.operator().dry_run("crm/key").unwrap();
    function.failed(1).await;
    assert_eq!(world.holder(AWSPENDING), copy);
    (world, copy)
}

#[tokio::test]
async fn what_a_dry_run_left_is_no_rotation_to_go_on_with() {
    let (world, copy) = dry_run_leftover().await;
    world.keys.set_down(false);
    let ran = world
        .own_tool("resume crm/key --here --yes")
        .await
        .ends(Exit::Attention);
    assert!(ran.err.contains("is a copy of AWSCURRENT"), "{}", ran.err);
    assert_eq!(world.holder(AWSPENDING), copy);
}

#[tokio::test]
async fn what_a_dry_run_left_may_be_given_up_though_the_target_is_down() {
    let (world, copy) = dry_run_leftover().await;
    let ran = world
        .own_tool("abandon crm/key --leave-off --yes --output json")
        .await
        .ends(Exit::Done);
    assert!(ran.err.contains("nothing is lost with it"), "{}", ran.err);
    assert!(world.labels(&copy).is_empty());
}
