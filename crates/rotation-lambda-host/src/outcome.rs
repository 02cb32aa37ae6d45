//! How an invocation ended.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// How an invocation ended, as whoever invoked the function sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Invoked {
    /// What the function returned; of a failure `{"errorType", "errorMessage"}`. A reply that is no
    /// JSON is a text.
    pub payload: Value,
    /// Whether it is a function error, which the invoke API says by `X-Amz-Function-Error`.
    pub failed: bool,
    /// How long it took, the start of a process included.
    pub duration: Duration,
}

impl Invoked {
    /// Of a failure the `errorType`: the runtime client's own, or Lambda's, such as
    /// `Runtime.ExitError` and `Sandbox.Timedout`.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        self.of_error("errorType")
    }

    /// Of a failure the `errorMessage`.
    #[must_use]
    pub fn error_message(&self) -> Option<&str> {
        self.of_error("errorMessage")
    }

    fn of_error(&self, field: &str) -> Option<&str> {
        self.failed.then(|| self.payload.get(field)?.as_str())?
    }
}

/// What answers an invocation.
#[derive(Clone)]
pub(crate) enum Answer {
    /// The function's result.
    Returned(Bytes),
    /// A function error, the runtime client's or Lambda's.
    Failed(Bytes),
    /// Refused: every process that there may be has an invocation.
    Throttled,
}

impl Answer {
    /// A function error that Lambda itself reports.
    pub(crate) fn failed(error_type: &str, request_id: &str, message: &str) -> Self {
        let message = format!("RequestId: {request_id} Error: {message}");
        Self::Failed(error_payload(error_type, &message))
    }

    pub(crate) fn invoked(self, duration: Duration) -> Invoked {
        let (payload, failed) = match self {
            Self::Returned(payload) => (payload, false),
            Self::Failed(payload) => (payload, true),
            Self::Throttled => (error_payload("TooManyRequestsException", "Rate Exceeded."), true),
        };
        let text = || Value::String(String::from_utf8_lossy(&payload).into_owned());
        Invoked {
            payload: serde_json::from_slice(&payload).unwrap_or_else(|_| text()),
            failed,
            duration,
        }
    }
}

pub(crate) fn error_payload(error_type: &str, message: &str) -> Bytes {
    let payload = json!({"errorType": error_type, "errorMessage": message});
    Bytes::from(payload.to_string())
}
