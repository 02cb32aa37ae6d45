//! UpdateSecret.

use rotation_core::SecretValue;

use super::request::Caller;
use super::values::{PutSecretValue, check_size, required_token};
use super::{ApiError, Asked, Change, ErrorCode, Model, Request};

/// UpdateSecret. A new value becomes `AWSCURRENT`, as with a [`PutSecretValue`] without labels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpdateSecret {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// `ClientRequestToken`, which an SDK fills in; the new version's id. Needed with a value only.
    pub token: Option<String>,
    /// `SecretString` or `SecretBinary`. Without it there is no new version.
    pub value: Option<SecretValue>,
    /// `Description`.
    pub description: Option<String>,
    /// `KmsKeyId`, described and not used; empty for the service's own key.
    pub kms_key_id: Option<String>,
}

/// The answer of UpdateSecret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UpdatedSecret {
    /// `ARN`.
    pub arn: String,
    /// `Name`.
    pub name: String,
    /// `VersionId`, if a value was given.
    pub version_id: Option<String>,
}

impl UpdateSecret {
    /// Changes nothing yet.
    #[must_use]
    pub fn new(secret_id: &str) -> Self {
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
