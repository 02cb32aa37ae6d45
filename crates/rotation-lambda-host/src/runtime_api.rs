//! The Runtime API of one execution environment, as one runtime client sees it.
//!
//! Source: the developer guide's "Using the Lambda runtime API for custom runtimes", and the
//! OpenAPI document beside it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::{Notify, oneshot};

use crate::outcome::{Answer, error_payload};
use crate::reply::{Reply, json_reply};
use crate::sync::lock;

const VERSION: &str = "2018-06-01";

/// What the function is invoked with.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) request_id: String,
    pub(crate) function_arn: String,
    pub(crate) trace_id: String,
    /// How much time the deadline header tells, from the moment that the event is handed out.
    pub(crate) announces: Duration,
    pub(crate) payload: Bytes,
}

/// What the runtime client and the service know of each other.
#[derive(Default)]
pub(crate) struct RuntimeApi {
    state: Mutex<State>,
    /// Heard by the environment, which is the only one that waits.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The client's `next`, until an event answers it.
    waiting: Option<oneshot::Sender<Event>>,
    running: Option<Running>,
    init_error: Option<Bytes>,
}

/// The invocation that the client has: from its event until its next `next`.
struct Running {
    request_id: String,
    answer: Option<Answer>,
}

impl RuntimeApi {
    /// Answers the runtime client.
    pub(crate) async fn handle(self: Arc<Self>, request: Request<Bytes>) -> Reply {
        let path = request.uri().path().to_owned();
        let path: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method(), path.as_slice()) {
            (&Method::GET, [VERSION, "runtime", "invocation", "next"]) => self.next().await,
            (&Method::POST, [VERSION, "runtime", "invocation", id, "response"]) => {
                self.answer(id, Answer::Returned(request.into_body()))
            }
            (&Method::POST, [VERSION, "runtime", "invocation", id, "error"]) => {
                self.answer(id, Answer::Failed(request.into_body()))
            }
            (&Method::POST, [VERSION, "runtime", "init", "error"]) => self.init_error(request.into_body()),
            _ => refusal(StatusCode::NOT_FOUND, "NotFound", "404 page not found"),
        }
    }

    async fn next(&self) -> Reply {
        let Some(event) = self.begin_next() else {
            return refusal(
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                "The invocation before has not been answered",
            );
        };
        match event.await {
            Ok(event) => handed_out(event, SystemTime::now()),
            Err(_) => refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "ContainerError",
                "There is no more to come",
            ),
        }
    }

    /// `None` as long as the invocation before is not answered.
    fn begin_next(&self) -> Option<oneshot::Receiver<Event>> {
        let mut state = lock(&self.state);
        if state
            .running
            .as_ref()
            .is_some_and(|running| running.answer.is_none())
        {
            return None;
        }
        let (sender, event) = oneshot::channel();
        state.waiting = Some(sender);
        drop(state);
        self.changed.notify_one();
        Some(event)
    }

    fn answer(&self, request_id: &str, answer: Answer) -> Reply {
        let mut state = lock(&self.state);
        let running = state.running.as_mut();
        match running.filter(|running| running.request_id == request_id && running.answer.is_none()) {
            Some(running) => running.answer = Some(answer),
            None => {
                return refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID");
            }
        }
        drop(state);
        self.changed.notify_one();
        accepted()
    }

    fn init_error(&self, payload: Bytes) -> Reply {
        lock(&self.state).init_error = Some(payload);
        self.changed.notify_one();
        accepted()
    }

    /// Hands the event to the client once it asks for one. An error is what the client says about
    /// its own start, which failed.
    pub(crate) async fn hand_out(&self, event: &Event) -> Result<(), Bytes> {
        self.wait(|state| {
            if let Some(error) = state.init_error.take() {
                return Some(Err(error));
            }
            // A client that went away while it waited takes no event.
            state.waiting.take()?.send(event.clone()).ok()?;
            state.running = Some(Running {
                request_id: event.request_id.clone(),
                answer: None,
            });
            Some(Ok(()))
        })
        .await
    }

    /// The client's answer to the event that it was handed.
    pub(crate) async fn answered(&self) -> Answer {
        self.wait(|state| state.running.as_ref()?.answer.clone()).await
    }

    /// The client asks for the next event: the environment is free again.
    pub(crate) async fn free(&self) {
        self.wait(|state| {
            state.waiting.as_ref()?;
            state.running = None;
            Some(())
        })
        .await;
    }

    async fn wait<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            if let Some(seen) = look(&mut lock(&self.state)) {
                return seen;
            }
            self.changed.notified().await;
        }
    }
}

