//! Values: writing and reading them.

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};

use super::world::*;
use crate::model::ErrorCode::{
    InvalidParameterException, InvalidRequestException, LimitExceededException, ResourceExistsException,
    ResourceNotFoundException,
};
use crate::model::Principal::Operator;
use crate::model::{CreateSecret, GetSecretValue, PutSecretValue, ServiceOptions};

#[test]
fn a_secret_is_known_by_its_arn_and_its_name() {
    let mut world = World::new();
    let arn = world.describe().arn;
    assert!(
        arn.starts_with("arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-"),
        "{arn}"
    );
    assert!(world.ask(Operator, GetSecretValue::new(&arn)).unwrap().value == text("v1"));
    refused(
        world.ask(Operator, GetSecretValue::new("crm2")),
        ResourceNotFoundException,
        "specified secret.",
    );
}

#[test]
fn creating_again_is_no_error_only_for_the_same_request() {
    let mut world = World::new();
    let mut request = CreateSecret::new(NAME);
    request.token = Some(token("one"));
    request.value = Some(text("v1"));
    assert_eq!(
        world.ask(Operator, request.clone()).unwrap().version_id,
        Some(token("one"))
    );
    request.value = Some(text("v2"));
    refused(
        world.ask(Operator, request.clone()),
        ResourceExistsException,
        "already exists",
    );
    request.token = None;
    refused(
        world.ask(Operator, request),
        InvalidRequestException,
        "ClientRequestToken",
    );
}

#[test]
fn a_secret_without_a_value_gets_current_with_its_first_version() {
    let mut world = World::empty(ServiceOptions::default());
    let mut request = CreateSecret::new(NAME);
    request.token = Some(token("none"));
    assert_eq!(world.ask(Operator, request).unwrap().version_id, None);
    refused(
        world.get(None, None),
        ResourceNotFoundException,
        "staging label: AWSCURRENT",
    );
    world.put(Operator, "one", "v1", &["MINE"]).unwrap();
    assert_eq!(world.labels("one"), "AWSCURRENT+MINE");
}

#[test]
fn tokens_and_values_and_labels_have_their_sizes() {
    let mut world = World::new();
    let mut put = |token: Option<&str>, value: &str, stages: Option<Vec<String>>| {
        let mut request = PutSecretValue::new(NAME, "", text(value));
        request.token = token.map(str::to_owned);
        request.stages = stages;
        world.ask(Operator, request)
    };
    let two = token("two");
    refused(
        put(None, "v", None),
        InvalidRequestException,
        "ClientRequestToken",
    );
    refused(
        put(Some(&"x".repeat(31)), "v", None),
        InvalidParameterException,
        "32-64",
    );
    refused(
        put(Some(&"x".repeat(65)), "v", None),
        InvalidParameterException,
        "32-64",
    );
    refused(put(Some(&two), "", None), InvalidParameterException, "65536");
    refused(
        put(Some(&two), &"x".repeat(65_537), None),
        InvalidParameterException,
        "65536",
    );
    refused(
        put(Some(&two), "v", Some(vec![])),
        InvalidParameterException,
        "VersionStages",
    );
    refused(
        put(Some(&two), "v", Some(vec!["x".repeat(257)])),
        InvalidParameterException,
        "256",
    );
    let many = (0..20).map(|n| format!("L{n}")).collect();
    refused(put(Some(&two), "v", Some(many)), LimitExceededException, "20");
    put(Some(&two), &"x".repeat(65_536), None).unwrap();
}

#[test]
fn a_token_keeps_its_first_value() {
    let mut world = World::new();
    world.put(Operator, "two", "v2", &[]).unwrap();
    world.put(Operator, "three", "v3", &[]).unwrap();
    // The same again moves no label.
    assert_eq!(
        world.put(Operator, "two", "v2", &[]).unwrap().stages,
        [AWSPREVIOUS]
    );
    refused(
        world.put(Operator, "two", "other", &[]),
        ResourceExistsException,
        "You can't use ClientRequestToken 00000000000000000000000000000two because that value is already in use for a \
         version of secret arn:",
    );
    assert!(world.get(Some("two"), None).unwrap().value == text("v2"));
}

#[test]
fn reading_tells_nothing_there_from_label_elsewhere() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let not_found = [
        (Some("two"), Some(AWSPENDING), "staging label: AWSPENDING"),
        (Some("two"), None, "VersionId: 00000000000000000000000000000two"),
        (None, Some(AWSPENDING), "staging label: AWSPENDING"),
        (None, Some("NOWHERE"), "staging label: NOWHERE"),
        (Some("unknown"), None, "VersionId: "),
    ];
    for (id, stage, text) in not_found {
        refused(world.get(id, stage), ResourceNotFoundException, text);
    }
    let elsewhere = world.get(Some("one"), Some(AWSPENDING)).unwrap_err();
    assert!(elsewhere.is_stage_mismatch());
    let text = "You provided a VersionStage that is not associated to the provided VersionId.";
    refused::<()>(Err(elsewhere), InvalidRequestException, text);
    assert_eq!(
        world.get(Some("one"), Some(AWSCURRENT)).unwrap().version_id,
        token("one")
    );
}

#[test]
fn versions_without_labels_are_read_by_id_and_listed_on_demand() {
    let mut world = World::new();
    for (name, value) in [("two", "v2"), ("three", "v3")] {
        world.put(Operator, name, value, &[]).unwrap();
    }
    assert!(!world.describe().versions.contains_key(&token("one")));
    assert_eq!(world.listed(false), [token("two"), token("three")]);
    assert_eq!(world.listed(true), [token("one"), token("two"), token("three")]);
    assert!(world.get(Some("one"), None).unwrap().value == text("v1"));
}

#[test]
fn old_deprecated_versions_are_purged_and_young_ones_count_to_the_quota() {
    let mut world = World::new();
    let put = |world: &mut World, n: usize| world.put(Operator, &n.to_string(), "v", &[]);
    for n in 0..99 {
        put(&mut world, n).unwrap();
    }
    world.now += 23 * HOUR;
    put(&mut world, 99).unwrap();
    assert_eq!(world.listed(true).len(), 101, "none is 24 hours old");
    world.now += HOUR;
    put(&mut world, 100).unwrap();
    assert_eq!(world.listed(true).len(), 100);
    for n in 101..251 {
        if put(&mut world, n).is_err() {
            break;
        }
    }
    refused(put(&mut world, 999), LimitExceededException, "quota");
    assert_eq!(world.listed(true).len(), 150);
    assert_eq!(world.labels("999"), "");
}
