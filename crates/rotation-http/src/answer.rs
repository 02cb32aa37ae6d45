//! What came back for a request, and what it means.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use rotation_core::{BackendError, ErrorClass};

use crate::retry::is_passing;

/// What came back.
pub(crate) enum Answer {
    /// A complete reply.
    Reply(Reply),
    /// No reply, or not in time. Nobody knows whether the request had its effect.
    Nothing(BackendError),
}

/// A complete reply.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// How long the provider asks to wait.
    pub(crate) asked: Option<Duration>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body of an expected reply, or why there is none.
    pub(crate) fn judge(self, shown: &str, expects: impl Fn(StatusCode) -> bool) -> Result<Bytes, Refusal> {
        match self {
            Self::Nothing(error) => Err(Refusal {
                sent: true,
                ..error.into()
            }),
            Self::Reply(reply) if expects(reply.status) => Ok(reply.body),
            Self::Reply(Reply { status, asked, .. }) => Err(Refusal {
                status: Some(status),
                asked,
                sent: true,
                tries: 1,
                error: refused(shown, status),
            }),
        }
    }
}

/// Why an admin request did not do what it should, and the status that came back, if one did.
pub(crate) struct Refusal {
    pub(crate) status: Option<StatusCode>,
    pub(crate) asked: Option<Duration>,
    /// Whether anything may have reached the provider.
    pub(crate) sent: bool,
    pub(crate) tries: u32,
    pub(crate) error: BackendError,
}

impl Refusal {
    /// Whether the provider answered, and will answer the same to every later try.
    pub(crate) fn is_for_good(&self) -> bool {
        self.status
            .is_some_and(|status| !is_passing(status) && !is_admin_refused(status))
    }

    /// Whether the same request may pass by itself.
    pub(crate) fn may_pass(&self) -> bool {
        self.error.class() == ErrorClass::Unavailable
    }

    /// The same refusal after so many tries. Its error says how often the request was tried and how long the
    /// provider asked to wait, if the request may pass later.
    pub(crate) fn after(mut self, shown: &str, tries: u32) -> Self {
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

impl From<BackendError> for Refusal {
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

impl From<Refusal> for BackendError {
    fn from(error: Refusal) -> Self {
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

/// The error for a status that neither time nor another credential changes.
pub(crate) fn unexpected(shown: &str, status: StatusCode) -> BackendError {
    BackendError::misconfigured(format!(
        "{shown} answered with status {}, which is not expected; correct the request in the provider's description",
        status.as_u16()
    ))
}
