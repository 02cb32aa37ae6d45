//! CreateSecret.

use std::collections::{BTreeMap, BTreeSet};

use rotation_core::{AWSCURRENT, SecretValue};

use super::caller::Caller;
use super::error::{ApiError, ErrorCode};
use super::limits::{check_size, required_token};
use super::principal::Principal;
use super::replica::{ReplicaStatus, check_regions};
use super::request::Request;
use super::secret::{Secret, Version};
use super::state::{Entry, Model};

/// CreateSecret.
#[derive(Clone, Debug)]
pub(crate) struct CreateSecret {
    /// `Name`.
    pub(crate) name: String,
    /// `ClientRequestToken`, which an SDK fills in; the id of the first version.
    pub(crate) token: Option<String>,
    /// `SecretString` or `SecretBinary`. Without it the secret has no version.
    pub(crate) value: Option<SecretValue>,
    /// `Tags`.
    pub(crate) tags: BTreeMap<String, String>,
    /// `Description`.
    pub(crate) description: Option<String>,
    /// `KmsKeyId`, described and not used.
    pub(crate) kms_key_id: Option<String>,
    /// The Regions of `AddReplicaRegions`; each replica is `InProgress` at first.
    pub(crate) replica_regions: Vec<String>,
}

/// The answer of CreateSecret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CreatedSecret {
    /// `ARN`.
    pub(crate) arn: String,
    /// `Name`.
    pub(crate) name: String,
    /// `VersionId`, if a value was given.
    pub(crate) version_id: Option<String>,
    /// `ReplicationStatus`, by Region.
    pub(crate) replicas: BTreeMap<String, ReplicaStatus>,
}

impl CreateSecret {
    /// A secret with nothing but a name.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            token: None,
            value: None,
            tags: BTreeMap::new(),
            description: None,
            kms_key_id: None,
            replica_regions: Vec::new(),
        }
    }

    /// The answer when the name is taken: the same request again is no error.
    fn again(&self, secret: &Secret, token: &str) -> Result<CreatedSecret, ApiError> {
        let made = secret.versions.get(token);
        if self.value.is_some() && made.is_some_and(|version| version.value == self.value) {
            return Ok(created(secret, Some(token.to_owned())));
        }
        Err(ApiError::new(
            ErrorCode::ResourceExistsException,
            format!(
                "The operation failed because the secret {} already exists.",
                self.name
            ),
        ))
    }
}

impl Request for CreateSecret {
    type Response = CreatedSecret;
    const ACTION: &'static str = "CreateSecret";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.name
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<CreatedSecret, ApiError> {
        check_name(&self.name)?;
        let token = required_token(self.token.as_deref(), ErrorCode::InvalidRequestException)?.to_owned();
        self.value.as_ref().map_or(Ok(()), check_size)?;
        check_regions(&self.replica_regions)?;
        if let Ok(entry) = model.entry(&self.name) {
            return self.again(&entry.secret, &token);
        }
        let arn = model.fresh_arn(&self.name);
        let mut secret = Secret::new(arn.clone(), self.name, caller.now);
        secret.tags = self.tags;
        secret.description = self.description;
        secret.set_kms_key(self.kms_key_id);
        secret.replicate(self.replica_regions);
        let version_id = self.value.is_some().then(|| token.clone());
        if let Some(value) = self.value {
            let version = Version {
                value: Some(value),
                labels: BTreeSet::from([AWSCURRENT.to_owned()]),
                created: caller.now,
                by_function: caller.principal == Principal::RotationFunction,
            };
            secret.versions.insert(token, version);
        }
        let answer = created(&secret, version_id);
        let entry = Entry {
            secret,
            before: None,
            written: caller.now,
            rotation: None,
        };
        model.secrets.insert(arn, entry);
        Ok(answer)
    }
}

fn created(secret: &Secret, version_id: Option<String>) -> CreatedSecret {
    CreatedSecret {
        arn: secret.arn.clone(),
        name: secret.name.clone(),
        version_id,
        replicas: secret.replicas.clone(),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@!-".contains(&byte);
    if name.is_empty() || name.len() > 512 || !name.bytes().all(allowed) {
        return Err(ApiError::invalid_parameter(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    Ok(())
}
