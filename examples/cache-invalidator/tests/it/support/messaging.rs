//! As much of SNS and SQS as the chain needs, on one loopback port: a topic whose messages a queue gets in
//! SNS's envelope, and that queue. What is received comes again until it is deleted, as in SQS.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:rotated";

#[derive(Clone, Default)]
pub(crate) struct Messaging {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By receipt handle; what was sent first comes first.
    queue: BTreeMap<u64, String>,
    sent: u64,
    ever: Vec<String>,
    denied: bool,
}

/// Ends when it is dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    _server: JoinSet<()>,
}

impl Messaging {
    pub(crate) async fn serve(&self) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        let messaging = self.clone();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let messaging = messaging.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| messaging.clone().answer(request));
                    _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Served { url, _server: server }
    }

    pub(crate) fn deny(&self) {
        self.state.lock().unwrap().denied = true;
    }

    /// What is in the queue, the oldest first.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.state.lock().unwrap().queue.values().cloned().collect()
    }

    /// All that was ever sent.
    pub(crate) fn ever(&self) -> Vec<String> {
        self.state.lock().unwrap().ever.clone()
    }

    /// Puts a message into the queue, as anybody might who may send.
    pub(crate) fn put(&self, body: &str) {
        self.state.lock().unwrap().put(body.to_owned());
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let target = request.headers().get("x-amz-target").cloned();
        let target = target
            .as_ref()
            .and_then(|target| target.to_str().ok())
            .unwrap_or_default();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut state = self.state.lock().unwrap();
        let (status, text) = match target.strip_prefix("AmazonSQS.") {
            _ if state.denied => denied(target.is_empty()),
            Some(action) => (
                StatusCode::OK,
                state
                    .sqs(action, &serde_json::from_slice(&body).unwrap())
                    .to_string(),
            ),
            None => (StatusCode::OK, state.sns(std::str::from_utf8(&body).unwrap())),
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        Ok(response)
    }
}

impl State {
    fn put(&mut self, body: String) -> String {
        self.sent += 1;
        self.ever.push(body.clone());
        self.queue.insert(self.sent, body);
        format!("message-{}", self.sent)
    }

    fn sqs(&mut self, action: &str, input: &Value) -> Value {
        match action {
            "SendMessage" => {
                json!({"MessageId": self.put(input["MessageBody"].as_str().unwrap().to_owned())})
            }
            "ReceiveMessage" => {
                let message = |(handle, body): (&u64, &String)| json!({"MessageId": format!("message-{handle}"), "ReceiptHandle": handle.to_string(), "Body": body});
                json!({"Messages": self.queue.iter().take(10).map(message).collect::<Vec<_>>()})
            }
            "DeleteMessage" => {
                self.queue
                    .remove(&input["ReceiptHandle"].as_str().unwrap().parse().unwrap());
                json!({})
            }
            other => panic!("{other} is not modelled"),
        }
    }

    fn sns(&mut self, form: &str) -> String {
        let fields: BTreeMap<_, _> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        assert_eq!(fields["Action"], "Publish");
        let decoded = |name| {
            percent_decode_str(fields[name])
                .decode_utf8()
                .unwrap()
                .into_owned()
        };
        assert_eq!(decoded("TopicArn"), TOPIC);
        let id = format!("sns-{}", self.sent);
        let envelope = json!({
            "Type": "Notification", "MessageId": id, "TopicArn": TOPIC, "Message": decoded("Message"),
            "Timestamp": "2026-01-01T00:00:00.000Z", "SignatureVersion": "1", "Signature": "EXAMPLE",
        });
        self.put(envelope.to_string());
        format!(
            "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{id}\
             </MessageId></PublishResult></PublishResponse>"
        )
    }
}

fn denied(is_sns: bool) -> (StatusCode, String) {
    let text = match is_sns {
        true => {
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
                 <Code>AuthorizationError</Code><Message>not allowed</Message></Error></ErrorResponse>"
                .to_owned()
        }
        false => {
            json!({"__type": "com.amazon.coral.service#AccessDeniedException", "message": "not allowed"})
                .to_string()
        }
    };
    (StatusCode::FORBIDDEN, text)
}
