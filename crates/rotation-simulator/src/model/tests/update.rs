//! UpdateSecret, and what is described besides the labels.

use std::time::UNIX_EPOCH;

use rotation_core::{AWSCURRENT, AWSPREVIOUS};

use super::world::*;
use crate::model::ErrorCode::{InvalidParameterException, InvalidRequestException, ResourceExistsException};
use crate::model::Principal::{Operator, RotationFunction};
use crate::model::RotationEventName::{RotationAbandoned, RotationStarted};
use crate::model::{CreateSecret, RotationRules, ServiceOptions, UpdateSecret};

fn update(name: &str, value: &str) -> UpdateSecret {
    let mut request = UpdateSecret::new(NAME);
    request.token = Some(token(name));
    request.value = Some(text(value));
    request
}

#[test]
fn a_new_value_becomes_current() {
    let mut world = World::new();
    let updated = world.ask(Operator, update("two", "v2")).unwrap();
    assert_eq!(updated.version_id, Some(token("two")));
    assert_eq!(
        [world.labels("two"), world.labels("one")],
        [AWSCURRENT, AWSPREVIOUS]
    );
    // The same again is no error.
    world.ask(Operator, update("two", "v2")).unwrap();
    refused(
        world.ask(Operator, update("two", "other")),
        ResourceExistsException,
        "already in use",
    );
    assert!(world.get(None, None).unwrap().value == text("v2"));
}

#[test]
fn a_value_needs_a_token_and_has_its_size() {
    let mut world = World::new();
    let mut request = update("two", "v2");
    request.token = None;
    refused(
        world.ask(Operator, request),
        InvalidRequestException,
        "ClientRequestToken",
    );
    refused(
        world.ask(Operator, update("two", "")),
        InvalidParameterException,
        "65536",
    );
    assert_eq!(world.listed(true), [token("one")]);
}

#[test]
fn description_and_key_change_without_a_version() {
    let mut world = World::new();
    let mut request = UpdateSecret::new(NAME);
    request.description = Some("key of the CRM".to_owned());
    request.kms_key_id = Some("alias/crm".to_owned());
    assert_eq!(world.ask(Operator, request).unwrap().version_id, None);
    let described = world.describe();
    assert_eq!(described.description.as_deref(), Some("key of the CRM"));
    assert_eq!(described.kms_key_id.as_deref(), Some("alias/crm"));
    assert_eq!(world.listed(true), [token("one")]);
    let mut request = UpdateSecret::new(NAME);
    request.kms_key_id = Some(String::new());
    world.ask(Operator, request).unwrap();
    let described = world.describe();
    assert_eq!(described.kms_key_id, None, "empty is the service's own key");
    assert!(described.description.is_some(), "what is not named stays");
}

#[test]
fn updating_abandons_a_rotation_unless_the_function_does_it() {
    for (who, expected) in [
        (Operator, vec![RotationStarted, RotationAbandoned]),
        (RotationFunction, vec![RotationStarted]),
    ] {
        let mut world = World::new();
        world.rotate("two").unwrap();
        world.ask(who, update("three", "v3")).unwrap();
        assert_eq!(world.events(), expected, "{who:?}");
    }
    let mut world = World::new();
    world.rotate("two").unwrap();
    let mut request = UpdateSecret::new(NAME);
    request.description = Some("no new version".to_owned());
    world.ask(Operator, request).unwrap();
    assert_eq!(world.events(), [RotationStarted]);
}

#[test]
fn dates_follow_the_clock() {
    let mut world = World::new();
    let created = UNIX_EPOCH + HOUR;
    world.now += HOUR;
    world.put(Operator, "zero", "v0", &[]).unwrap();
    world.put(Operator, "zero", "v0", &[]).unwrap();
    let described = world.describe();
    assert_eq!(
        [described.created, described.last_changed],
        [created, created + HOUR]
    );
    assert_eq!(described.last_rotated, None);
    world.now += HOUR;
    rotate_well(&mut world, "two");
    assert_eq!(world.describe().last_rotated, Some(created + 2 * HOUR));
    let off = crate::model::CancelRotateSecret::new(NAME);
    world.ask(Operator, off).unwrap();
    assert_eq!(
        world.describe().last_rotated,
        None,
        "absent while rotation is off"
    );
}

#[test]
fn a_secret_is_created_with_all_that_is_described() {
    let mut world = World::empty(ServiceOptions::default());
    let mut request = CreateSecret::new("full");
    request.token = Some(token("one"));
    request.value = Some(text("v1"));
    request.description = Some("d".to_owned());
    request.kms_key_id = Some("alias/k".to_owned());
    request.tags.insert("team".to_owned(), "sales".to_owned());
    request.replica_regions = vec!["us-east-1".to_owned()];
    let created = world.ask(Operator, request.clone()).unwrap();
    assert_eq!(created.replicas.len(), 1);
    let described = world
        .ask(Operator, crate::model::DescribeSecret::new("full"))
        .unwrap();
    assert_eq!(described.description.as_deref(), Some("d"));
    assert_eq!(described.kms_key_id.as_deref(), Some("alias/k"));
    assert_eq!(described.tags["team"], "sales");
    assert_eq!(described.replicas, created.replicas);
    assert_eq!(described.primary_region.as_deref(), Some("eu-west-1"));
    for region in ["eu-west-1", "not a region"] {
        request.name = "other".to_owned();
        request.replica_regions = vec![region.to_owned()];
        refused(
            world.ask(Operator, request.clone()),
            InvalidParameterException,
            "egion",
        );
    }
}

#[test]
fn rotation_rules_are_described_and_checked() {
    let rules = |days: Option<u32>, duration: Option<&str>, schedule: Option<&str>| RotationRules {
        automatically_after_days: days,
        duration: duration.map(str::to_owned),
        schedule_expression: schedule.map(str::to_owned),
    };
    let refusals = [
        (rules(Some(30), None, Some("rate(10 days)")), "both"),
        (rules(Some(0), None, None), "1 to 1000"),
        (rules(Some(1001), None, None), "1 to 1000"),
        (rules(None, Some("3"), None), "hours"),
        (rules(None, Some("100h"), None), "hours"),
    ];
    let mut world = World::new();
    for (rules, expected) in refusals {
        let mut request = world.request("two");
        request.rules = Some(rules);
        refused(world.ask(Operator, request), InvalidParameterException, expected);
        assert_eq!(world.describe().rotation_rules, None);
        assert_eq!(world.model.next_due(), None);
    }
    let good = rules(None, Some("3h"), Some("rate(10 days)"));
    let mut request = world.request("two");
    request.rules = Some(good.clone());
    world.ask(Operator, request).unwrap();
    assert_eq!(world.describe().rotation_rules, Some(good));
}
