//! DescribeSecret and ListSecretVersionIds.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rotation_core::{Replica, SecretDescription};

use super::request::Caller;
use super::{ApiError, Model, ReplicaStatus, Request};

/// DescribeSecret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DescribeSecret {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
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
}

/// ListSecretVersionIds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListSecretVersionIds {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// `IncludeDeprecated`: also those without a label.
    pub include_deprecated: bool,
}

/// One version in the answer of ListSecretVersionIds.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ListedVersion {
    /// `VersionId`.
    pub version_id: String,
    /// `VersionStages`, empty for a deprecated version.
    pub stages: Vec<String>,
    /// `CreatedDate`.
    pub created: SystemTime,
}

impl DescribeSecret {
    /// Of this ARN or name.
    #[must_use]
    pub fn new(secret_id: &str) -> Self {
        let secret_id = secret_id.to_owned();
        Self { secret_id }
    }
}

impl ListSecretVersionIds {
    /// Of this ARN or name.
    #[must_use]
    pub fn new(secret_id: &str, include_deprecated: bool) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            include_deprecated,
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
        let secret = model.read(caller, &self.secret_id)?.clone();
        let labelled = secret
            .versions
            .into_iter()
            .filter(|(_, version)| !version.is_deprecated());
        Ok(DescribedSecret {
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
        })
    }
}

impl Request for ListSecretVersionIds {
    type Response = Vec<ListedVersion>;
    const ACTION: &'static str = "ListSecretVersionIds";
    const WRITES: bool = false;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// A version without a value, registered by RotateSecret, is not listed.
    fn apply(self, model: &mut Model, caller: Caller) -> Result<Vec<ListedVersion>, ApiError> {
        let secret = model.read(caller, &self.secret_id)?;
        Ok(secret
            .versions
            .iter()
            .filter(|(_, version)| version.value.is_some())
            .filter(|(_, version)| self.include_deprecated || !version.is_deprecated())
            .map(|(id, version)| ListedVersion {
                version_id: id.clone(),
                stages: version.labels.iter().cloned().collect(),
                created: version.created,
            })
            .collect())
    }
}
