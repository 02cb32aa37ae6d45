//! Requests sent, again where that is safe, and their answers judged.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use rotation_core::{BackendError, ErrorClass, StepContext};
use url::Url;

use crate::admin::AdminCredential;
use crate::hosts::AllowedHosts;
use crate::provider::Provider;
use crate::request::Call;
use crate::retry::{Allotment, MOST_TRIES, ONE_REQUEST, ONE_TRY, is_passing, retry_after};
use crate::template::Values;
use crate::transport::{Transport, TransportError};

/// What came back.
pub(crate) enum Answer {
    /// A complete reply.
    Reply(Reply),
    /// None, or not in time: whether the request had its effect is not known.
    Nothing(BackendError),
}

/// A complete reply.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// How long the provider asks to wait.
    pub(crate) asked: Option<Duration>,
    pub(crate) body: Bytes,
}

/// What every request needs.
pub(crate) struct Sender<'a, T> {
    pub(crate) ctx: &'a StepContext<'a>,
    pub(crate) provider: &'a Provider,
    pub(crate) hosts: &'a AllowedHosts,
    pub(crate) transport: &'a T,
}

impl<T: Transport> Sender<'_, T> {
    /// The address of a request.
    pub(crate) fn url(&self, call: &Call, values: &Values<'_>) -> Result<Url, BackendError> {
        call.url(self.provider.base(values.document)?, values)
    }

    /// The request to this address, with the admin credential if one is given. An error means that
    /// nothing was sent.
    pub(crate) async fn prepare(
        &self,
        call: &Call,
        url: &Url,
        values: &Values<'_>,
        admin: Option<&mut AdminCredential<'_>>,
    ) -> Result<http::Request<Bytes>, BackendError> {
        // Before anything else: no connection, and no admin secret, for a host that is not listed.
        self.hosts.check(url)?;
        let mut request = call.request(url, values)?;
        if let Some(admin) = admin {
            admin.put_into(self, request.headers_mut()).await?;
        }
        Ok(request)
    }

    /// Sends a request once.
    pub(crate) async fn send(&self, shown: &str, request: http::Request<Bytes>, limit: Duration) -> Answer {
        let sent = self.ctx.timeout_after(limit, self.transport.send(request)).await;
        match sent {
            Ok(Ok(reply)) => Answer::Reply(Reply {
                status: reply.status(),
                asked: retry_after(reply.headers(), wall_now(self.ctx)),
                body: reply.into_body(),
            }),
            Ok(Err(error)) => Answer::Nothing(no_reply(shown, error)),
            Err(late) => Answer::Nothing(
                BackendError::unavailable(format!("{shown} was not answered in time")).with_source(late),
            ),
        }
    }

    /// Sends an admin request once, whatever comes, and returns the body of an expected reply.
    pub(crate) async fn admin_once(
        &self,
        call: &Call,
        values: &Values<'_>,
        admin: &mut AdminCredential<'_>,
    ) -> Result<Bytes, AdminError> {
        let url = self.url(call, values)?;
        let request = self.prepare(call, &url, values, Some(admin)).await?;
        let answer = self.send(&call.shown, request, Duration::MAX).await;
        judged(&call.shown, answer, |status| call.expects(status))
            .map_err(|refusal| refusal.after(&call.shown, 1))
    }

    /// Sends an admin request that may be repeated, and returns the body of an expected reply.
    pub(crate) async fn admin(
        &self,
        call: &Call,
        values: &Values<'_>,
        admin: &mut AdminCredential<'_>,
    ) -> Result<Bytes, AdminError> {
        let url = self.url(call, values)?;
        self.admin_at(call, &url, values, admin).await
    }

    /// The same, to this address instead of the request's own.
    pub(crate) async fn admin_at(
        &self,
        call: &Call,
        url: &Url,
        values: &Values<'_>,
        admin: &mut AdminCredential<'_>,
    ) -> Result<Bytes, AdminError> {
        let request = self.prepare(call, url, values, Some(admin)).await?;
        self.repeat(&call.shown, request, |status| call.expects(status))
            .await
    }

    /// Sends a request until it is answered for good, with growing pauses, a few times at most.
    pub(crate) async fn repeat(
        &self,
        shown: &str,
        request: http::Request<Bytes>,
        expects: impl Fn(StatusCode) -> bool,
    ) -> Result<Bytes, AdminError> {
        let time = Allotment::new(self.ctx, ONE_REQUEST);
        let mut tries = 1;
        loop {
            let answer = self.send(shown, request.clone(), time.left().min(ONE_TRY)).await;
            let refusal = match judged(shown, answer, &expects) {
                Ok(body) => return Ok(body),
                Err(refusal) => refusal,
            };
            let again = refusal.may_pass() && tries < MOST_TRIES && time.pause(tries, refusal.asked).await?;
            if !again {
                return Err(refusal.after(shown, tries));
            }
            tries += 1;
        }
    }
}

