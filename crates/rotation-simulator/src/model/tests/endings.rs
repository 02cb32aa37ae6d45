//! How rotations end otherwise: abandoned, cancelled, as dry runs.

use rotation_core::{AWSCURRENT, AWSPENDING, Step};

use super::world::*;
use crate::model::ErrorCode::InvalidRequestException;
use crate::model::Principal::{Operator, RotationFunction};
use crate::model::RotationEventName::{
    RotationAbandoned, RotationFailed, RotationStarted, TestRotationFailed, TestRotationStarted,
    TestRotationSucceeded,
};
use crate::model::{CancelRotateSecret, PutSecretValue, ServiceOptions};

#[test]
fn a_version_of_somebody_else_abandons_the_rotation() {
    for stages in [&[][..], &["MINE"]] {
        let mut world = World::new();
        world.rotate("two").unwrap();
        let create = world.next();
        world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
        world.put(Operator, "three", "v3", stages).unwrap();
        assert_eq!(world.labels("two"), "");
        assert_eq!(world.events(), [RotationStarted, RotationAbandoned]);
        world.fail(&create);
        assert_eq!(world.model.next_due(), None);
        world.rotate("four").unwrap();
    }
}

#[test]
fn a_new_current_takes_a_stuck_pending_away() {
    let mut world = World::new();
    world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
    world.put(Operator, "three", "v3", &[]).unwrap();
    assert_eq!([world.labels("two"), world.labels("three")], ["", AWSCURRENT]);
}

#[test]
fn the_pending_value_must_be_the_functions_own() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let create = world.next();
    world.put(Operator, "two", "v2", &[AWSPENDING]).unwrap();
    world.succeed(&create);
    assert_eq!(world.events(), [RotationStarted, RotationFailed]);
    let message = world.model.records().last().unwrap().message.clone().unwrap();
    assert!(
        message.starts_with(&format!(
            "Pending secret version {} for Secret arn:",
            token("two")
        )),
        "{message}"
    );
    assert!(
        message.contains("was not created by Lambda arn:aws:lambda:"),
        "{message}"
    );
    assert!(
        message.ends_with("Remove the AWSPENDING staging label and restart rotation."),
        "{message}"
    );
}

#[test]
fn a_rotation_token_proves_ownership() {
    for (proof, expected) in [
        (true, vec![RotationStarted]),
        (false, vec![RotationStarted, RotationFailed]),
    ] {
        let mut world = World::new();
        world.rotate("two").unwrap();
        let create = world.next();
        let mut request = PutSecretValue::new(NAME, &token("two"), text("v2"));
        request.stages = Some(vec![AWSPENDING.to_owned()]);
        request.rotation_token = Some(if proof {
            create.event.rotation_token().unwrap().clone()
        } else {
            "another".into()
        });
        world.ask(Operator, request).unwrap();
        world.succeed(&create);
        assert_eq!(world.events(), expected);
    }
}

#[test]
fn cancelling_leaves_the_partial_version_pending() {
    let mut world = World::new();
    refused(
        world.ask(Operator, CancelRotateSecret::new(NAME)),
        InvalidRequestException,
        "No Lambda",
    );
    world.rotate("two").unwrap();
    let create = world.next();
    let cancelled = world.ask(Operator, CancelRotateSecret::new(NAME)).unwrap();
    assert_eq!(cancelled.version_id, Some(token("two")));
    assert_eq!(world.describe().rotation_enabled, Some(false));
    assert_eq!(world.labels("two"), AWSPENDING);
    world.fail(&create);
    assert_eq!(world.model.next_due(), None);
    refused(
        world.rotate("three"),
        InvalidRequestException,
        "A previous rotation isn't complete",
    );
    world.stage(AWSPENDING, None, Some("two")).unwrap();
    world.rotate("three").unwrap();
}

#[test]
fn a_dry_run_tests_a_copy_of_current_and_releases_it() {
    let mut world = World::new();
    world.dry_run("two");
    assert!(world.get(Some("two"), Some(AWSPENDING)).unwrap().value == text("v1"));
    let test = world.next();
    assert_eq!((test.event.step(), test.dry_run), (Step::TestSecret, true));
    world.succeed(&test);
    assert_eq!([world.labels("one"), world.labels("two")], [AWSCURRENT, ""]);
    assert_eq!(world.events(), [TestRotationStarted, TestRotationSucceeded]);
    assert_eq!(world.model.next_due(), None);
}

#[test]
fn what_a_failed_dry_run_leaves_is_an_option() {
    for (keeps, labels) in [(false, ""), (true, AWSPENDING)] {
        let options = ServiceOptions {
            keeps_pending_after_failed_dry_run: keeps,
            ..ServiceOptions::default()
        };
        let mut world = World::with(options);
        world.dry_run("two");
        let test = world.next();
        world.fail(&test);
        assert_eq!(world.labels("two"), labels);
        assert_eq!(world.events(), [TestRotationStarted, TestRotationFailed]);
        assert_eq!(world.model.next_due(), None);
    }
}
