//! UpdateSecretVersionStage: the compare-and-swap of a label.

use rotation_core::AWSCURRENT;

use super::caller::Caller;
use super::change::Change;
use super::error::ApiError;
use super::limits::check_label;
use super::request::{Asked, Request};
use super::state::Model;

/// UpdateSecretVersionStage.
#[derive(Clone, Debug)]
pub(crate) struct UpdateSecretVersionStage {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `VersionStage`.
    pub(crate) stage: String,
    /// `MoveToVersionId`; without it the label is taken off.
    pub(crate) move_to: Option<String>,
    /// `RemoveFromVersionId`: must be the version that has the label now, if one has.
    pub(crate) remove_from: Option<String>,
}

/// The answer of UpdateSecretVersionStage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RestagedSecret {
    /// `ARN`.
    pub(crate) arn: String,
    /// `Name`.
    pub(crate) name: String,
}

impl UpdateSecretVersionStage {
    /// Moves a label, or, without `move_to`, takes it off.
    pub(crate) fn new(
        secret_id: &str,
        stage: &str,
        move_to: Option<&str>,
        remove_from: Option<&str>,
    ) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            stage: stage.to_owned(),
            move_to: move_to.map(str::to_owned),
            remove_from: remove_from.map(str::to_owned),
        }
    }
}

impl Request for UpdateSecretVersionStage {
    type Response = RestagedSecret;
    const ACTION: &'static str = "UpdateSecretVersionStage";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            version: self.move_to.as_deref(),
            remove_from: self.remove_from.as_deref(),
            stage: Some(&self.stage),
        }
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<RestagedSecret, ApiError> {
        check_label(&self.stage)?;
        model.write(caller, &self.secret_id, |change| change.update_stage(&self))
    }
}

impl Change<'_> {
    fn update_stage(&mut self, request: &UpdateSecretVersionStage) -> Result<RestagedSecret, ApiError> {
        self.check_swap(request)?;
        match (&request.move_to, &request.remove_from) {
            (Some(to), _) => self.secret.attach(&request.stage, to),
            (None, Some(from)) => self.secret.detach(&request.stage, from),
            (None, None) => {}
        }
        self.secret.check_label_quota()?;
        Ok(RestagedSecret {
            arn: self.secret.arn.clone(),
            name: self.secret.name.clone(),
        })
    }

    fn check_swap(&self, request: &UpdateSecretVersionStage) -> Result<(), ApiError> {
        let stage = request.stage.as_str();
        let (to, from) = (request.move_to.as_deref(), request.remove_from.as_deref());
        if let Some(unknown) = [to, from]
            .into_iter()
            .flatten()
            .find(|id| !self.secret.versions.contains_key(*id))
        {
            return Err(ApiError::invalid_parameter(format!(
                "Not a valid version: {unknown}"
            )));
        }
        match (to, from, self.secret.holder(stage)) {
            (None, None, _) => Err(ApiError::invalid_parameter(
                "You must provide MoveToVersionId, RemoveFromVersionId or both.",
            )),
            (None, _, Some(_)) if stage == AWSCURRENT => Err(ApiError::invalid_parameter(
                "You can only move staging label AWSCURRENT to a different secret version. It can\u{2019}t be \
                 completely removed.",
            )),
            (Some(to), None, Some(holder)) if holder != to => Err(ApiError::invalid_parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to \
                 version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            ))
            .for_mismatch()),
            (_, Some(from), holder) if holder != Some(from) => Err(ApiError::invalid_parameter(format!(
                "RemoveFromVersionId must be the version that staging label {stage} is currently attached to."
            ))
            .for_mismatch()),
            _ => Ok(()),
        }
    }
}
