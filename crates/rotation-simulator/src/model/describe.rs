//! DescribeSecret and ListSecretVersionIds.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rotation_core::{Replica, SecretDescription};

use super::caller::Caller;
use super::error::ApiError;
use super::page::page;
use super::replica::ReplicaStatus;
use super::request::Request;
use super::rules::RotationRules;
use super::secret::Secret;
use super::state::Model;

/// DescribeSecret.
#[derive(Clone, Debug)]
pub(crate) struct DescribeSecret {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
}

/// The answer of DescribeSecret. What the service leaves out as null is `None`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DescribedSecret {
    /// `ARN`.
    pub arn: String,
    /// `Name`.
    pub name: String,
    /// `RotationEnabled`, absent until rotation is set up for the first time.
    pub rotation_enabled: Option<bool>,
    /// `RotationLambdaARN`.
    pub rotation_function: Option<String>,
    /// `VersionIdsToStages`: the versions that have labels.
    pub versions: BTreeMap<String, Vec<String>>,
    /// `OwningService`.
    pub owning_service: Option<String>,
    /// `PrimaryRegion`.
    pub primary_region: Option<String>,
    /// `ReplicationStatus`, by Region.
    pub replicas: BTreeMap<String, ReplicaStatus>,
    /// `Tags`.
    pub tags: BTreeMap<String, String>,
    /// `Description`.
    pub description: Option<String>,
    /// `KmsKeyId`, absent for the service's own key.
    pub kms_key_id: Option<String>,
    /// `RotationRules`.
    pub rotation_rules: Option<RotationRules>,
    /// `CreatedDate`.
    pub created: SystemTime,
    /// `LastChangedDate`: of the last change of any kind.
    pub last_changed: SystemTime,
    /// `LastRotatedDate`, absent while rotation is off.
    pub last_rotated: Option<SystemTime>,
}

/// ListSecretVersionIds.
#[derive(Clone, Debug)]
pub(crate) struct ListSecretVersionIds {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `IncludeDeprecated`: also those without a label.
    pub(crate) include_deprecated: bool,
    /// `MaxResults`, 1 to 100; 100 when absent.
    pub(crate) max_results: Option<u32>,
    /// `NextToken` of the page before.
    pub(crate) next_token: Option<String>,
}

/// The answer of ListSecretVersionIds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ListedVersions {
    /// `ARN`.
    pub(crate) arn: String,
    /// `Name`.
    pub(crate) name: String,
    /// `Versions`.
    pub(crate) versions: Vec<ListedVersion>,
    /// `NextToken`, if there are more.
    pub(crate) next_token: Option<String>,
}

/// One version in the answer of ListSecretVersionIds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ListedVersion {
    /// `VersionId`.
    pub(crate) version_id: String,
    /// `VersionStages`, empty for a deprecated version.
    pub(crate) stages: Vec<String>,
    /// `CreatedDate`.
    pub(crate) created: SystemTime,
}

impl DescribeSecret {
    /// Of this ARN or name.
    pub(crate) fn new(secret_id: &str) -> Self {
        let secret_id = secret_id.to_owned();
        Self { secret_id }
    }
}

impl ListSecretVersionIds {
    /// Of this ARN or name.
    pub(crate) fn new(secret_id: &str, include_deprecated: bool) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            include_deprecated,
            max_results: None,
            next_token: None,
        }
    }
}

impl From<DescribedSecret> for SecretDescription {
    fn from(described: DescribedSecret) -> Self {
        let mut secret = Self::new(described.arn);
        secret.rotation_enabled = described.rotation_enabled;
        secret.versions = described.versions;
        secret.owning_service = described.owning_service;
        secret.primary_region = described.primary_region;
        secret.tags = described.tags;
        let replica = |(region, status): (String, ReplicaStatus)| Replica::new(region, status.for_core());
        secret.replicas = described.replicas.into_iter().map(replica).collect();
        secret
    }
}

impl Request for DescribeSecret {
    type Response = DescribedSecret;
    const ACTION: &'static str = "DescribeSecret";
    const WRITES: bool = false;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<DescribedSecret, ApiError> {
        Ok(DescribedSecret::of(model.read(caller, &self.secret_id)?))
    }
}

impl DescribedSecret {
    pub(super) fn of(secret: &Secret) -> Self {
        let secret = secret.clone();
        let labelled = secret
            .versions
            .into_iter()
            .filter(|(_, version)| !version.is_deprecated());
        let is_on = secret.rotation_enabled == Some(true);
        Self {
            arn: secret.arn,
            name: secret.name,
            rotation_enabled: secret.rotation_enabled,
            rotation_function: secret.rotation_function,
            versions: labelled
                .map(|(id, version)| (id, version.labels.into_iter().collect()))
                .collect(),
            owning_service: secret.owning_service,
            primary_region: secret.primary_region,
            replicas: secret.replicas,
            tags: secret.tags,
            description: secret.description,
            kms_key_id: secret.kms_key_id,
            rotation_rules: secret.rotation_rules,
            created: secret.created,
            last_changed: secret.last_changed,
            last_rotated: secret.last_rotated.filter(|_| is_on),
        }
    }
}

impl Request for ListSecretVersionIds {
    type Response = ListedVersions;
    const ACTION: &'static str = "ListSecretVersionIds";
    const WRITES: bool = false;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// A version without a value, registered by RotateSecret, is not listed.
    fn apply(self, model: &mut Model, caller: Caller) -> Result<ListedVersions, ApiError> {
        let secret = model.read(caller, &self.secret_id)?;
        let versions = secret.versions.iter();
        let listed = versions
            .filter(|(_, version)| version.value.is_some())
            .filter(|(_, version)| self.include_deprecated || !version.is_deprecated())
            .map(|(id, version)| ListedVersion {
                version_id: id.clone(),
                stages: version.labels.iter().cloned().collect(),
                created: version.created,
            })
            .collect();
        let (versions, next_token) = page(listed, self.max_results, self.next_token.as_deref())?;
        Ok(ListedVersions {
            arn: secret.arn.clone(),
            name: secret.name.clone(),
            versions,
            next_token,
        })
    }
}
