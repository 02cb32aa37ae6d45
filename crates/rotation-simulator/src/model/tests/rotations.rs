//! The steps of a rotation, and its replays.

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, Step};

use super::world::*;
use crate::model::ErrorCode::{InvalidParameterException, InvalidRequestException};
use crate::model::Principal::{Operator, RotationFunction};
use crate::model::RotationEventName::{RotationFailed, RotationStarted, RotationSucceeded};
use crate::model::{AfterRelease, RotateSecret, ServiceOptions};

#[test]
fn rotating_registers_an_empty_pending_version() {
    let mut world = World::new();
    assert_eq!(world.describe().rotation_enabled, None);
    world.rotate("two").unwrap();
    assert_eq!(world.describe().rotation_enabled, Some(true));
    assert_eq!(world.labels("two"), AWSPENDING);
    assert_eq!(world.listed(true), [token("one")]);
    let invocation = world.next();
    assert_eq!(invocation.event.secret_id(), world.describe().arn);
    assert_eq!(invocation.event.client_request_token(), token("two"));
    assert_eq!(
        invocation.event.rotation_token().unwrap().expose_secret().len(),
        36
    );
    assert_eq!((invocation.attempt, invocation.dry_run), (1, false));
}

#[test]
fn rotating_is_refused_without_token_or_function_or_while_another_is_incomplete() {
    let mut world = World::new();
    let mut request = RotateSecret::new(NAME, &token("two"));
    refused(
        world.ask(Operator, request.clone()),
        InvalidRequestException,
        "No Lambda rotation function ARN is associated with this secret.",
    );
    request.token = None;
    refused(
        world.ask(Operator, request),
        InvalidParameterException,
        "ClientRequestToken",
    );
    assert_eq!(world.describe().rotation_enabled, None);
    world.rotate("two").unwrap();
    refused(
        world.rotate("three"),
        InvalidRequestException,
        "A previous rotation isn't complete. That rotation will be reattempted.",
    );
    assert_eq!(world.labels("three"), "");
    world.rotate("two").unwrap(); // the same request again
    assert_eq!(world.events(), [RotationStarted]);
}

#[test]
fn the_same_token_again_may_have_a_rotation_go_on_that_the_service_has_given_up() {
    let options = ServiceOptions {
        replays: 1,
        goes_on_at_same_token: true,
        ..ServiceOptions::default()
    };
    let mut world = World::with(options);
    world.rotate("two").unwrap();
    let fail = |world: &mut World| {
        let invocation = world.next();
        world.fail(&invocation);
    };
    fail(&mut world);
    assert!(world.model.next_invocation(world.now).is_none());
    world.rotate("two").unwrap(); // the replay is due now, not in an hour
    fail(&mut world);
    assert_eq!(world.model.next_due(), None); // given up
    world.rotate("two").unwrap();
    let invocation = world.next();
    assert_eq!(invocation.event.client_request_token(), token("two"));
    assert_eq!(invocation.event.step(), Step::CreateSecret);
    world.rotate("two").unwrap(); // a step is at work: no second one
    assert!(world.model.next_invocation(world.now).is_none());
}

#[test]
fn pending_on_the_current_version_does_not_block_a_rotation() {
    let options = ServiceOptions {
        releases_pending_after_success: false,
        ..ServiceOptions::default()
    };
    let mut world = World::with(options);
    rotate_well(&mut world, "two");
    assert_eq!(world.labels("two"), "AWSCURRENT+AWSPENDING");
    world.rotate("three").unwrap();
    assert_eq!(
        [world.labels("two"), world.labels("three")],
        [AWSCURRENT, AWSPENDING]
    );
}

#[test]
fn a_rotation_is_four_steps_and_ends_without_pending() {
    let mut world = World::new();
    rotate_well(&mut world, "two");
    assert_eq!(
        [world.labels("two"), world.labels("one")],
        [AWSCURRENT, AWSPREVIOUS]
    );
    assert!(world.get(None, None).unwrap().value == text("two"));
    assert_eq!(world.events(), [RotationStarted, RotationSucceeded]);
    assert_eq!(world.model.next_due(), None);
}

#[test]
fn one_invocation_at_a_time_per_secret() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let create = world.next();
    assert!(world.model.next_invocation(world.now).is_none());
    world.succeed(&create);
    world.succeed(&create); // a second report of the same changes nothing
    assert_eq!(world.next().event.step(), Step::SetSecret);
}

#[test]
fn finish_without_the_move_is_a_failure() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let create = world.next();
    world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
    world.succeed(&create);
    for step in [Step::SetSecret, Step::TestSecret, Step::FinishSecret] {
        world.pass(step);
    }
    assert_eq!(world.events(), [RotationStarted, RotationFailed]);
    assert_eq!(
        [world.labels("one"), world.labels("two")],
        [AWSCURRENT, AWSPENDING]
    );
}

#[test]
fn a_failure_replays_the_whole_process_with_the_same_token_until_it_gives_up() {
    let options = ServiceOptions {
        replays: 2,
        ..ServiceOptions::default()
    };
    let mut world = World::with(options);
    world.rotate("two").unwrap();
    for attempt in 1..=3 {
        let create = world.next();
        assert_eq!(
            (create.event.step(), create.attempt),
            (Step::CreateSecret, attempt)
        );
        assert_eq!(create.event.client_request_token(), token("two"));
        world.succeed(&create);
        let set = world.next();
        world.fail(&set);
        assert!(world.model.next_invocation(world.now).is_none());
        assert_eq!(world.labels("two"), AWSPENDING);
        world.now += HOUR;
    }
    assert_eq!(world.model.next_due(), None);
    assert_eq!(world.events(), [RotationStarted, RotationFailed].repeat(3));
    let record = world.model.records().last().unwrap().clone();
    assert!(record.message.unwrap().contains("during setSecret step"));
    assert_eq!(record.cause.as_deref(), Some("boom"));
    refused(
        world.rotate("three"),
        InvalidRequestException,
        "A previous rotation isn't complete",
    );
}

#[test]
fn what_follows_when_pending_was_released_is_an_option() {
    let rows = [
        (AfterRelease::Drop, None),
        (AfterRelease::InvokeAnyway, Some(true)),
        (AfterRelease::StartAnew, Some(false)),
    ];
    for (after_release, same_token) in rows {
        let options = ServiceOptions {
            after_release,
            ..ServiceOptions::default()
        };
        let mut world = World::with(options);
        world.rotate("two").unwrap();
        let create = world.next();
        world.stage(AWSPENDING, None, Some("two")).unwrap();
        world.fail(&create);
        world.now += HOUR;
        let next = world.model.next_invocation(world.now);
        let got = next.map(|invocation| {
            assert_eq!(invocation.attempt, 2);
            invocation.event.client_request_token() == token("two")
        });
        assert_eq!(got, same_token, "{after_release:?}");
        let pending = world
            .describe()
            .versions
            .values()
            .flatten()
            .any(|label| label == AWSPENDING);
        assert_eq!(pending, after_release == AfterRelease::StartAnew);
    }
}
