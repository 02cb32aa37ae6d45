//! Seeds: what they plant, and what is wrong with bad ones.

use rotation_core::{AWSCURRENT, SecretValue};

use super::Seed;
use crate::simulator::Simulator;

const SENTINEL: &str = "hunter2-sentinel";

#[test]
fn a_seed_plants_its_secrets() {
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:f";
    let seed = Seed::parse(&format!(
        r#"{{"secrets": [
            {{"name": "text", "value": "plain"}},
            {{"name": "document", "value": {{"user": "app", "port": 5432}}, "kms_key_id": "alias/k"}},
            {{"name": "binary", "binary": "AP8="}},
            {{"name": "empty", "tags": {{"a": "b"}}, "description": "d", "rotation_lambda_arn": "{function}"}}
        ]}}"#
    ))
    .unwrap();
    assert_eq!(seed.secrets.len(), 4);
    let simulator = Simulator::new();
    seed.plant(&simulator).unwrap();
    let operator = simulator.operator();
    let value = |name: &str| operator.value(name, AWSCURRENT).unwrap();
    assert!(value("text") == SecretValue::text("plain"));
    let document: serde_json::Value = value("document").decode().unwrap();
    assert_eq!(document, serde_json::json!({"user": "app", "port": 5432}));
    assert!(value("binary") == SecretValue::binary(vec![0, 255]));
    assert!(operator.value("empty", AWSCURRENT).is_err());
    let described = operator.describe("empty").unwrap();
    assert_eq!(described.tags["a"], "b");
    assert_eq!(described.description.as_deref(), Some("d"));
    assert_eq!(described.rotation_enabled, Some(true));
    assert_eq!(described.rotation_function.as_deref(), Some(function));
    assert_eq!(
        operator.describe("document").unwrap().kms_key_id.as_deref(),
        Some("alias/k")
    );
    assert!(simulator.records().is_empty(), "nothing rotates yet");
}

#[test]
fn a_bad_seed_is_told_by_its_field_and_no_value() {
    let secret = |fields: &str| format!(r#"{{"secrets": [{{"name": "ok"}}, {{{fields}}}]}}"#);
    let rows = [
        (format!("{{\n{SENTINEL}"), "not JSON at line 2, column 1"),
        (format!("[\"{SENTINEL}\"]"), "the seed must be an object"),
        ("{}".to_owned(), "secrets is missing"),
        (
            format!(r#"{{"secrets": "{SENTINEL}"}}"#),
            "secrets must be a list of objects",
        ),
        (
            format!(r#"{{"secrets": ["{SENTINEL}"]}}"#),
            "secrets[0] must be an object",
        ),
        (
            r#"{"secrets": [], "other": 1}"#.to_owned(),
            "other is not a field that is known here",
        ),
        (secret(r#""value": "v""#), "secrets[1].name is missing"),
        (secret(r#""name": 7"#), "secrets[1].name must be a string"),
        (
            secret(r#""name": "n", "value": 7"#),
            "secrets[1].value must be a string or an object",
        ),
        (
            secret(&format!(r#""name": "n", "value": ["{SENTINEL}"]"#)),
            "secrets[1].value must be a string or an object",
        ),
        (
            secret(&format!(r#""name": "n", "binary": "{SENTINEL}""#)),
            "secrets[1].binary must be a base64 string",
        ),
        (
            secret(r#""name": "n", "value": "v", "binary": "AAAA""#),
            "secrets[1].binary must be left out beside value",
        ),
        (
            secret(r#""name": "n", "tags": {"a": 1}"#),
            "secrets[1].tags.a must be a string",
        ),
        (
            secret(r#""name": "n", "valeu": "v""#),
            "secrets[1].valeu is not a field that is known here",
        ),
    ];
    for (json, expected) in rows {
        let error = Seed::parse(&json).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains(SENTINEL));
    }
}

#[test]
fn a_seed_that_the_service_refuses_says_which_secret() {
    let seed = Seed::parse(r#"{"secrets": [{"name": "a"}, {"name": "b c", "value": "hunter2"}]}"#).unwrap();
    let error = seed.plant(&Simulator::new()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("secrets[1] is refused: InvalidParameterException: "),
        "{text}"
    );
    assert!(!format!("{seed:?}").contains("hunter2"));
}
