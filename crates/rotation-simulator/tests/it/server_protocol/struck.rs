//! Faults strike the function's calls over the socket as they do in process.

use std::sync::{Arc, Mutex};

use rotation_core::SecretValue;
use rotation_simulator::server::SimulatorServer;
use rotation_simulator::{Fault, Simulator, TravelClock};
use serde_json::{Value, json};

use crate::client::{Client, soon, token};

async fn start() -> (Simulator, SimulatorServer, Client) {
    let simulator = Simulator::with_clock(TravelClock::new());
    simulator
        .operator()
        .create_secret("crm", SecretValue::text("v1"))
        .unwrap();
    let server = SimulatorServer::builder(simulator.clone())
        .function_access_key("FUNCTION")
        .start()
        .await
        .unwrap();
    let client = Client::new(server.address()).with_key("FUNCTION");
    (simulator, server, client)
}

fn put() -> Value {
    json!({"SecretId": "crm", "ClientRequestToken": token("two"), "SecretString": "v2"})
}

#[tokio::test]
async fn a_refusal_is_not_applied_and_has_its_status() {
    let rows = [
        (Fault::Throttle, 400, "ThrottlingException", "Rate exceeded"),
        (
            Fault::Deny,
            400,
            "AccessDeniedException",
            "is not authorized to perform: secretsmanager:PutSecretValue",
        ),
        (
            Fault::InternalError,
            500,
            "InternalServiceError",
            "An error occurred on the server side.",
        ),
    ];
    for (fault, status, code, text) in rows {
        let (simulator, _server, client) = start().await;
        simulator.faults().at_nth("PutSecretValue", 1, fault);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&lines);
        simulator.observe(move |activity| told.lock().unwrap().push(activity.to_string()));
        let reply = client.call("PutSecretValue", put()).await;
        let (got, got_code, message) = reply.refusal();
        assert_eq!((got, got_code), (status, code));
        assert!(message.contains(text), "{message}");
        assert!(simulator.faults().all_struck());
        assert!(simulator.labels("crm").of(&token("two")).is_empty(), "{fault:?}");
        let line = format!(" PutSecretValue by function on crm: refused, {code}");
        assert!(lines.lock().unwrap()[0].ends_with(&line));
        let calls = simulator.calls();
        assert_eq!(calls.last().unwrap().outcome, code);
        client.ok("PutSecretValue", put()).await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_a_closed_connection() {
    for (fault, applied) in [(Fault::LoseRequest, false), (Fault::LoseResponse, true)] {
        let (simulator, _server, client) = start().await;
        simulator.faults().at(1, fault);
        assert!(client.try_call("PutSecretValue", put()).await.is_err());
        let is_there = !simulator.labels("crm").of(&token("two")).is_empty();
        assert_eq!(is_there, applied, "{fault:?}");
    }
}

#[tokio::test]
async fn a_crash_or_a_hang_never_answers() {
    let rows = [
        (Fault::CrashBefore, true, false),
        (Fault::CrashAfter, true, true),
        (Fault::Hang, false, false),
        (Fault::HangAfter, false, true),
    ];
    for (fault, crashes, applied) in rows {
        let (simulator, _server, client) = start().await;
        simulator.faults().at(1, fault);
        let call = tokio::spawn(async move { client.try_call("PutSecretValue", put()).await });
        soon(async {
            while !simulator.faults().all_struck() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        client.ok("DescribeSecret", json!({"SecretId": "crm"})).await;
        assert!(!call.is_finished(), "{fault:?}");
        call.abort();
        assert_eq!(simulator.faults().take_crash(), crashes);
        let is_there = !simulator.labels("crm").of(&token("two")).is_empty();
        assert_eq!(is_there, applied, "{fault:?}");
    }
}

#[tokio::test]
async fn a_stale_read_sees_the_state_of_before() {
    let (simulator, _server, client) = start().await;
    client.ok("PutSecretValue", put()).await;
    simulator.faults().at_nth("GetSecretValue", 1, Fault::Stale);
    let stale = client.ok("GetSecretValue", json!({"SecretId": "crm"})).await;
    assert_eq!(stale["SecretString"], "v1");
    let fresh = client.ok("GetSecretValue", json!({"SecretId": "crm"})).await;
    assert_eq!(fresh["SecretString"], "v2");
}

#[tokio::test]
async fn the_operators_calls_are_spared() {
    let (simulator, server, _) = start().await;
    simulator.faults().at(1, Fault::Deny);
    let person = Client::new(server.address()).with_key("PERSON");
    person.ok("PutSecretValue", put()).await;
    assert!(simulator.faults().passages().is_empty());
}
