//! Who calls, by access key or by what the request names.

use rotation_core::SecretValue;
use rotation_simulator::Simulator;
use rotation_simulator::model::Principal::{self, Operator, RotationFunction};
use rotation_simulator::server::SimulatorServer;
use serde_json::{Value, json};

use crate::client::{Client, token};

/// A simulator whose secret `crm` is in rotation to `token("two")`, and the RotationToken.
fn rotating() -> (Simulator, String) {
    let simulator = Simulator::new();
    let operator = simulator.operator();
    operator.create_secret("crm", SecretValue::text("v1")).unwrap();
    operator.rotate_with_token("crm", &token("two")).unwrap();
    let invocation = simulator.next_invocation().unwrap();
    let proof = invocation
        .event
        .rotation_token()
        .unwrap()
        .expose_secret()
        .to_owned();
    simulator.clear_calls();
    (simulator, proof)
}

fn put(token: &str) -> Value {
    json!({
        "SecretId": "crm",
        "ClientRequestToken": token,
        "SecretString": "v2",
        "VersionStages": ["AWSPENDING"],
    })
}

fn callers(simulator: &Simulator) -> Vec<Principal> {
    simulator.calls().iter().map(|call| call.principal).collect()
}

#[tokio::test]
async fn the_functions_key_makes_it_the_function() {
    let (simulator, _) = rotating();
    let server = SimulatorServer::builder(simulator.clone())
        .function_access_key("FUNCTION")
        .start()
        .await
        .unwrap();
    let client = Client::new(server.address());
    client.ok("DescribeSecret", json!({"SecretId": "crm"})).await;
    client
        .with_key("PERSON")
        .ok("DescribeSecret", json!({"SecretId": "crm"}))
        .await;
    client
        .with_key("FUNCTION")
        .ok("DescribeSecret", json!({"SecretId": "crm"}))
        .await;
    // The key decides, whatever the request names.
    client
        .with_key("PERSON")
        .ok("PutSecretValue", put(&token("two")))
        .await;
    assert_eq!(
        callers(&simulator),
        [Operator, Operator, RotationFunction, Operator]
    );
}

#[tokio::test]
async fn without_a_key_of_its_own_a_write_that_names_the_rotation_is_the_functions() {
    let (simulator, proof) = rotating();
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address()).with_key("ANY");
    let pending = json!({"SecretId": "crm", "VersionId": token("two"), "VersionStage": "AWSPENDING"});
    let mut with_proof = put(&token("three"));
    with_proof["RotationToken"] = proof.into();
    with_proof["VersionStages"] = json!(["MINE"]);
    let mut with_other = put(&token("four"));
    with_other["RotationToken"] = token("other").into();
    with_other["VersionStages"] = json!(["YOURS"]);
    let stage = |to: &str, from: &str| json!({"SecretId": "crm", "VersionStage": "L", "MoveToVersionId": to, "RemoveFromVersionId": from});
    let mut first = stage(&token("two"), "");
    first.as_object_mut().unwrap().remove("RemoveFromVersionId");
    let rows = [
        ("GetSecretValue", pending, Operator),
        ("PutSecretValue", put(&token("two")), RotationFunction),
        ("PutSecretValue", with_proof, RotationFunction),
        ("UpdateSecretVersionStage", first, RotationFunction),
        (
            "UpdateSecretVersionStage",
            stage(&token("three"), &token("two")),
            RotationFunction,
        ),
        (
            "UpdateSecretVersionStage",
            stage(&token("three"), &token("three")),
            Operator,
        ),
        // Abandons the rotation, so that its version is like any other afterwards.
        ("PutSecretValue", with_other, Operator),
        ("PutSecretValue", put(&token("two")), Operator),
    ];
    for (action, body, expected) in rows {
        simulator.clear_calls();
        client.call(action, body.clone()).await;
        assert_eq!(callers(&simulator), [expected], "{action} {body}");
    }
}

#[tokio::test]
async fn asking_for_the_rotation_again_is_nobodys_but_the_operators() {
    let (simulator, _) = rotating();
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address());
    let again = json!({"SecretId": "crm", "ClientRequestToken": token("two")});
    client.ok("RotateSecret", again).await;
    assert_eq!(callers(&simulator), [Operator]);
}
