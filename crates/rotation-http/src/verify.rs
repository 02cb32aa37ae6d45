//! Verifying a key, again and again until the provider knows it everywhere.

use std::time::Duration;

use http::StatusCode;
use rotation_core::{BackendError, ErrorClass};

use crate::answer::{Answer, unexpected};
use crate::call::Call;
use crate::placeholder::Values;
use crate::retry::{Allotment, ONE_TRY, is_passing};
use crate::sender::Sender;
use crate::transport::Transport;

/// How long a new key is waited for, unless set otherwise.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Tries until the key works, for `limit` or half of the time left, whichever is less.
pub(crate) async fn until_it_works<T: Transport>(
    sender: &Sender<'_, T>,
    values: &Values<'_>,
    limit: Duration,
) -> Result<(), BackendError> {
    let call = &sender.provider.verify;
    let time = Allotment::new(sender.ctx, limit);
    let mut tries = 1_u32;
    loop {
        let (failure, asked) = match send(sender, values, time.left().min(ONE_TRY)).await? {
            Answer::Reply(reply) if call.expects(reply.status) => {
                tracing::info!(tries, "the key works");
                return Ok(());
            }
            Answer::Reply(reply) if may_propagate(reply.status) => {
                (Failure::Status(reply.status), reply.asked)
            }
            Answer::Reply(reply) => return Err(unexpected(&call.shown, reply.status)),
            Answer::Nothing(error) if error.class() != ErrorClass::Unavailable => return Err(error),
            Answer::Nothing(error) => (Failure::NoReply(error), None),
        };
        if !time.pause(tries, asked).await? {
            tracing::info!(tries, "the key does not work yet");
            return Err(failure.into_error(call, tries, asked));
        }
        tries = tries.saturating_add(1);
    }
}

/// What one try told of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Known {
    /// It works.
    Works,
    /// The provider does not take it, now.
    Refused,
    /// The provider did not say.
    NotSaid,
}

/// Tries once whether a key works.
pub(crate) async fn once<T: Transport>(
    sender: &Sender<'_, T>,
    values: &Values<'_>,
) -> Result<Known, BackendError> {
    Ok(match send(sender, values, ONE_TRY).await? {
        Answer::Reply(reply) if sender.provider.verify.expects(reply.status) => Known::Works,
        Answer::Reply(reply) if may_propagate(reply.status) && !is_passing(reply.status) => Known::Refused,
        Answer::Reply(_) | Answer::Nothing(_) => Known::NotSaid,
    })
}

async fn send<T: Transport>(
    sender: &Sender<'_, T>,
    values: &Values<'_>,
    limit: Duration,
) -> Result<Answer, BackendError> {
    let call = &sender.provider.verify;
    let url = sender.url(call, values)?;
    let request = sender.prepare(call, &url, values)?;
    Ok(sender.send(&call.shown, request, limit).await)
}

/// Whether the provider may only not know the key yet, or be in trouble.
fn may_propagate(status: StatusCode) -> bool {
    is_passing(status)
        || matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
        )
}

enum Failure {
    Status(StatusCode),
    NoReply(BackendError),
}

impl Failure {
    /// Never rejected: a 401 alone may be propagation that takes longer.
    fn into_error(self, call: &Call, tries: u32, asked: Option<Duration>) -> BackendError {
        let shown = &call.shown;
        let asked = asked.map_or_else(String::new, |asked| {
            format!("; it asks to wait for {} s", asked.as_secs())
        });
        match self {
            Self::Status(status) => BackendError::unavailable(format!(
                "{shown} did not accept the key, tried {tries} times, at last with status {}{asked}",
                status.as_u16()
            )),
            Self::NoReply(error) => {
                BackendError::unavailable(format!("{shown} did not answer, tried {tries} times"))
                    .with_source(error)
            }
        }
    }
}
