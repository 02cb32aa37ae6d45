//! What is asked, and the way to the answer.

use std::time::SystemTime;

use super::activity::ActivityKind;
use super::caller::Caller;
use super::error::ApiError;
use super::principal::Principal;
use super::state::Model;

/// The version and the labels that a request names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Asked<'a> {
    /// The version that is read or written; of UpdateSecretVersionStage the one that the label moves
    /// to.
    pub(crate) version: Option<&'a str>,
    /// Of UpdateSecretVersionStage: the version that must have the label, which is what makes it a
    /// compare-and-swap.
    pub(crate) remove_from: Option<&'a str>,
    /// The label.
    pub(crate) stage: Option<&'a str>,
}

/// A request to Secrets Manager: one type per action, with the action's own answer.
pub(crate) trait Request: Sized {
    /// What a successful call answers.
    type Response;

    /// The action's name.
    const ACTION: &'static str;

    /// Whether it changes something.
    const WRITES: bool;

    /// The ARN or name that it is about; `*` for an action that is about no one secret.
    fn secret_id(&self) -> &str;

    /// The versions and the label that it names, for the log of calls.
    fn asked(&self) -> Asked<'_> {
        Asked::default()
    }

    /// The service's side of it.
    fn apply(self, model: &mut Model, caller: Caller) -> Result<Self::Response, ApiError>;
}

impl Model {
    /// Answers a request.
    ///
    /// # Errors
    ///
    /// The [`ApiError`] that the service answers with; nothing has changed then.
    pub(crate) fn handle<R: Request>(
        &mut self,
        principal: Principal,
        request: R,
        now: SystemTime,
    ) -> Result<R::Response, ApiError> {
        self.answer(principal, request, now, false)
    }

    /// Answers a request that only reads from the state of before the last write to its secret. A
    /// request that writes is answered as ever.
    ///
    /// # Errors
    ///
    /// As [`handle`](Self::handle): a secret that was created just now does not exist.
    pub(crate) fn handle_stale<R: Request>(
        &mut self,
        principal: Principal,
        request: R,
        now: SystemTime,
    ) -> Result<R::Response, ApiError> {
        self.answer(principal, request, now, !R::WRITES)
    }

    fn answer<R: Request>(
        &mut self,
        principal: Principal,
        request: R,
        now: SystemTime,
        stale: bool,
    ) -> Result<R::Response, ApiError> {
        let caller = Caller {
            principal,
            now,
            stale,
        };
        let secret_id = request.secret_id().to_owned();
        self.observed(
            &secret_id,
            now,
            |model| {
                model.authorise(principal, R::ACTION, &secret_id)?;
                request.apply(model, caller)
            },
            |answer, labels| {
                let refused = answer.as_ref().err().map(ApiError::code);
                (R::WRITES || refused.is_some()).then_some(ActivityKind::Called {
                    action: R::ACTION,
                    principal,
                    labels,
                    refused,
                })
            },
        )
    }
}
