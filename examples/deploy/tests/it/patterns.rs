//! The rules, read out of the templates, against the events that AWS documents and that the simulator records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deploy_checks::matches;
use rotation_core::Rotator;
use rotation_testkit::Simulator;
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::model::RotationEventRecord;
use serde_json::{Value, json};

use crate::{cloudformation, path, terraform};

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/app-AbCdEf";
const RULES: [&str; 3] = ["failed", "tested", "succeeded"];

/// By template and rule, its pattern for this secret.
fn patterns(secret: &str) -> Vec<(&'static str, BTreeMap<&'static str, Value>)> {
    let module = terraform::module("terraform/modules/alarms");
    let locals = BTreeMap::from([("secret_arns", json!([secret]))]);
    let of_terraform = |rule| {
        let block = terraform::block(&module, "resource", ["aws_cloudwatch_event_rule", rule]);
        let pattern = terraform::attribute(block.body(), "event_pattern").unwrap();
        let text = terraform::evaluate(pattern, &locals);
        (rule, serde_json::from_str(text.as_str().unwrap()).unwrap())
    };
    let sam = cloudformation::template("sam/alarms.yaml");
    let of_sam = |rule: &'static str| {
        let resource = rule[..1].to_uppercase() + &rule[1..];
        let pattern = cloudformation::properties(&sam, &resource)["EventPattern"].to_string();
        let pattern = pattern.replace(r#"{"Ref":"SecretArn"}"#, &json!(secret).to_string());
        (rule, serde_json::from_str(&pattern).unwrap())
    };
    vec![
        ("Terraform", RULES.map(of_terraform).into()),
        ("SAM", RULES.map(of_sam).into()),
    ]
}

/// The events of the folder, by file name without its end.
fn documented() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(path("events")).unwrap();
    let events = files.map(|file| {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().unwrap().to_string_lossy().into_owned(), event)
    });
    events.collect()
}

