//! What an observer is told.

use std::sync::{Arc, Mutex};

use rotation_core::Step;

use super::world::*;
use crate::model::Principal::{Operator, RotationFunction};
use crate::model::{CreateSecret, GetSecretValue, InvocationResult, TagResource};

/// A world, and the lines that its observer gets, without the time.
fn observed() -> (World, Arc<Mutex<Vec<String>>>) {
    let mut world = World::new();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    world.model.observe(move |activity| {
        let printed = format!("{activity:?}");
        assert!(
            !printed.contains("hunter2") && !printed.contains("sentinel"),
            "{printed}"
        );
        let line = activity.to_string();
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.starts_with("1970-01-01T") && time.ends_with('Z'), "{time}");
        told.lock().unwrap().push(rest.to_owned());
    });
    (world, lines)
}

fn take(lines: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut lines.lock().unwrap())
}

#[test]
fn each_line_says_who_did_what_to_which_label() {
    let (mut world, lines) = observed();
    let mut other = CreateSecret::new("other");
    other.token = Some("abcdefgh-0000-0000-0000-000000000000".to_owned());
    other.value = Some(text("v1"));
    world.ask(Operator, other).unwrap();
    world.ask(Operator, TagResource::new(NAME, "a", "b")).unwrap();
    world.get(None, None).unwrap();
    world
        .ask(RotationFunction, GetSecretValue::new("none"))
        .unwrap_err();
    world.model.deny(Operator, "RotateSecret");
    world.rotate("two").unwrap_err();
    assert_eq!(
        take(&lines),
        [
            "CreateSecret by operator on other: AWSCURRENT -> abcdefgh",
            "TagResource by operator on crm",
            "GetSecretValue by function on none: refused, ResourceNotFoundException",
            "RotateSecret by operator on crm: refused, AccessDeniedException",
        ]
    );
}

#[test]
fn a_rotation_can_be_followed() {
    let (mut world, lines) = observed();
    rotate_well(&mut world, "two");
    assert_eq!(
        take(&lines),
        [
            "RotateSecret by operator on crm: AWSPENDING -> 00000000",
            "RotationStarted on crm for 00000000",
            "invoke createSecret (attempt 1) on crm",
            "PutSecretValue by function on crm",
            "createSecret (attempt 1) on crm, 0ns: succeeded",
            "invoke setSecret (attempt 1) on crm",
            "setSecret (attempt 1) on crm, 0ns: succeeded",
            "invoke testSecret (attempt 1) on crm",
            "testSecret (attempt 1) on crm, 0ns: succeeded",
            "invoke finishSecret (attempt 1) on crm",
            "UpdateSecretVersionStage by function on crm: AWSCURRENT 00000000 -> 00000000, AWSPREVIOUS -> 00000000",
            "finishSecret (attempt 1) on crm, 0ns: succeeded",
            "service on crm: AWSPENDING 00000000 -> none",
            "RotationSucceeded on crm for 00000000",
        ]
    );
}

#[test]
fn what_a_function_says_is_told_without_the_values_of_secrets() {
    let (mut world, lines) = observed();
    world
        .put(
            Operator,
            "json",
            r#"{"user": "app", "nested": ["hunter2-hunter2"]}"#,
            &["MINE"],
        )
        .unwrap();
    world.put(Operator, "long", "plain-sentinel", &["YOURS"]).unwrap();
    world.dry_run("two");
    let invocation = world.next();
    assert_eq!(invocation.event.step(), Step::TestSecret);
    world.now += std::time::Duration::from_millis(1500);
    let said = "app: hunter2-hunter2 is not plain-sentinel\nsecond line";
    let result = InvocationResult::Failed(said.to_owned());
    world.model.report(&invocation, result, world.now);
    let told = take(&lines);
    assert!(
        told.contains(
            &"testSecret (attempt 1, dry run) on crm, 1.5s: failed: app: [REDACTED] is not [REDACTED] second line"
                .to_owned()
        ),
        "{told:#?}"
    );
}