fn handed_out(event: Event, now: SystemTime) -> Reply {
    let deadline = now.duration_since(UNIX_EPOCH).unwrap_or_default() + event.announces;
    Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", event.request_id)
        .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
        .header("Lambda-Runtime-Invoked-Function-Arn", event.function_arn)
        .header("Lambda-Runtime-Trace-Id", event.trace_id)
        .body(Full::new(event.payload))
        .unwrap_or_default()
}

fn accepted() -> Reply {
    json_reply(StatusCode::ACCEPTED, Bytes::from_static(br#"{"status":"OK"}"#))
}

fn refusal(status: StatusCode, error_type: &str, message: &str) -> Reply {
    json_reply(status, error_payload(error_type, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(request_id: &str) -> Event {
        Event {
            request_id: request_id.to_owned(),
            function_arn: "arn:f".to_owned(),
            trace_id: "Root=1".to_owned(),
            announces: Duration::from_secs(1),
            payload: Bytes::from_static(b"{}"),
        }
    }

    async fn send(api: &Arc<RuntimeApi>, method: Method, path: &str) -> StatusCode {
        let mut request = Request::new(Bytes::from_static(b"null"));
        *request.method_mut() = method;
        *request.uri_mut() = format!("/2018-06-01/runtime/{path}").parse().unwrap();
        Arc::clone(api).handle(request).await.status()
    }

    #[tokio::test]
    async fn what_comes_out_of_turn_is_refused() {
        let api = Arc::new(RuntimeApi::default());
        let response = "invocation/one/response";
        assert_eq!(send(&api, Method::POST, response).await, StatusCode::BAD_REQUEST);

        let (next, one) = (send(&api, Method::GET, "invocation/next"), event("one"));
        let (status, handed_out) = tokio::join!(next, api.hand_out(&one));
        assert_eq!((status, handed_out), (StatusCode::OK, Ok(())));

        let rows = [
            (Method::GET, "invocation/next", StatusCode::FORBIDDEN),
            (Method::POST, "invocation/two/response", StatusCode::BAD_REQUEST),
            (Method::POST, "invocation/two/error", StatusCode::BAD_REQUEST),
            (Method::GET, response, StatusCode::NOT_FOUND),
            (Method::POST, "invocation/one", StatusCode::NOT_FOUND),
            (Method::POST, response, StatusCode::ACCEPTED),
            (Method::POST, response, StatusCode::BAD_REQUEST),
            (Method::POST, "invocation/one/error", StatusCode::BAD_REQUEST),
        ];
        for (method, path, expected) in rows {
            assert_eq!(
                send(&api, method.clone(), path).await,
                expected,
                "{method} {path}"
            );
        }
        assert!(matches!(api.answered().await, Answer::Returned(_)));
    }

    #[tokio::test]
    async fn a_client_that_went_away_takes_no_event() {
        let api = Arc::new(RuntimeApi::default());
        drop(api.begin_next());
        let one = event("one");
        let (event, handed_out) = tokio::join!(
            async {
                tokio::task::yield_now().await;
                api.begin_next().unwrap().await
            },
            api.hand_out(&one),
        );
        assert_eq!(event.unwrap().request_id, "one");
        assert_eq!(handed_out, Ok(()));
    }
}
