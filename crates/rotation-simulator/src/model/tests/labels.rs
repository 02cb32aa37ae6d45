//! Labels and how they move.

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};

use super::world::*;
use crate::model::ErrorCode::InvalidParameterException;
use crate::model::Principal::{Operator, RotationFunction};

#[test]
fn previous_follows_current_and_other_labels_stay() {
    let mut world = World::new();
    world.stage("MINE", Some("one"), None).unwrap();
    world.put(Operator, "two", "v2", &[]).unwrap();
    world.put(RotationFunction, "three", "v3", &[AWSPENDING]).unwrap();
    world.stage(AWSCURRENT, Some("three"), Some("two")).unwrap();
    assert_eq!(
        [world.labels("one"), world.labels("two"), world.labels("three")],
        ["MINE", AWSPREVIOUS, "AWSCURRENT+AWSPENDING"]
    );
    // Back again.
    world.stage(AWSCURRENT, Some("two"), Some("three")).unwrap();
    assert_eq!(
        [world.labels("two"), world.labels("three")],
        [AWSCURRENT, "AWSPENDING+AWSPREVIOUS"]
    );
}

#[test]
fn putting_pending_takes_it_from_another_version() {
    let mut world = World::new();
    world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
    world.put(RotationFunction, "three", "v3", &[AWSPENDING]).unwrap();
    assert_eq!([world.labels("two"), world.labels("three")], ["", AWSPENDING]);
}

#[test]
fn moving_a_label_is_a_compare_and_swap() {
    let mut world = World::new();
    world.put(RotationFunction, "two", "v2", &["MINE"]).unwrap();
    let refusals = [
        (
            Some("two"),
            None,
            "RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached",
            true,
        ),
        (Some("two"), Some("two"), "RemoveFromVersionId must be", true),
        (Some("unknown"), Some("one"), "Not a valid version", false),
        (None, Some("two"), "completely removed", false),
        (None, None, "MoveToVersionId", false),
    ];
    for (to, from, text, mismatch) in refusals {
        let answer = world.stage(AWSCURRENT, to, from);
        assert_eq!(
            answer.as_ref().unwrap_err().is_stage_mismatch(),
            mismatch,
            "{text}"
        );
        refused(answer, InvalidParameterException, text);
        assert_eq!(world.labels("one"), AWSCURRENT);
    }
    refused(
        world.stage("MINE", None, Some("one")),
        InvalidParameterException,
        "RemoveFromVersionId",
    );
    refused(
        world.stage("NEW", Some("two"), Some("one")),
        InvalidParameterException,
        "RemoveFromVersionId",
    );
    world.stage("MINE", None, Some("two")).unwrap();
    world.stage(AWSCURRENT, Some("two"), Some("one")).unwrap();
    assert_eq!(
        [world.labels("two"), world.labels("one")],
        [AWSCURRENT, AWSPREVIOUS]
    );
    refused(
        world.stage(AWSCURRENT, Some("two"), Some("one")),
        InvalidParameterException,
        "RemoveFromVersionId",
    );
}
