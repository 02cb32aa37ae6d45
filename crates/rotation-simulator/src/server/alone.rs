//! The answers of the socket without a socket, for fuzzing: neither in a build nor in the documentation.
#![allow(missing_docs, clippy::must_use_candidate, reason = "no part of the API")]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt, Full};

use super::answer::Service;
use crate::simulator::Simulator;

/// Status and body of the answer to this action, signed with this access key. `None` if there is no answer, or if
/// no HTTP header can hold the key or the action.
pub async fn answer(
    simulator: &Simulator,
    function_key: Option<&str>,
    key: Option<&str>,
    action: &str,
    body: &str,
) -> Option<(u16, String)> {
    let mut request = Request::post("/").header("x-amz-target", format!("secretsmanager.{action}"));
    if let Some(key) = key {
        request = request.header(AUTHORIZATION, format!("AWS4-HMAC-SHA256 Credential={key}/x"));
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .ok()?;
    let service = Service {
        simulator: simulator.clone(),
        function_key: function_key.map(Arc::from),
        requests: Arc::new(AtomicU64::new(0)),
    };
    let (head, body) = service.answer(request).await.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    Some((head.status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests;
