//! Requests sent, again where that is safe.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use rotation_core::{BackendError, ErrorClass, StepContext};
use url::Url;

use crate::answer::{Answer, Refusal, Reply};
use crate::call::Call;
use crate::hosts::AllowedHosts;
use crate::placeholder::Values;
use crate::provider::Provider;
use crate::retry::{Allotment, MOST_TRIES, ONE_REQUEST, ONE_TRY, retry_after};
use crate::transport::{Transport, TransportError};

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

    /// The request to this address. An error means that it must not be sent.
    pub(crate) fn prepare(
        &self,
        call: &Call,
        url: &Url,
        values: &Values<'_>,
    ) -> Result<http::Request<Bytes>, BackendError> {
        // This comes first: a host that is not listed gets no connection, and no admin secret is read for it.
        self.hosts.check(url)?;
        call.request(url, values)
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

    /// Sends a request until the answer is final, a few times at most, with growing pauses.
    pub(crate) async fn repeat(
        &self,
        shown: &str,
        request: http::Request<Bytes>,
        expects: impl Fn(StatusCode) -> bool,
    ) -> Result<Bytes, Refusal> {
        let time = Allotment::new(self.ctx, ONE_REQUEST);
        let mut tries = 1;
        loop {
            let answer = self.send(shown, request.clone(), time.left().min(ONE_TRY)).await;
            let refusal = match answer.judge(shown, &expects) {
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

fn no_reply(shown: &str, error: Box<dyn std::error::Error + Send + Sync>) -> BackendError {
    let message = format!("{shown} got no reply that can be used");
    let class = error.downcast_ref().map(TransportError::class);
    if class == Some(ErrorClass::Misconfigured) {
        return BackendError::misconfigured(message).with_source(error);
    }
    BackendError::unavailable(message).with_source(error)
}