/// The rules that fire for an event.
fn fired(patterns: &BTreeMap<&'static str, Value>, event: &Value) -> BTreeSet<&'static str> {
    let fires = |pattern| matches(pattern, event).unwrap_or_else(|error| panic!("{error}"));
    patterns
        .iter()
        .filter(|(_, pattern)| fires(pattern))
        .map(|(rule, _)| *rule)
        .collect()
}

#[test]
fn each_rule_fires_for_its_documented_events_and_for_no_other() {
    let expected: [(&str, &[&str]); 11] = [
        ("api-call-rotate-secret", &[]),
        ("api-call-update-secret-version-stage", &[]),
        ("rotation-abandoned", &["failed"]),
        ("rotation-failed", &["failed"]),
        ("rotation-started", &[]),
        ("rotation-succeeded", &[]),
        ("secret-label-updated", &["succeeded"]),
        ("secret-label-updated-custom", &[]),
        ("test-rotation-failed", &["failed", "tested"]),
        ("test-rotation-started", &["tested"]),
        ("test-rotation-succeeded", &["tested"]),
    ];
    let events = documented();
    assert!(
        events
            .keys()
            .map(String::as_str)
            .eq(expected.map(|(name, _)| name))
    );
    for (template, patterns) in patterns(SECRET) {
        for (name, rules) in expected {
            let rules: BTreeSet<_> = rules.iter().copied().collect();
            assert_eq!(fired(&patterns, &events[name]), rules, "{template}: {name}");
        }
    }
}

#[test]
fn no_rule_fires_for_another_secret() {
    for (template, patterns) in patterns(&SECRET.replace("AbCdEf", "aBcDeF")) {
        for (name, event) in documented() {
            assert_eq!(fired(&patterns, &event), BTreeSet::new(), "{template}: {name}");
        }
    }
}

/// As they stand in well-known posts.
#[test]
fn the_patterns_of_the_posts_never_fire() {
    let call = "AWS API Call via CloudTrail";
    let posts = [
        json!({"source": ["aws.secretsmanager"], "detail-type": [call], "detail": {"eventName": ["RotationFailed"]}}),
        json!({"source": ["aws.secretsmanager"], "detail-type": [call], "detail": {
            "eventSource": ["secretsmanager.amazonaws.com"], "eventName": ["RotationFailed", "RotationSucceeded"]}}),
        json!({"source": ["aws.secretsmanager"], "detail-type": ["AWS Service Event via CloudTrail"], "detail": {
            "eventName": ["RotationFailed"], "requestParameters": {"secretId": [SECRET]}}}),
        json!({"source": ["aws.secretsmanager"], "detail-type": ["AWS Service Event via CloudTrail"],
            "resources": [SECRET], "detail": {"eventName": ["RotationFailed"]}}),
        json!({"source": ["aws.secretsmanager"], "detail-type": ["Secret Rotation Failed"]}),
    ];
    for pattern in posts {
        for (name, event) in documented() {
            assert_eq!(matches(&pattern, &event), Ok(false), "{name}: {pattern}");
        }
    }
}

/// An event as EventBridge delivers what CloudTrail has recorded.
fn delivered(record: Value) -> Value {
    json!({
        "version": "0", "id": "0", "detail-type": "AWS Service Event via CloudTrail", "source": "aws.secretsmanager",
        "account": record["recipientAccountId"], "time": record["eventTime"], "region": record["awsRegion"],
        "resources": [], "detail": record,
    })
}

/// Rotations in the simulator: one that passes, one that fails, one that is abandoned, two dry runs.
async fn recorded() -> (String, Vec<Value>) {
    let simulator = Simulator::new();
    let operator = simulator.operator();
    let first = Login::new("app", "first");
    let target = PasswordTarget::new(first.clone(), simulator.faults());
    let arn = operator.create_secret("crm/app", first.to_value()).unwrap();
    let rotator = Rotator::new(PasswordBackend::new(target.clone()), simulator.store());
    let rotator = rotator.with_clock(simulator.clock());
    let time = Duration::from_secs(60);
    for down in [false, true] {
        target.set_down(down);
        operator.dry_run(&arn).unwrap();
        simulator.run(&rotator, time).await;
        if let Some((version, _)) = pending(&simulator, &arn) {
            operator.remove_label(&arn, "AWSPENDING", &version).unwrap();
        }
    }
    target.set_down(false);
    operator.rotate(&arn).unwrap();
    simulator.run(&rotator, time).await;
    target.set_down(true);
    operator.rotate(&arn).unwrap();
    simulator.step(&rotator, time).await.unwrap();
    simulator.step(&rotator, time).await.unwrap();
    operator.put(&arn, first.to_value()).unwrap();
    let records = simulator
        .records()
        .iter()
        .map(RotationEventRecord::to_cloudtrail)
        .collect();
    (arn, records)
}

fn pending(simulator: &Simulator, arn: &str) -> Option<(String, Vec<String>)> {
    let described = simulator.operator().describe(arn).unwrap();
    let versions = described.versions.into_iter();
    versions
        .map(|(version, labels)| (version, labels.into_iter().collect::<Vec<_>>()))
        .find(|(_, labels)| labels.iter().any(|label| label == "AWSPENDING"))
}

#[tokio::test]
async fn the_rules_fire_for_what_the_simulator_records() {
    let (arn, records) = recorded().await;
    let mut names = BTreeSet::new();
    for (template, patterns) in patterns(&arn) {
        for record in &records {
            let name = record["eventName"].as_str().unwrap().to_owned();
            let expected: &[_] = match name.as_str() {
                "RotationFailed" | "RotationAbandoned" => &["failed"],
                "TestRotationFailed" => &["failed", "tested"],
                "TestRotationStarted" | "TestRotationSucceeded" => &["tested"],
                _ => &[],
            };
            let expected = expected.iter().copied().collect();
            assert_eq!(
                fired(&patterns, &delivered(record.clone())),
                expected,
                "{template}: {name}"
            );
            names.insert(name);
        }
    }
    assert_eq!(names.len(), 7, "{names:?}");
}

/// The documented events and those of the simulator have the same fields.
#[tokio::test]
async fn the_events_in_the_folder_have_the_fields_of_the_records() {
    let fields =
        |record: &Value| -> BTreeSet<String> { record.as_object().unwrap().keys().cloned().collect() };
    let (_, records) = recorded().await;
    for event in documented().into_values() {
        let name = &event["detail"]["eventName"];
        for record in records.iter().filter(|record| record["eventName"] == *name) {
            assert_eq!(fields(record), fields(&event["detail"]), "{name}");
            let envelope = delivered(record.clone());
            assert_eq!(fields(&envelope), fields(&event), "{name}");
        }
    }
}