/// The wall time now, or a little later: createSecret has less time left than its invocation.
pub(crate) fn wall_now(ctx: &StepContext<'_>) -> SystemTime {
    let end = ctx.wall_deadline();
    end.checked_sub(ctx.remaining()).unwrap_or(end)
}

/// The body of an expected reply, or why there is none.
fn judged(shown: &str, answer: Answer, expects: impl Fn(StatusCode) -> bool) -> Result<Bytes, AdminError> {
    match answer {
        Answer::Nothing(error) => Err(AdminError {
            sent: true,
            ..error.into()
        }),
        Answer::Reply(reply) if expects(reply.status) => Ok(reply.body),
        Answer::Reply(Reply { status, asked, .. }) => Err(AdminError {
            status: Some(status),
            asked,
            sent: true,
            tries: 1,
            error: refused(shown, status),
        }),
    }
}

/// Why an admin request did not do what it should, and the status that came back, if one did.
pub(crate) struct AdminError {
    pub(crate) status: Option<StatusCode>,
    pub(crate) asked: Option<Duration>,
    /// Whether anything may have reached the provider.
    pub(crate) sent: bool,
    pub(crate) tries: u32,
    pub(crate) error: BackendError,
}

impl AdminError {
    /// Whether the provider answered, and will answer the same to every later try.
    pub(crate) fn is_for_good(&self) -> bool {
        self.status
            .is_some_and(|status| !is_passing(status) && !is_admin_refused(status))
    }

    /// Whether the same request may pass by itself.
    fn may_pass(&self) -> bool {
        self.error.class() == ErrorClass::Unavailable
    }

    /// The same, with how often it was tried and how long the provider asked to wait, where that tells
    /// something.
    fn after(mut self, shown: &str, tries: u32) -> Self {
        self.tries = tries;
        let asked = self.asked.filter(|_| self.may_pass());
        let asked = asked.map(|asked| format!("; it asks to wait for {} s", asked.as_secs()));
        if !self.may_pass() || (tries == 1 && asked.is_none()) {
            return self;
        }
        let asked = asked.unwrap_or_default();
        let error = if self.status.is_some() {
            BackendError::unavailable(format!("{}, tried {tries} times{asked}", self.error))
        } else {
            BackendError::unavailable(format!("{shown} was tried {tries} times{asked}"))
                .with_source(self.error)
        };
        Self { error, ..self }
    }
}

impl From<BackendError> for AdminError {
    fn from(error: BackendError) -> Self {
        Self {
            status: None,
            asked: None,
            sent: false,
            tries: 0,
            error,
        }
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

fn no_reply(shown: &str, error: Box<dyn std::error::Error + Send + Sync>) -> BackendError {
    let message = format!("{shown} got no reply that can be used");
    let class = error.downcast_ref().map(TransportError::class);
    if class == Some(ErrorClass::Misconfigured) {
        return BackendError::misconfigured(message).with_source(error);
    }
    BackendError::unavailable(message).with_source(error)
}

/// What an unexpected status of an admin request means.
fn refused(shown: &str, status: StatusCode) -> BackendError {
    let number = status.as_u16();
    match status {
        status if is_admin_refused(status) => BackendError::misconfigured(format!(
            "the admin credential was refused by {shown} (status {number}); check that it is valid and may do this"
        )),
        status if is_passing(status) && status != StatusCode::NOT_IMPLEMENTED => {
            BackendError::unavailable(format!("{shown} answered with status {number}"))
        }
        status if status.is_redirection() => BackendError::misconfigured(format!(
            "{shown} answered with status {number}, a redirect, which is never followed; correct the base URL or the path"
        )),
        _ => unexpected(shown, status),
    }
}

/// A status that neither time nor another credential changes.
pub(crate) fn unexpected(shown: &str, status: StatusCode) -> BackendError {
    BackendError::misconfigured(format!(
        "{shown} answered with status {}, which is not expected; correct the request in the provider's description",
        status.as_u16()
    ))
}
