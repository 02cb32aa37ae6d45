//! Verifying a key, again and again until the provider knows it everywhere.

use std::time::Duration;

use http::StatusCode;
use rotation_core::{BackendError, ErrorClass, StepContext};

use crate::exchange::{Answer, Sender, is_passing, unexpected};
use crate::request::Call;
use crate::template::Values;
use crate::transport::Transport;

/// How long a new key is waited for, unless set otherwise.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// How long one try may take: a connection that hangs must not use up the time of the others.
const ONE_TRY: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Tries until the key works, for `limit` or half of the time left, whichever is less.
pub(crate) async fn until_it_works<T: Transport>(
    sender: &Sender<'_, T>,
    values: &Values<'_>,
    limit: Duration,
) -> Result<(), BackendError> {
    let (ctx, call) = (sender.ctx, &sender.provider.verify);
    let at_start = ctx.remaining();
    let limit = limit.min(at_start / 2);
    let left = || limit.saturating_sub(at_start.saturating_sub(ctx.remaining()));
    let mut pause = FIRST_PAUSE;
    let mut tries = 1_u32;
    loop {
        let failure = match sender.send(call, values, None, left().min(ONE_TRY)).await? {
            Answer::Reply(status, _) if call.expects(status) => {
                tracing::info!(tries, "the key works");
                return Ok(());
            }
            Answer::Reply(status, _) if may_propagate(status) => Failure::Status(status),
            Answer::Reply(status, _) => return Err(unexpected(call, status)),
            Answer::Nothing(error) if error.class() != ErrorClass::Unavailable => return Err(error),
            Answer::Nothing(error) => Failure::NoReply(error),
        };
        let wait = jittered(ctx, pause)?;
        if wait >= left() {
            tracing::info!(tries, "the key does not work yet");
            return Err(failure.into_error(call, tries));
        }
        ctx.sleep(wait).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
        tries = tries.saturating_add(1);
    }
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
    fn into_error(self, call: &Call, tries: u32) -> BackendError {
        let shown = &call.shown;
        match self {
            Self::Status(status) => BackendError::unavailable(format!(
                "{shown} did not accept the key, tried {tries} times, at last with status {}",
                status.as_u16()
            )),
            Self::NoReply(error) => {
                BackendError::unavailable(format!("{shown} did not answer, tried {tries} times"))
                    .with_source(error)
            }
        }
    }
}

/// Between half of the pause and all of it, so that functions started together drift apart.
fn jittered(ctx: &StepContext<'_>, pause: Duration) -> Result<Duration, BackendError> {
    let mut byte = [0];
    ctx.random().fill(&mut byte)?;
    let [random] = byte;
    Ok(pause / 2 + pause * u32::from(random) / 510)
}
