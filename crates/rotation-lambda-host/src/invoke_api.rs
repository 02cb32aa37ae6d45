//! The action Invoke of the Lambda API, for a synchronous invocation.
//!
//! Source: the Lambda API reference, Invoke.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use serde_json::json;

use crate::arn::function_name;
use crate::outcome::Answer;
use crate::pool::Pool;
use crate::reply::{Reply, json_reply};
use crate::settings::Settings;

/// A request that the API refuses: status, code, message.
struct Refusal(StatusCode, &'static str, String);

pub(crate) async fn handle(pool: Arc<Pool>, request: Request<Bytes>) -> Reply {
    if let Err(refusal) = check(&pool.settings, &request) {
        return refusal.into_reply();
    }
    let reply = match pool.answer(request.into_body()).await {
        Answer::Returned(payload) => json_reply(StatusCode::OK, payload),
        Answer::Failed(payload) => with_header(
            json_reply(StatusCode::OK, payload),
            "x-amz-function-error",
            "Unhandled",
        ),
        Answer::Throttled => {
            let message = "Rate Exceeded.".to_owned();
            Refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", message).into_reply()
        }
    };
    with_header(reply, "x-amz-executed-version", "$LATEST")
}

fn check(settings: &Settings, request: &Request<Bytes>) -> Result<(), Refusal> {
    let path: Vec<&str> = request.uri().path().split('/').skip(1).collect();
    let ["2015-03-31", "functions", function, "invocations"] = path.as_slice() else {
        let message = "The path is not /2015-03-31/functions/{function}/invocations".to_owned();
        return Err(Refusal(
            StatusCode::NOT_FOUND,
            "UnknownOperationException",
            message,
        ));
    };
    if request.method() != Method::POST {
        let message = "Invoke is a POST".to_owned();
        return Err(Refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnknownOperationException",
            message,
        ));
    }
    let asked = function.replace("%3A", ":");
    if function_name(&asked) != Some(&settings.name) {
        let message = format!("Function not found: {asked}");
        return Err(Refusal(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            message,
        ));
    }
    let kind = request.headers().get("X-Amz-Invocation-Type");
    if kind.is_some_and(|kind| kind != "RequestResponse") {
        let message = "Only the invocation type RequestResponse is served here".to_owned();
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            message,
        ));
    }
    Ok(())
}

impl Refusal {
    fn into_reply(self) -> Reply {
        let Self(status, code, message) = self;
        let payload = json!({"Type": "User", "Message": message});
        with_header(
            json_reply(status, Bytes::from(payload.to_string())),
            "x-amzn-errortype",
            code,
        )
    }
}

fn with_header(mut reply: Reply, name: &'static str, value: &'static str) -> Reply {
    reply
        .headers_mut()
        .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    reply
}
