//! Invoke URLs, what goes over them, and what comes back.

use std::future::pending;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use http::Response;
use rotation_core::Step;
use rotation_lambda_host::Loopback;

use super::*;

const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:crm-key:PROD";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-abc123";
const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const LIMIT: Duration = Duration::from_secs(30);

fn event() -> RotationEvent {
    let event = RotationEvent::new(SECRET, TOKEN, Step::SetSecret).unwrap();
    event.with_rotation_token("sentinel-rotation-token").unwrap()
}

fn failed(result: InvocationResult) -> String {
    match result {
        InvocationResult::Failed(text) => text,
        InvocationResult::Succeeded => panic!("it should have failed"),
    }
}

#[test]
fn an_invoke_url_is_checked_and_the_refusal_shows_one() {
    let rows = [
        (
            "http://127.0.0.1:9000/2015-03-31/functions/{function}/invocations",
            Ok(("127.0.0.1:9000", "/2015-03-31/functions/{function}/invocations")),
        ),
        (
            "http://localhost:9000/2015-03-31/functions/rotation/invocations",
            Ok(("localhost:9000", "/2015-03-31/functions/rotation/invocations")),
        ),
        (
            "http://lambda/{function}?x={function}",
            Ok(("lambda:80", "/{function}?x={function}")),
        ),
        ("http://[::1]:9000/{function}", Ok(("[::1]:9000", "/{function}"))),
        (
            "https://127.0.0.1:9000/{function}",
            Err("begins with https, and only plain http is spoken here"),
        ),
        ("127.0.0.1:9000/{function}", Err("does not begin with http://")),
        ("", Err("does not begin with http://")),
        ("http://127.0.0.1:9000", Err("has no path")),
        ("http:///functions/{function}", Err("has no valid host")),
        ("http://a b/functions/{function}", Err("has no valid host")),
        (
            "http://me:secret@127.0.0.1/{function}",
            Err("has something other than host and port before its path"),
        ),
        (
            "http://127.0.0.1:9000/{name}/invocations",
            Err("has a placeholder other than {function}"),
        ),
        ("http://127.0.0.1:9000/a b", Err("has no valid path")),
    ];
    for (url, expected) in rows {
        let invoker = Invoker::new(url, LIMIT);
        match expected {
            Ok((address, path)) => {
                let invoker = invoker.unwrap();
                assert_eq!((invoker.address.as_str(), invoker.path.as_str()), (address, path));
            }
            Err(problem) => {
                let text = invoker.unwrap_err().to_string();
                assert!(
                    text.starts_with(&format!("the invoke URL {problem};")),
                    "{url}: {text}"
                );
                assert!(!text.contains("secret"), "{text}");
                let (_, example) = text.split_once(" one is ").unwrap();
                assert!(Invoker::new(example, LIMIT).is_ok(), "{example}");
            }
        }
    }
}

#[tokio::test]
async fn the_event_is_posted_as_the_service_sends_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let server = Loopback::serve(move |request| {
        record.lock().unwrap().push(request);
        async { Response::default() }
    })
    .await
    .unwrap();
    let url = format!("http://{}/functions/{{function}}/invocations", server.address());
    let invoker = Invoker::new(&url, LIMIT).unwrap();
    assert_eq!(invoker.invoke(ARN, &event()).await, InvocationResult::Succeeded);

    let plain = RotationEvent::new(SECRET, TOKEN, Step::CreateSecret).unwrap();
    assert_eq!(invoker.invoke(ARN, &plain).await, InvocationResult::Succeeded);

    let seen = seen.lock().unwrap();
    let [first, second] = seen.as_slice() else {
        panic!("{} requests", seen.len());
    };
    assert_eq!(
        (first.method().as_str(), first.uri().path()),
        ("POST", "/functions/crm-key/invocations")
    );
    assert_eq!(first.headers()[HOST], server.address().to_string());
    assert_eq!(first.headers()[CONTENT_TYPE], "application/json");
    let body: Value = serde_json::from_slice(first.body()).unwrap();
    let fields = json!({"Step": "setSecret", "SecretId": SECRET, "ClientRequestToken": TOKEN, "RotationToken": "sentinel-rotation-token"});
    assert_eq!(body, fields);
    let body: Value = serde_json::from_slice(second.body()).unwrap();
    assert_eq!(
        body,
        json!({"Step": "createSecret", "SecretId": SECRET, "ClientRequestToken": TOKEN})
    );
}

#[tokio::test]
async fn an_answer_is_a_success_or_says_why_not() {
    let error = "X-Amz-Function-Error";
    let other = "X-Other";
    let long = "x".repeat(1000);
    let rows = [
        (200, other, "null", None),
        (
            200,
            other,
            r#"{"errorType": "no", "errorMessage": "error"}"#,
            None,
        ),
        (
            200,
            error,
            r#"{"errorType": "Rotation.Target", "errorMessage": "refused", "stackTrace": []}"#,
            Some("Rotation.Target: refused"),
        ),
        (200, error, r#"{"errorMessage": "refused"}"#, Some("refused")),
        (
            200,
            error,
            r#"{"errorType": "Rotation.Target"}"#,
            Some("Rotation.Target"),
        ),
        (200, error, "not JSON", Some("not JSON")),
        (200, error, long.as_str(), Some(&long[..EXCERPT])),
        (
            200,
            error,
            r#"{"errorType": "T", "errorMessage": "got sentinel-rotation-token"}"#,
            Some("T: got [RotationToken]"),
        ),
        (
            404,
            other,
            r#"{"Type": "User", "Message": "Function not found: crm-key"}"#,
            Some("the invoke URL answered 404 Not Found: Function not found: crm-key"),
        ),
        (
            429,
            other,
            r#"{"message": "Rate Exceeded."}"#,
            Some("the invoke URL answered 429 Too Many Requests: Rate Exceeded."),
        ),
        (202, other, "", Some("the invoke URL answered 202 Accepted: ")),
    ];
    for (status, header, body, expected) in rows {
        let payload = Bytes::copy_from_slice(body.as_bytes());
        let server = Loopback::serve(move |_| {
            let reply = Response::builder().status(status).header(header, "Unhandled");
            let reply = reply.body(Full::new(payload.clone())).unwrap();
            async { reply }
        })
        .await
        .unwrap();
        let invoker = Invoker::new(&format!("http://{}/", server.address()), LIMIT).unwrap();
        let result = invoker.invoke(ARN, &event()).await;
        let expected = expected.map_or(InvocationResult::Succeeded, |text| {
            InvocationResult::Failed(text.to_owned())
        });
        assert_eq!(result, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn a_function_out_of_reach_is_a_failure_in_words() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let invoker = Invoker::new(&format!("http://{nobody}/{{function}}"), LIMIT).unwrap();
    let text = failed(invoker.invoke(ARN, &event()).await);
    let expected =
        format!("the function at http://{nobody}/crm-key could not be invoked: Connection refused");
    assert!(text.starts_with(&expected), "{text}");

    let text = failed(invoker.invoke(SECRET, &event()).await);
    assert_eq!(
        text,
        format!("{SECRET:?} is neither the ARN nor the name of a Lambda function")
    );

    let silent = Loopback::serve(|_| pending()).await.unwrap();
    let address = silent.address();
    let invoker = Invoker::new(
        &format!("http://{address}/{{function}}"),
        Duration::from_millis(50),
    )
    .unwrap();
    let text = failed(invoker.invoke(ARN, &event()).await);
    assert_eq!(
        text,
        format!("the function at http://{address}/crm-key did not answer within 0.05 seconds")
    );
}
