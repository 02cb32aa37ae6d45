//! A safeguard taken out, to see what it is for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};
use rotation_http::{ReqwestTransport, Transport};
use tower_service::Service;

/// Answers every list of keys with an empty one, so that the backend finds no orphan.
#[derive(Clone, Default)]
pub(crate) struct ListsNothing {
    inner: ReqwestTransport,
}

impl Service<Request<Bytes>> for ListsNothing {
    type Response = Response<Bytes>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let inner = self.inner.clone();
        Box::pin(async move {
            if request.method() == Method::GET && request.uri().path() == "/api-keys" {
                return Ok(Response::new(Bytes::from_static(br#"{"keys": []}"#)));
            }
            inner.send(request).await
        })
    }
}
