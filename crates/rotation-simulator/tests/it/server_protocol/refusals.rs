//! Refusals: status, code and text, and never a value.

use http::Method;
use rotation_simulator::Simulator;
use serde_json::{Value, json};

use crate::client::{Client, token};

const SENTINEL: &str = "hunter2-sentinel";

/// A simulator with the secret `crm` in rotation, and an observer that keeps what it is told.
fn simulator() -> Simulator {
    let simulator = Simulator::new();
    let operator = simulator.operator();
    let value = rotation_core::SecretValue::text(SENTINEL);
    let arn = operator.create_secret("crm", value).unwrap();
    operator.rotate_with_token(&arn, &token("two")).unwrap();
    simulator
}

#[tokio::test]
async fn each_code_has_its_status_and_text() {
    let rows: [(&str, Value, u16, &str, &str); 13] = [
        (
            "GetSecretValue",
            json!({"SecretId": "none"}),
            400,
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        ),
        (
            "GetSecretValue",
            json!({"SecretId": "crm", "VersionStage": "AWSPENDING"}),
            400,
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
        ),
        (
            "GetSecretValue",
            json!({"SecretId": "crm", "VersionStage": "AWSCURRENT", "VersionId": token("two")}),
            400,
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ),
        (
            "CreateSecret",
            json!({"Name": "crm", "ClientRequestToken": token("x"), "SecretString": SENTINEL}),
            400,
            "ResourceExistsException",
            "The operation failed because the secret crm already exists.",
        ),
        (
            "CreateSecret",
            json!({"Name": "new", "SecretString": SENTINEL}),
            400,
            "InvalidRequestException",
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        ),
        (
            "PutSecretValue",
            json!({"SecretId": "crm", "ClientRequestToken": token("x")}),
            400,
            "InvalidRequestException",
            "You must provide either SecretString or SecretBinary.",
        ),
        (
            "PutSecretValue",
            json!({"SecretId": "crm", "ClientRequestToken": token("x"), "SecretString": ""}),
            400,
            "InvalidRequestException",
            "You must provide either SecretString or SecretBinary.",
        ),
        (
            "UpdateSecret",
            json!({"SecretId": "crm", "SecretString": SENTINEL, "SecretBinary": "AAAA"}),
            400,
            "InvalidParameterException",
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        ),
        (
            "RotateSecret",
            json!({"SecretId": "crm"}),
            400,
            "InvalidParameterException",
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        ),
        (
            "RotateSecret",
            json!({"SecretId": "crm", "ClientRequestToken": token("x")}),
            400,
            "InvalidRequestException",
            "A previous rotation isn't complete. That rotation will be reattempted.",
        ),
        (
            "DescribeSecret",
            json!({}),
            400,
            "ValidationException",
            "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "GetRandomPassword",
            json!({"PasswordLength": 4097}),
            400,
            "ValidationException",
            "1 validation error detected: Value '4097' at 'passwordLength' failed to satisfy constraint: Member must \
             have value less than or equal to 4096",
        ),
        (
            "ListSecrets",
            json!({"NextToken": "mine"}),
            400,
            "InvalidNextTokenException",
            "The NextToken value is invalid.",
        ),
    ];
    let simulator = simulator();
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address());
    for (action, body, status, code, text) in rows {
        let reply = client.call(action, body).await;
        assert_eq!(reply.refusal(), (status, code, text), "{action}");
    }
}

