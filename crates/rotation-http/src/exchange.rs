//! One request sent and its answer judged.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use rotation_core::{BackendError, ErrorClass, StepContext};
use serde_json::{Number, Value};
use zeroize::Zeroize;

use crate::admin::AdminHeader;
use crate::document::Wiped;
use crate::hosts::AllowedHosts;
use crate::provider::Provider;
use crate::request::Call;
use crate::template::Values;
use crate::transport::{Transport, TransportError};

/// What came back.
pub(crate) enum Answer {
    /// A complete reply.
    Reply(StatusCode, Bytes),
    /// None, or not in time: whether the request had its effect is not known.
    Nothing(BackendError),
}

/// What every request needs.
pub(crate) struct Sender<'a, T> {
    pub(crate) ctx: &'a StepContext<'a>,
    pub(crate) provider: &'a Provider,
    pub(crate) hosts: &'a AllowedHosts,
    pub(crate) transport: &'a T,
}

impl<T: Transport> Sender<'_, T> {
    /// Sends one request once, with the admin credential if one is given. An error means that
    /// nothing was sent.
    pub(crate) async fn send(
        &self,
        call: &Call,
        values: &Values<'_>,
        admin: Option<&mut AdminHeader<'_>>,
        limit: Duration,
    ) -> Result<Answer, BackendError> {
        let url = call.url(self.provider.base(values.document)?, values)?;
        // Before anything else: no connection, and no admin secret, for a host that is not listed.
        self.hosts.check(&url)?;
        let mut request = call.request(&url, values)?;
        if let Some(admin) = admin {
            let (name, value) = admin.get(self.ctx).await?;
            request.headers_mut().insert(name, value);
        }
        let sent = self.ctx.timeout_after(limit, self.transport.send(request)).await;
        Ok(match sent {
            Ok(Ok(reply)) => Answer::Reply(reply.status(), reply.into_body()),
            Ok(Err(error)) => Answer::Nothing(no_reply(call, error)),
            Err(late) => Answer::Nothing(
                BackendError::unavailable(format!("{} was not answered in time", call.shown))
                    .with_source(late),
            ),
        })
    }

    /// Sends an admin request, waits so long for the reply, and returns the body of an expected one.
    pub(crate) async fn admin(
        &self,
        call: &Call,
        values: &Values<'_>,
        admin: &mut AdminHeader<'_>,
        limit: Duration,
    ) -> Result<Bytes, AdminError> {
        match self.send(call, values, Some(admin), limit).await? {
            Answer::Nothing(error) => Err(error.into()),
            Answer::Reply(status, body) if call.expects(status) => Ok(body),
            Answer::Reply(status, _) => Err(AdminError {
                status: Some(status),
                error: refused(call, status),
            }),
        }
    }
}

/// Why an admin request did not do what it should, and the status that came back, if one did.
pub(crate) struct AdminError {
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: BackendError,
}

impl AdminError {
    /// Whether the provider answered, and will answer the same to every later try.
    pub(crate) fn is_for_good(&self) -> bool {
        self.status
            .is_some_and(|status| !is_passing(status) && !is_admin_refused(status))
    }
}

impl From<BackendError> for AdminError {
    fn from(error: BackendError) -> Self {
        Self { status: None, error }
    }
}

impl From<AdminError> for BackendError {
    fn from(error: AdminError) -> Self {
        error.error
    }
}

/// Whether the provider refused the admin credential itself.
pub(crate) fn is_admin_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// Whether the provider does not know the request at all, as far as a status can tell.
pub(crate) fn is_unknown_request(status: StatusCode) -> bool {
    status == StatusCode::NOT_FOUND || is_unsupported(status)
}

/// Whether the provider knows what is asked for, and does not do it for anybody.
pub(crate) fn is_unsupported(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
    )
}

fn no_reply(call: &Call, error: Box<dyn std::error::Error + Send + Sync>) -> BackendError {
    let message = format!("{} got no reply that can be used", call.shown);
    let class = error.downcast_ref().map(TransportError::class);
    if class == Some(ErrorClass::Misconfigured) {
        return BackendError::misconfigured(message).with_source(error);
    }
    BackendError::unavailable(message).with_source(error)
}

/// Whether the same request may pass later: the provider limits the rate, or fails within.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
}

/// What an unexpected status of an admin request means.
fn refused(call: &Call, status: StatusCode) -> BackendError {
    let (shown, number) = (&call.shown, status.as_u16());
    match status {
        status if is_admin_refused(status) => BackendError::misconfigured(format!(
            "the admin credential was refused by {shown} (status {number}); check that it is valid and may do this"
        )),
        status if is_passing(status) => {
            BackendError::unavailable(format!("{shown} answered with status {number}"))
        }
        status if status.is_redirection() => BackendError::misconfigured(format!(
            "{shown} answered with status {number}, a redirect, which is never followed; correct the base URL or the path"
        )),
        _ => unexpected(call, status),
    }
}

/// A status that neither time nor another credential changes.
pub(crate) fn unexpected(call: &Call, status: StatusCode) -> BackendError {
    BackendError::misconfigured(format!(
        "{} answered with status {}, which is not expected; correct the request in the provider's description",
        call.shown,
        status.as_u16()
    ))
}

/// The reply's body as JSON. The bytes are overwritten where nobody else holds them.
pub(crate) fn json(call: &Call, body: Bytes) -> Result<Wiped, BackendError> {
    let parsed = serde_json::from_slice(&body).map(Wiped);
    if let Ok(mut bytes) = body.try_into_mut() {
        bytes.as_mut().zeroize();
    }
    // Without the parser's own error, which may quote the reply.
    parsed.map_err(|_| {
        BackendError::misconfigured(format!(
            "the reply to {} is not JSON; check the base URL",
            call.shown
        ))
    })
}

/// The id at the pointer: a text, printable and not overlong, for it is logged, or a whole number of
/// at most 64 bits; any other number has lost digits when it was read.
pub(crate) fn id_at<'a>(reply: &'a Value, pointer: &str) -> Option<&'a Value> {
    let id = reply.pointer(pointer)?;
    let fits = |text: &str| {
        !text.is_empty() && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match id {
        Value::String(text) if fits(text) => Some(id),
        Value::Number(number) if is_whole(number) => Some(id),
        _ => None,
    }
}

/// Whether the number is known in full.
pub(crate) fn is_whole(number: &Number) -> bool {
    number.is_u64() || number.is_i64()
}

/// An id as a text.
pub(crate) fn id_text(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_printable_text_or_a_whole_number() {
        let id = |text: &str| {
            let reply: Value = serde_json::from_str(&format!(r#"{{"id": {text}}}"#)).unwrap();
            id_at(&reply, "/id").map(id_text)
        };
        for (given, read) in [
            (r#""k-1""#, "k-1"),
            ("7", "7"),
            ("-7", "-7"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
        ] {
            assert_eq!(id(given).as_deref(), Some(read));
        }
        for given in [
            "123456789012345678901234",
            "18446744073709551616",
            "-9223372036854775809",
            "1.5",
            "7.0",
            "1e3",
            r#""""#,
            r#""a b""#,
            r#""\n""#,
            "true",
            "null",
            "[]",
        ] {
            assert_eq!(id(given), None, "{given}");
        }
    }
}
