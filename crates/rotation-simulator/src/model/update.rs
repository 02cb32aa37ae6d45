//! UpdateSecret.

use rotation_core::SecretValue;

use super::caller::Caller;
use super::change::Change;
use super::error::{ApiError, ErrorCode};
use super::limits::{check_size, required_token};
use super::put::PutSecretValue;
use super::request::{Asked, Request};
use super::state::Model;

/// UpdateSecret. A new value becomes `AWSCURRENT`, as with a [`PutSecretValue`] without labels.
#[derive(Clone, Debug)]
pub(crate) struct UpdateSecret {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `ClientRequestToken`, which an SDK fills in; the new version's id. Needed with a value only.
    pub(crate) token: Option<String>,
    /// `SecretString` or `SecretBinary`. Without it there is no new version.
    pub(crate) value: Option<SecretValue>,
    /// `Description`.
    pub(crate) description: Option<String>,
    /// `KmsKeyId`, described and not used; empty for the service's own key.
    pub(crate) kms_key_id: Option<String>,
}

/// The answer of UpdateSecret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct UpdatedSecret {
    /// `ARN`.
    pub(crate) arn: String,
    /// `Name`.
    pub(crate) name: String,
    /// `VersionId`, if a value was given.
    pub(crate) version_id: Option<String>,
}

impl UpdateSecret {
    /// Changes nothing yet.
    pub(crate) fn new(secret_id: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            token: None,
            value: None,
            description: None,
            kms_key_id: None,
        }
    }
}

impl Request for UpdateSecret {
    type Response = UpdatedSecret;
    const ACTION: &'static str = "UpdateSecret";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            version: self.token.as_deref(),
            ..Asked::default()
        }
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<UpdatedSecret, ApiError> {
        let secret_id = self.secret_id.clone();
        model.write(caller, &secret_id, |change| change.update(self))
    }
}

impl Change<'_> {
    fn update(&mut self, request: UpdateSecret) -> Result<UpdatedSecret, ApiError> {
        if request.description.is_some() {
            self.secret.description = request.description;
        }
        if request.kms_key_id.is_some() {
            self.secret.set_kms_key(request.kms_key_id);
        }
        let version_id = match request.value {
            None => None,
            Some(value) => {
                check_size(&value)?;
                let token = required_token(request.token.as_deref(), ErrorCode::InvalidRequestException)?;
                let put = PutSecretValue::new(&request.secret_id, token, value);
                Some(self.put(token, put)?.version_id)
            }
        };
        Ok(UpdatedSecret {
            arn: self.secret.arn.clone(),
            name: self.secret.name.clone(),
            version_id,
        })
    }
}
