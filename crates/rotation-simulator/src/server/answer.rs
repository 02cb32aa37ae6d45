//! One HTTP request, and its answer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use rotation_core::Clock;
use serde_json::{Value, json};

use super::caller::{access_key, principal};
use super::error::WireError;
use super::wire::{self, Wire};
use crate::model::{
    ActivityKind, CancelRotateSecret, CreateSecret, DescribeSecret, GetRandomPassword, GetSecretValue,
    ListSecretVersionIds, ListSecrets, Principal, PutSecretValue, ReplicateSecretToRegions,
    Request as Action, RotateSecret, RotationEventRecord, StopReplicationToReplica, TagResource,
    UntagResource, UpdateSecret, UpdateSecretVersionStage,
};
use crate::random::uuid;
use crate::simulator::Simulator;

/// The largest body. The service's own limit is not published; a value has at most 64 KiB.
const LARGEST: usize = 1024 * 1024;
/// Where the rotation events are; the service has no such path.
const EVENTS: &str = "/_simulator/events";
const TARGET: &str = "x-amz-target";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What every request needs.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) simulator: Simulator,
    pub(super) function_key: Option<Arc<str>>,
    pub(super) requests: Arc<AtomicU64>,
}

/// The outcome of an action; `None` is no answer at all.
type Outcome = Option<Result<Value, WireError>>;

impl Service {
    /// An error is no answer: the connection is closed without a reply.
    pub(super) async fn answer<B>(self, request: Request<B>) -> io::Result<Response<Full<Bytes>>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, body) = request.into_parts();
        let outcome = match (&head.method, head.uri.path()) {
            (&Method::GET, EVENTS) => Some(Ok(json!({"Records": cloudtrail_events(&self.simulator)}))),
            (&Method::POST, "/") => match collect(body).await {
                Ok(body) => self.act(&head.headers, &body).await,
                Err(error) => Some(Err(self.misunderstood(error))),
            },
            _ => Some(Err(not_here())),
        };
        Ok(self.respond(outcome.ok_or(io::ErrorKind::ConnectionAborted)?))
    }

    async fn act(&self, headers: &HeaderMap, body: &[u8]) -> Outcome {
        let target = headers.get(TARGET).and_then(|target| target.to_str().ok());
        let action = target.and_then(|target| target.strip_prefix("secretsmanager."));
        let key = access_key(headers);
        match self.dispatch(action.unwrap_or_default(), key, body).await {
            Some(outcome) => outcome,
            None => Some(Err(self.misunderstood(unknown(action)))),
        }
    }

    /// A refusal that the model does not hear of, told to whoever observes it.
    fn misunderstood(&self, error: WireError) -> WireError {
        let now = self.simulator.clock().now();
        self.simulator
            .model()
            .tell("*", now, || ActivityKind::Misunderstood {
                code: error.code,
                message: error.message.clone(),
            });
        error
    }

    async fn call<R: Wire>(&self, key: Option<&str>, body: &[u8]) -> Outcome {
        let request: R = match wire::read(body) {
            Ok(request) => request,
            Err(error) => return Some(Err(self.misunderstood(error))),
        };
        let who = principal(&self.simulator, self.function_key.as_deref(), key, &request);
        let answer = match who {
            Principal::RotationFunction => self.simulator.call_as_function(request).await,
            Principal::Operator => Some(self.simulator.call(who, request)),
        };
        Some(answer?.map(R::write).map_err(WireError::from))
    }

    fn respond(&self, answer: Result<Value, WireError>) -> Response<Full<Bytes>> {
        let (status, body) = match answer {
            Ok(body) => (StatusCode::OK, body),
            Err(error) => (
                error.status,
                json!({"__type": error.code, "Message": error.message}),
            ),
        };
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-amz-json-1.1"),
        );
        // Version ids count up from one; so these do not meet them.
        let id = uuid((1 << 62) + self.requests.fetch_add(1, Ordering::Relaxed));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID, id);
        }
        response
    }
}

/// The actions that there are, and the way from the name to the type.
macro_rules! actions {
    ($($action:ident),+ $(,)?) => {
        const ACTIONS: &[&str] = &[$($action::ACTION),+];

        impl Service {
            /// `None` if there is no such action.
            async fn dispatch(&self, action: &str, key: Option<&str>, body: &[u8]) -> Option<Outcome> {
                match action {
                    $(_ if action == $action::ACTION => Some(self.call::<$action>(key, body).await),)+
                    _ => None,
                }
            }
        }
    };
}

actions!(
    CancelRotateSecret,
    CreateSecret,
    DescribeSecret,
    GetRandomPassword,
    GetSecretValue,
    ListSecretVersionIds,
    ListSecrets,
    PutSecretValue,
    ReplicateSecretToRegions,
    RotateSecret,
    StopReplicationToReplica,
    TagResource,
    UntagResource,
    UpdateSecret,
    UpdateSecretVersionStage,
);

pub(super) fn cloudtrail_events(simulator: &Simulator) -> Vec<Value> {
    let records = simulator.records();
    records.iter().map(RotationEventRecord::to_cloudtrail).collect()
}

/// A body that is too large is read to its end and thrown away, so that the client hears why.
async fn collect(mut body: impl Body<Data = Bytes> + Unpin) -> Result<Bytes, WireError> {
    let (mut collected, mut size) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| WireError::serialization("The body could not be read."))?;
        let Ok(data) = frame.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size <= LARGEST {
            collected.extend_from_slice(&data);
        }
    }
    if size > LARGEST {
        return Err(WireError {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..WireError::new(
                "RequestEntityTooLargeException",
                format!("The simulator takes bodies of at most {LARGEST} bytes."),
            )
        });
    }
    Ok(collected.freeze())
}

fn unknown(action: Option<&str>) -> WireError {
    // A name that is none is not repeated.
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let what = match action.filter(is_name) {
        Some(action) => format!("The simulator does not model {action}."),
        None => "The header X-Amz-Target must be secretsmanager. and an action.".to_owned(),
    };
    WireError::new(
        "UnknownOperationException",
        format!("{what} It models {}.", ACTIONS.join(", ")),
    )
}

fn not_here() -> WireError {
    WireError {
        status: StatusCode::NOT_FOUND,
        ..WireError::new(
            "UnknownOperationException",
            format!("There are POST / for the actions of Secrets Manager, and GET {EVENTS}."),
        )
    }
}
