//! GetSecretValue.

use std::time::SystemTime;

use rotation_core::{AWSCURRENT, SecretValue};

use super::caller::Caller;
use super::error::ApiError;
use super::request::{Asked, Request};
use super::secret::{Secret, Version};
use super::state::Model;

/// GetSecretValue.
#[derive(Clone, Debug)]
pub(crate) struct GetSecretValue {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `VersionId`.
    pub(crate) version_id: Option<String>,
    /// `VersionStage`; `AWSCURRENT` when neither is given.
    pub(crate) stage: Option<String>,
}

/// The answer of GetSecretValue.
#[derive(Clone, Debug)]
pub(crate) struct ReadSecretValue {
    /// `ARN`.
    pub(crate) arn: String,
    /// `Name`.
    pub(crate) name: String,
    /// `VersionId`.
    pub(crate) version_id: String,
    /// `VersionStages`.
    pub(crate) stages: Vec<String>,
    /// `SecretString` or `SecretBinary`.
    pub(crate) value: SecretValue,
    /// `CreatedDate`.
    pub(crate) created: SystemTime,
}

impl GetSecretValue {
    /// The `AWSCURRENT` value.
    pub(crate) fn new(secret_id: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            version_id: None,
            stage: None,
        }
    }
}

impl Request for GetSecretValue {
    type Response = ReadSecretValue;
    const ACTION: &'static str = "GetSecretValue";
    const WRITES: bool = false;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            version: self.version_id.as_deref(),
            stage: self.stage.as_deref(),
            ..Asked::default()
        }
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<ReadSecretValue, ApiError> {
        let secret = model.read(caller, &self.secret_id)?;
        let (id, version) = self.find(secret)?;
        let value = version.value.clone().ok_or_else(|| self.no_value())?;
        Ok(ReadSecretValue {
            arn: secret.arn.clone(),
            name: secret.name.clone(),
            version_id: id.to_owned(),
            stages: version.labels.iter().cloned().collect(),
            value,
            created: version.created,
        })
    }
}

impl GetSecretValue {
    fn find<'a>(&self, secret: &'a Secret) -> Result<(&'a str, &'a Version), ApiError> {
        let id = match &self.version_id {
            Some(id) => id.as_str(),
            None => secret.holder(self.label()).ok_or_else(|| self.no_value())?,
        };
        let (id, version) = secret.versions.get_key_value(id).ok_or_else(|| self.no_value())?;
        match &self.stage {
            Some(stage) if !version.labels.contains(stage) => Err(ApiError::invalid_request(
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
            .for_mismatch()),
            _ => Ok((id, version)),
        }
    }

    fn label(&self) -> &str {
        self.stage.as_deref().unwrap_or(AWSCURRENT)
    }

    fn no_value(&self) -> ApiError {
        ApiError::not_found(match (&self.stage, &self.version_id) {
            (None, Some(id)) => {
                format!("Secrets Manager can't find the specified secret value for VersionId: {id}")
            }
            _ => format!(
                "Secrets Manager can't find the specified secret value for staging label: {}",
                self.label()
            ),
        })
    }
}
