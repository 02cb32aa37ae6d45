//! A client without an SDK: it says exactly what a test wants it to say.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A token: 32 characters that end in `name`.
pub(crate) fn token(name: &str) -> String {
    format!("{name:0>32}")
}

/// What comes in milliseconds when all is well; a test that waits in vain fails then.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .unwrap()
}

#[derive(Clone, Copy)]
pub(crate) struct Client {
    address: SocketAddr,
    key: Option<&'static str>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// Status, code and message of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        let text = |name: &str| self.body[name].as_str().unwrap_or_else(|| panic!("{self:?}"));
        (self.status.as_u16(), text("__type"), text("Message"))
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, key: None }
    }

    /// Signs with this access key id from now on.
    pub(crate) fn with_key(self, key: &'static str) -> Self {
        let key = Some(key);
        Self { key, ..self }
    }

    /// An action that has to succeed.
    pub(crate) async fn ok(&self, action: &str, body: Value) -> Value {
        let reply = self.call(action, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.body
    }

    pub(crate) async fn call(&self, action: &str, body: Value) -> Reply {
        self.try_call(action, body).await.unwrap()
    }

    /// An error is a connection that was closed without a reply.
    pub(crate) async fn try_call(&self, action: &str, body: Value) -> hyper::Result<Reply> {
        self.post(&format!("secretsmanager.{action}"), body.to_string())
            .await
    }

    pub(crate) async fn post(&self, target: &str, body: impl Into<Bytes>) -> hyper::Result<Reply> {
        let mut request = Request::post("/")
            .header("X-Amz-Target", target)
            .header(CONTENT_TYPE, "application/x-amz-json-1.1");
        if let Some(key) = self.key {
            let scope = "20260101/eu-west-1/secretsmanager/aws4_request";
            let signature =
                format!("AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders=host, Signature=00");
            request = request.header(AUTHORIZATION, signature);
        }
        self.send(request.body(Full::from(body.into())).unwrap()).await
    }

    pub(crate) async fn request(&self, method: Method, path: &str) -> Reply {
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(Full::default()).unwrap()).await.unwrap()
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> hyper::Result<Reply> {
        let host = self.address.to_string().parse().unwrap();
        request.headers_mut().insert(HOST, host);
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap(),
        })
    }
}
