//! RotateSecret over the wire invokes a function over the wire, which calls back over the wire.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rotation_simulator::server::SimulatorServer;
use rotation_simulator::{Simulator, TravelClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::client::{Client, soon, token};

/// A rotation function behind an invoke URL.
#[derive(Default)]
struct Function {
    /// The service's address is known only after the function's.
    client: OnceLock<Client>,
    events: Mutex<Vec<Value>>,
    /// The step that fails the next time.
    fails: Mutex<Option<&'static str>>,
}

impl Function {
    async fn serve(self: &Arc<Self>, tasks: &mut JoinSet<()>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let function = Arc::clone(self);
        tasks.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(|request| Arc::clone(&function).answer(request));
                _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        });
        format!("http://{address}/2015-03-31/functions/{{function}}/invocations")
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        assert_eq!(
            request.uri().path(),
            "/2015-03-31/functions/rotate-crm/invocations"
        );
        let event = request.into_body().collect().await.unwrap().to_bytes();
        let event: Value = serde_json::from_slice(&event).unwrap();
        self.events.lock().unwrap().push(event.clone());
        let step = event["Step"].as_str().unwrap();
        let fails = self
            .fails
            .lock()
            .unwrap()
            .take_if(|fails| *fails == step)
            .is_some();
        let mut response = Response::new(Full::from("null"));
        if fails {
            *response.body_mut() = Full::from(r#"{"errorType": "Boom", "errorMessage": "told to"}"#);
            let handled = "Unhandled".parse().unwrap();
            response.headers_mut().insert("X-Amz-Function-Error", handled);
        } else {
            self.work(step, &event).await;
        }
        Ok(response)
    }

    async fn work(&self, step: &str, event: &Value) {
        let client = self.client.get().unwrap();
        match step {
            "createSecret" => {
                let put = json!({
                    "SecretId": event["SecretId"],
                    "ClientRequestToken": event["ClientRequestToken"],
                    "RotationToken": event["RotationToken"],
                    "SecretString": "v2",
                    "VersionStages": ["AWSPENDING"],
                });
                client.ok("PutSecretValue", put).await;
            }
            "finishSecret" => {
                let promote = json!({
                    "SecretId": event["SecretId"],
                    "VersionStage": "AWSCURRENT",
                    "MoveToVersionId": event["ClientRequestToken"],
                    "RemoveFromVersionId": token("one"),
                });
                client.ok("UpdateSecretVersionStage", promote).await;
            }
            _ => {}
        }
    }

    fn steps(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let step = |event: &Value| event["Step"].as_str().unwrap().to_owned();
        events.iter().map(step).collect()
    }
}

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// How RotateSecret is asked for.
enum Door {
    Socket,
    InProcess,
}

/// A whole rotation, with the function's own key or without; `fails` is a step that fails once.
async fn rotate(
    door: Door,
    function_key: Option<&'static str>,
    fails: Option<&'static str>,
) -> Arc<Function> {
    let simulator = Simulator::with_clock(TravelClock::new());
    let (told, mut lines) = mpsc::unbounded_channel();
    simulator.observe(move |activity| _ = told.send(activity.to_string()));
    let function = Arc::new(Function::default());
    *function.fails.lock().unwrap() = fails;
    let mut tasks = JoinSet::new();
    let mut builder =
        SimulatorServer::builder(simulator.clone()).invoke_url(function.serve(&mut tasks).await);
    if let Some(key) = function_key {
        builder = builder.function_access_key(key);
    }
    let server = builder.start().await.unwrap();
    let client = Client::new(server.address()).with_key("PERSON");
    let own = client.with_key(function_key.unwrap_or("PERSON"));
    assert!(function.client.set(own).is_ok());

    let create = json!({"Name": "crm", "SecretString": "v1", "ClientRequestToken": token("one")});
    client.ok("CreateSecret", create).await;
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:rotate-crm";
    let rotate = json!({"SecretId": "crm", "ClientRequestToken": token("two"), "RotationLambdaARN": arn});
    match door {
        Door::Socket => _ = client.ok("RotateSecret", rotate).await,
        Door::InProcess => {
            // So that the driver has looked, and sleeps.
            client.ok("DescribeSecret", json!({"SecretId": "crm"})).await;
            let operator = simulator.operator();
            operator.set_up_rotation("crm", arn, 30).unwrap();
            operator.rotate_with_token("crm", &token("two")).unwrap();
        }
    }
    loop {
        let line = soon(lines.recv()).await.unwrap();
        if line.contains("RotationFailed") {
            simulator.skip(Duration::from_secs(3600));
        }
        if line.contains("RotationSucceeded") {
            break;
        }
    }
    let read = client.ok("GetSecretValue", json!({"SecretId": "crm"})).await;
    assert_eq!(
        (&read["SecretString"], &read["VersionId"]),
        (&json!("v2"), &json!(token("two")))
    );
    function
}

#[tokio::test]
async fn a_rotation_is_driven_through_the_invoke_url() {
    for function_key in [Some("FUNCTION"), None] {
        let function = rotate(Door::Socket, function_key, None).await;
        assert_eq!(function.steps(), STEPS, "{function_key:?}");
        let events = function.events.lock().unwrap();
        for event in events.iter() {
            assert_eq!(event["ClientRequestToken"], token("two"));
            assert!(
                event["SecretId"]
                    .as_str()
                    .unwrap()
                    .starts_with("arn:aws:secretsmanager:")
            );
            assert_eq!(event["RotationToken"].as_str().unwrap().len(), 36);
        }
    }
}

#[tokio::test]
async fn a_step_that_fails_is_replayed_from_the_beginning() {
    let function = rotate(Door::Socket, Some("FUNCTION"), Some("testSecret")).await;
    let expected = [&STEPS[..3], &STEPS[..]].concat();
    assert_eq!(function.steps(), expected);
}

#[tokio::test]
async fn a_rotation_that_is_asked_for_in_process_is_driven_too() {
    let function = rotate(Door::InProcess, None, None).await;
    assert_eq!(function.steps(), STEPS);
}
