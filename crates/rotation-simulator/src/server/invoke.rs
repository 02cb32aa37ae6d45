//! The service's way to a Lambda function: the function's invoke URL.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::{Authority, PathAndQuery};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rotation_core::RotationEvent;
use rotation_lambda_host::function_name;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::model::InvocationResult;

#[cfg(test)]
mod tests;

/// What stands in an invoke URL for the function's name.
const PLACEHOLDER: &str = "{function}";

/// How many characters of a reply in no known form are quoted.
const EXCERPT: usize = 200;

/// Invokes Lambda functions over plain HTTP, as `cargo lambda watch`, the Lambda emulators and
/// [`Function`](rotation_lambda_host::Function) serve them.
pub(crate) struct Invoker {
    /// `host:port`.
    address: String,
    /// With the placeholder or without.
    path: String,
    timeout: Duration,
}

/// An invoke URL that is none, and an example of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct InvokeUrlError {
    problem: &'static str,
}

impl fmt::Display for InvokeUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the invoke URL {}; an example of one is http://127.0.0.1:9000/2015-03-31/functions/{PLACEHOLDER}/invocations",
            self.problem
        )
    }
}

impl Error for InvokeUrlError {}

/// What came back from an invoke URL.
struct Answered {
    status: StatusCode,
    function_error: bool,
    payload: Bytes,
}

impl Invoker {
    /// `invoke_url_template` is `http://HOST[:PORT]/PATH`; where `{function}` stands in its path, the
    /// function's name is filled in. `timeout` is how long to wait for an answer, the connection
    /// included.
    pub(crate) fn new(invoke_url_template: &str, timeout: Duration) -> Result<Self, InvokeUrlError> {
        let (authority, path) = parts(invoke_url_template).map_err(|problem| InvokeUrlError { problem })?;
        Ok(Self {
            address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)),
            path,
            timeout,
        })
    }

    /// Invokes the function with the event, synchronously. Succeeded is status 200 without
    /// `X-Amz-Function-Error`; a failure says what the function said, or why there is no answer.
    pub(crate) async fn invoke(&self, function_arn: &str, event: &RotationEvent) -> InvocationResult {
        let Some(function) = function_name(function_arn) else {
            return InvocationResult::Failed(format!(
                "{function_arn:?} is neither the ARN nor the name of a Lambda function"
            ));
        };
        let path = self.path.replace(PLACEHOLDER, function);
        let posted = self.post(&path, payload(event));
        let result = match tokio::time::timeout(self.timeout, posted).await {
            Ok(Ok(answered)) => answered.result(),
            Ok(Err(error)) => Err(self.unreachable(&path, error.as_ref())),
            Err(_) => Err(format!(
                "the function at http://{}{path} did not answer within {} seconds",
                self.address,
                self.timeout.as_secs_f64()
            )),
        };
        match result {
            Ok(()) => InvocationResult::Succeeded,
            Err(text) => InvocationResult::Failed(redacted(text, event)),
        }
    }

    async fn post(&self, path: &str, payload: Bytes) -> Result<Answered, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with this future, whoever drops it.
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let request = Request::post(path)
            .header(HOST, &self.address)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(payload))?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok(Answered {
            status: head.status,
            function_error: head.headers.contains_key("X-Amz-Function-Error"),
            payload: body.collect().await?.to_bytes(),
        })
    }

    fn unreachable(&self, path: &str, error: &dyn Error) -> String {
        let mut text = format!(
            "the function at http://{}{path} could not be invoked",
            self.address
        );
        let mut cause = Some(error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

impl fmt::Debug for Invoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoker")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Answered {
    fn result(&self) -> Result<(), String> {
        match (self.status, self.function_error) {
            (StatusCode::OK, false) => Ok(()),
            (StatusCode::OK, true) => Err(self.text()),
            (status, _) => Err(format!("the invoke URL answered {status}: {}", self.text())),
        }
    }

    /// `errorType: errorMessage`, or the message of the Lambda API, or else whatever came.
    fn text(&self) -> String {
        let payload: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        let field = |name: &str| payload.get(name)?.as_str();
        let message = field("errorMessage").or(field("Message")).or(field("message"));
        match (field("errorType"), message) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            (Some(text), None) | (None, Some(text)) => text.to_owned(),
            (None, None) => {
                let text = String::from_utf8_lossy(&self.payload);
                text.chars().take(EXCERPT).collect()
            }
        }
    }
}

/// Host and path of an invoke URL, or what is wrong with it.
fn parts(url: &str) -> Result<(Authority, String), &'static str> {
    if url.starts_with("https://") {
        return Err("begins with https, and only plain http is spoken here");
    }
    let rest = url.strip_prefix("http://").ok_or("does not begin with http://")?;
    let (authority, path) = rest.split_once('/').ok_or("has no path")?;
    let authority: Authority = authority.parse().map_err(|_| "has no valid host")?;
    if authority.as_str().contains(['@', '{']) {
        return Err("has something other than host and port before its path");
    }
    let path = format!("/{path}");
    let filled = path.replace(PLACEHOLDER, "f");
    if filled.contains(['{', '}']) {
        return Err("has a placeholder other than {function}");
    }
    PathAndQuery::try_from(filled).map_err(|_| "has no valid path")?;
    Ok((authority, path))
}

fn payload(event: &RotationEvent) -> Bytes {
    let mut payload = json!({
        "Step": event.step(),
        "SecretId": event.secret_id(),
        "ClientRequestToken": event.client_request_token(),
    });
    if let (Some(token), Some(fields)) = (event.rotation_token(), payload.as_object_mut()) {
        fields.insert("RotationToken".to_owned(), token.expose_secret().into());
    }
    Bytes::from(payload.to_string())
}

/// A function may say what it was invoked with; its RotationToken goes no further.
fn redacted(text: String, event: &RotationEvent) -> String {
    match event.rotation_token() {
        Some(token) => text.replace(token.expose_secret(), "[RotationToken]"),
        None => text,
    }
}
