//! Who may what, and who sees what.

use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPENDING, RandomSource};

use super::world::*;
use crate::SeededRandom;
use crate::model::ErrorCode::{
    AccessDeniedException, InvalidParameterException, InvalidRequestException, ResourceNotFoundException,
};
use crate::model::Principal::{Operator, RotationFunction};
use crate::model::{CancelRotateSecret, DescribeSecret, ErrorCode, GetSecretValue, Model};

#[test]
fn a_denied_action_names_itself_and_is_denied_to_one_principal() {
    let mut world = World::new();
    world.model.deny(RotationFunction, "PutSecretValue");
    refused(
        world.put(RotationFunction, "two", "v2", &[]),
        AccessDeniedException,
        "is not authorized to perform: secretsmanager:PutSecretValue on resource: crm",
    );
    world.put(Operator, "two", "v2", &[]).unwrap();
    world.model.allow(RotationFunction, "PutSecretValue");
    world.put(RotationFunction, "three", "v3", &[]).unwrap();
}

#[test]
fn a_denied_key_keeps_values_from_being_read_or_written_and_labels_not_from_being_moved() {
    type Call = fn(&mut World) -> Result<(), crate::model::ApiError>;
    let read: Call = |world| world.get(None, None).map(|_| ());
    let write: Call = |world| {
        world
            .put(RotationFunction, "two", "v2", &[AWSPENDING])
            .map(|_| ())
    };
    let text = "Access to KMS is not allowed";
    for (action, read_is_denied) in [("kms:Decrypt", true), ("kms:GenerateDataKey", false)] {
        let mut world = World::new();
        world.model.deny(RotationFunction, action);
        refused(write(&mut world), AccessDeniedException, text);
        match read_is_denied {
            true => refused(read(&mut world), AccessDeniedException, text),
            false => read(&mut world).unwrap(),
        }
        world.stage("MINE", Some("one"), None).unwrap();
        world.model.allow(RotationFunction, action);
        write(&mut world).unwrap();
    }
}

#[test]
fn managed_secrets_and_replicas_refuse_writes_and_can_be_read() {
    type Make = fn(&mut Model);
    let rows: [(Make, ErrorCode, &str); 2] = [
        (
            |m| m.set_owning_service(NAME, Some("rds")).unwrap(),
            InvalidRequestException,
            "managed by another service",
        ),
        (
            |m| m.set_primary_region(NAME, Some("us-east-1")).unwrap(),
            InvalidParameterException,
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
        ),
    ];
    for (make, code, text) in rows {
        let mut world = World::new();
        make(&mut world.model);
        refused(world.put(Operator, "two", "v2", &[]), code, text);
        refused(world.stage("MINE", Some("one"), None), code, text);
        refused(world.rotate("two"), code, text);
        refused(world.ask(Operator, CancelRotateSecret::new(NAME)), code, text);
        assert_eq!(world.labels("one"), AWSCURRENT);
        world.get(None, None).unwrap();
    }
}

#[test]
fn a_stale_read_sees_the_state_of_before_the_last_write() {
    let mut world = World::new();
    let now = world.now;
    let stale = |world: &mut World| {
        world
            .model
            .handle_stale(RotationFunction, GetSecretValue::new(NAME), now)
    };
    refused(stale(&mut world), ResourceNotFoundException, "specified secret.");
    world.put(Operator, "two", "v2", &[]).unwrap();
    assert!(stale(&mut world).unwrap().value == text("v1"));
    world.put(Operator, "two", "v2", &[]).unwrap(); // writes nothing
    assert!(stale(&mut world).unwrap().value == text("v1"));
    assert!(world.get(None, None).unwrap().value == text("v2"));
}

/// Whichever way the time passes: a stale read is answered from before the last write for less than a minute, and
/// from then on as any other read.
#[test]
fn visibility_goes_with_time_however_the_clock_moves() {
    for seed in 0..200 {
        let random = SeededRandom::new(seed);
        let pick = |end: u8| {
            let mut byte = [0];
            random.fill(&mut byte).unwrap();
            byte[0] % end
        };
        let mut world = World::new();
        let (mut now, mut written) = (world.now, world.now);
        let (mut latest, mut before) = (Some(text("v1")), None);
        for number in 0..40 {
            now += Duration::from_secs([0, 1, 20, 59, 60, 61, 120][usize::from(pick(7))]);
            world.now = now;
            if pick(3) == 0 {
                let value = format!("w{number}");
                world.put(Operator, &format!("t{number}"), &value, &[]).unwrap();
                (before, latest, written) = (latest, Some(text(&value)), now);
                continue;
            }
            let request = GetSecretValue::new(NAME);
            let seen = world.model.handle_stale(RotationFunction, request, now);
            let settled = now.duration_since(written).unwrap() >= Duration::from_secs(60);
            let expected = if settled { &latest } else { &before };
            let seen = seen.ok().map(|answer| answer.value);
            assert!(
                seen == *expected,
                "seed {seed}, read {number}, settled: {settled}"
            );
        }
    }
}

#[test]
fn a_stale_read_misses_what_the_service_changed_by_itself() {
    let mut world = World::new();
    rotate_well(&mut world, "two");
    assert_eq!(world.labels("two"), AWSCURRENT);
    let now = world.now;
    let request = DescribeSecret::new(NAME);
    let stale = world.model.handle_stale(RotationFunction, request, now).unwrap();
    assert_eq!(stale.versions[&token("two")], [AWSCURRENT, AWSPENDING]);
}

#[test]
fn nothing_printable_holds_a_value() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let token = world
        .next()
        .event
        .rotation_token()
        .unwrap()
        .expose_secret()
        .to_owned();
    let read = world.get(None, None).unwrap();
    let printed = format!("{read:?} {:?}", world.model);
    assert!(!printed.contains("v1") && !printed.contains(&token), "{printed}");
}
