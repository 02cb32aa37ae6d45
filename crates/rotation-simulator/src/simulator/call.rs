//! The log of calls.

use crate::model::{Principal, Request};

/// One call that reached the service. Never holds a value.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// Who called.
    pub principal: Principal,
    /// The action: `GetSecretValue`.
    pub action: &'static str,
    /// The ARN or name that was given.
    pub secret_id: String,
    /// The version that was named; of UpdateSecretVersionStage `MoveToVersionId`.
    pub version: Option<String>,
    /// Of UpdateSecretVersionStage `RemoveFromVersionId`: without it the label is moved whatever
    /// version has it.
    pub remove_from: Option<String>,
    /// The label that was named.
    pub stage: Option<String>,
    /// The code of the answer: `ok`, or that of the error.
    pub outcome: &'static str,
}

impl Call {
    pub(super) fn new<R: Request>(principal: Principal, request: &R) -> Self {
        let asked = request.asked();
        Self {
            principal,
            action: R::ACTION,
            secret_id: request.secret_id().to_owned(),
            version: asked.version.map(str::to_owned),
            remove_from: asked.remove_from.map(str::to_owned),
            stage: asked.stage.map(str::to_owned),
            outcome: "ok",
        }
    }
}
