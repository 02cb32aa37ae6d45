//! Rotation events as CloudTrail has them, and what an observer hears of a request that cannot be read.

use std::sync::{Arc, Mutex};

use http::Method;
use rotation_core::SecretValue;
use rotation_simulator::Simulator;
use rotation_simulator::model::InvocationResult;
use rotation_simulator::server::SimulatorServer;
use serde_json::json;

use crate::client::{Client, soon, token};

#[tokio::test]
async fn events_have_the_shape_of_cloudtrail_records() {
    let simulator = Simulator::new();
    let operator = simulator.operator();
    let arn = operator.create_secret("crm", SecretValue::text("v1")).unwrap();
    operator.rotate_with_token(&arn, &token("two")).unwrap();
    let invocation = simulator.next_invocation().unwrap();
    let boom = InvocationResult::Failed("what the function said".to_owned());
    simulator.report(&invocation, boom);

    let server = simulator.serve().await.unwrap();
    let events = Client::new(server.address())
        .request(Method::GET, "/_simulator/events")
        .await
        .body;
    let record = |name: &str, id: &serde_json::Value| {
        json!({
            "eventVersion": "1.08",
            "userIdentity": {"accountId": "111122223333", "invokedBy": "secretsmanager.amazonaws.com"},
            "eventTime": "2026-01-01T00:00:00Z",
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": name,
            "awsRegion": "eu-west-1",
            "sourceIPAddress": "secretsmanager.amazonaws.com",
            "userAgent": "secretsmanager.amazonaws.com",
            "requestParameters": null,
            "responseElements": null,
            "additionalEventData": {"SecretId": arn},
            "requestID": format!("Rotation-{arn}-{}", token("two")),
            "eventID": id,
            "readOnly": false,
            "eventType": "AwsServiceEvent",
            "managementEvent": true,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management",
        })
    };
    let ids = [&events["Records"][0]["eventID"], &events["Records"][1]["eventID"]];
    assert!(ids.iter().all(|id| id.as_str().unwrap().len() == 36) && ids[0] != ids[1]);
    let mut failed = record("RotationFailed", ids[1]);
    failed["errorMessage"] =
        "Error when executing lambda arn:aws:lambda:eu-west-1:111122223333:function:rotation during createSecret step"
            .into();
    assert_eq!(
        events,
        json!({"Records": [record("RotationStarted", ids[0]), failed]})
    );
    assert_eq!(json!(server.cloudtrail_events()), events["Records"]);
}

#[tokio::test]
async fn an_observer_hears_of_requests_that_cannot_be_read() {
    let simulator = Simulator::new();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    simulator.observe(move |activity| told.lock().unwrap().push(activity.to_string()));
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address());
    client.call("DeleteSecret", json!({})).await;
    client
        .post("secretsmanager.PutSecretValue", "{\"SecretString\": hunter2")
        .await
        .unwrap();
    let lines = lines.lock().unwrap();
    let [unknown, unread] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    assert!(
        unknown.contains("refused, UnknownOperationException: The simulator does not model DeleteSecret.")
    );
    assert!(
        unread.ends_with("refused, SerializationException: The body is not JSON: line 1, column 18."),
        "{unread}"
    );
}

#[tokio::test]
async fn a_server_stops_when_dropped_and_says_why_it_does_not_start() {
    let server = Simulator::new().serve().await.unwrap();
    let taken = server.address();
    let error = SimulatorServer::builder(Simulator::new())
        .address(taken)
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let error = SimulatorServer::builder(Simulator::new())
        .invoke_url("https://example.com/{function}")
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    drop(server);
    // The listener goes with its task, which the runtime drops when it gets to it.
    soon(async {
        while tokio::net::TcpStream::connect(taken).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