#[tokio::test]
async fn what_is_not_modelled_is_named() {
    let rows: [(&str, Value, &str); 9] = [
        ("CreateSecret", json!({"Name": "n", "Type": "partner"}), "Type"),
        (
            "CreateSecret",
            json!({"Name": "n", "Tags": [{"Key": "k", "Value": "v", "Scope": "s"}]}),
            "Tags[0].Scope",
        ),
        (
            "RotateSecret",
            json!({"SecretId": "crm", "ExternalSecretRotationRoleArn": "arn"}),
            "ExternalSecretRotationRoleArn",
        ),
        (
            "RotateSecret",
            json!({"SecretId": "crm", "RotationRules": {"Window": SENTINEL}}),
            "RotationRules.Window",
        ),
        (
            "GetSecretValue",
            json!({"SecretId": "crm", "secretId": "crm"}),
            "secretId",
        ),
        (
            "ListSecrets",
            json!({"Filters": [{"Key": "name", "Values": [], "x": 1}]}),
            "Filters[0].x",
        ),
        (
            "DescribeSecret",
            json!({"SecretId": "crm", SENTINEL: 1}),
            "(a name of other characters)",
        ),
        (
            "ListSecrets",
            json!({"SortBy": "last-accessed-date"}),
            "last-accessed-date",
        ),
        (
            "ListSecrets",
            json!({"Filters": [{"Key": SENTINEL, "Values": ["a"]}]}),
            "owning-service",
        ),
    ];
    let simulator = simulator();
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address());
    for (action, body, name) in rows {
        let reply = client.call(action, body).await;
        let (status, code, text) = reply.refusal();
        assert_eq!((status, code), (400, "InvalidParameterException"), "{reply:?}");
        assert!(text.contains(name) && !text.contains(SENTINEL), "{text}");
    }
    for (target, text) in [
        (
            "secretsmanager.DeleteSecret",
            "The simulator does not model DeleteSecret. It models CancelRotateSecret, ",
        ),
        (
            "secretsmanager.",
            "The header X-Amz-Target must be secretsmanager. and an action.",
        ),
        (
            "dynamodb.GetItem",
            "The header X-Amz-Target must be secretsmanager. and an action.",
        ),
    ] {
        let reply = client.post(target, "{}").await.unwrap();
        let (status, code, message) = reply.refusal();
        assert_eq!((status, code), (400, "UnknownOperationException"));
        assert!(
            message.starts_with(text) && message.ends_with("UpdateSecretVersionStage."),
            "{message}"
        );
    }
    for (method, path) in [
        (Method::GET, "/"),
        (Method::POST, "/other"),
        (Method::POST, "/_simulator/events"),
    ] {
        let reply = client.request(method, path).await;
        assert_eq!(reply.refusal().0, 404);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_quoted() {
    let rows = [
        (
            format!(r#"{{"SecretId": "crm", "SecretString": "{SENTINEL}"#),
            "The body is not JSON: line 1, column 53.",
        ),
        (
            format!("{{\"SecretString\":\n {SENTINEL}}}"),
            "The body is not JSON: line 2, column 2.",
        ),
        (format!("[\"{SENTINEL}\"]"), "The body must be an object."),
        (
            format!(r#"{{"SecretId": {{"a": "{SENTINEL}"}}}}"#),
            "SecretId must be a string.",
        ),
        (
            format!(r#"{{"SecretId": "crm", "SecretBinary": "{SENTINEL}!"}}"#),
            "SecretBinary must be a base64 string.",
        ),
        (
            format!(r#"{{"SecretId": "crm", "SecretString": "s", "VersionStages": "{SENTINEL}"}}"#),
            "VersionStages must be a list of strings.",
        ),
        (
            format!(r#"{{"SecretId": "crm", "SecretString": "s", "VersionStages": ["{SENTINEL}", 1]}}"#),
            "VersionStages must be a list of strings.",
        ),
    ];
    let simulator = simulator();
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address());
    for (body, text) in rows {
        let reply = client.post("secretsmanager.PutSecretValue", body).await.unwrap();
        assert_eq!(reply.refusal(), (400, "SerializationException", text));
    }
    for (action, body, text) in [
        (
            "GetRandomPassword",
            json!({"PasswordLength": "8"}),
            "PasswordLength must be a whole number.",
        ),
        (
            "GetRandomPassword",
            json!({"PasswordLength": -1}),
            "PasswordLength must be a whole number.",
        ),
        (
            "GetRandomPassword",
            json!({"IncludeSpace": "no"}),
            "IncludeSpace must be true or false.",
        ),
        (
            "TagResource",
            json!({"SecretId": "crm", "Tags": {"a": "b"}}),
            "Tags must be a list of objects.",
        ),
        (
            "RotateSecret",
            json!({"SecretId": "crm", "RotationRules": []}),
            "RotationRules must be an object.",
        ),
    ] {
        let reply = client.call(action, body).await;
        assert_eq!(reply.refusal(), (400, "SerializationException", text));
    }
}

#[tokio::test]
async fn a_required_field_is_missed_by_name() {
    let rows: [(&str, Value, &str); 6] = [
        ("CreateSecret", json!({}), "name"),
        (
            "UpdateSecretVersionStage",
            json!({"SecretId": "crm"}),
            "versionStage",
        ),
        ("TagResource", json!({"SecretId": "crm"}), "tags"),
        ("UntagResource", json!({"SecretId": "crm"}), "tagKeys"),
        (
            "ReplicateSecretToRegions",
            json!({"SecretId": "crm"}),
            "addReplicaRegions",
        ),
        ("GetSecretValue", json!({"SecretId": null}), "secretId"),
    ];
    let simulator = simulator();
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address());
    for (action, body, field) in rows {
        let reply = client.call(action, body).await;
        let text = format!(
            "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(
            reply.refusal(),
            (400, "ValidationException", text.as_str()),
            "{action}"
        );
    }
}

#[tokio::test]
async fn a_body_is_at_most_a_mebibyte() {
    let server = simulator().serve().await.unwrap();
    let client = Client::new(server.address());
    let target = "secretsmanager.DescribeSecret";
    let body = |size: usize| format!("{{\"SecretId\": \"{}\"}}", "x".repeat(size - 16));
    let fits = client.post(target, body(1024 * 1024)).await.unwrap();
    assert_eq!(fits.refusal().1, "ResourceNotFoundException");
    let large = client.post(target, body(1024 * 1024 + 1)).await.unwrap();
    let (status, code, _) = large.refusal();
    assert_eq!((status, code), (413, "RequestEntityTooLargeException"));
}
