//! Answers whole requests on a free port of 127.0.0.1.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::listen::Listening;

pub(crate) type Reply = Response<Full<Bytes>>;

pub(crate) async fn serve<H, F>(handler: H) -> io::Result<Listening>
where
    H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send,
{
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let answer = move |request: Request<Incoming>| {
        let handler = handler.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(handler(Request::from_parts(parts, body)).await)
        }
    };
    Listening::start(free, answer).await
}

pub(super) fn json_reply(status: StatusCode, payload: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(payload));
    *reply.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}
