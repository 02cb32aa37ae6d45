//! What the framework asks of Secrets Manager, and how its answers fail.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::document::SecretValue;
use crate::secret::SecretString;

pub use error::{Effect, StoreError, StoreErrorKind};

mod error;

/// The staging label of the version that consumers read.
pub const AWSCURRENT: &str = "AWSCURRENT";
/// The staging label of the version that is being rotated in.
pub const AWSPENDING: &str = "AWSPENDING";
/// The staging label of the version that was `AWSCURRENT` before; the service moves it by itself.
pub const AWSPREVIOUS: &str = "AWSPREVIOUS";

/// The five things that the framework asks of Secrets Manager.
///
/// Implemented over the AWS SDK by `rotation-secretsmanager` and in process by
/// `rotation-simulator`. An implementation makes one call per method and does not decide anything;
/// retries that the SDK makes by itself are part of the one call.
#[async_trait]
pub trait SecretStore: fmt::Debug + Send + Sync + 'static {
    /// `DescribeSecret`: the labels and the state of the secret, no value.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; [`StoreErrorKind::NotFound`] when there is no such secret.
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError>;

    /// `GetSecretValue` of one version.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`] when nothing is stored there;
    /// [`StoreErrorKind::StageMismatch`] when the version exists and the label is not on it.
    async fn read(&self, secret_id: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError>;

    /// `PutSecretValue` with the token as version id and `AWSPENDING` as its only label. Sends the
    /// rotation token where there is one.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Conflict`] when the token already has another value. The error's
    /// [`effect`](StoreError::effect) decides whether the caller may undo what it made.
    async fn put_pending(
        &self,
        secret_id: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError>;

    /// `UpdateSecretVersionStage`: moves `AWSCURRENT` to the version `to` if it is on `from` now
    /// (a compare-and-swap), and fails otherwise. The service moves `AWSPREVIOUS` itself.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::StageMismatch`] when `AWSCURRENT` is not on `from`.
    async fn promote(&self, secret_id: &str, to: &str, from: &str) -> Result<(), StoreError>;

    /// `UpdateSecretVersionStage`: takes `AWSPENDING` off `version` if it is on it now.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::StageMismatch`] when `AWSPENDING` is elsewhere.
    async fn release_pending(&self, secret_id: &str, version: &str) -> Result<(), StoreError>;
}

#[async_trait]
impl<S: SecretStore + ?Sized> SecretStore for Arc<S> {
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        self.as_ref().describe(secret_id).await
    }

    async fn read(&self, secret_id: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        self.as_ref().read(secret_id, version).await
    }

    async fn put_pending(
        &self,
        secret_id: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        self.as_ref()
            .put_pending(secret_id, token, value, rotation_token)
            .await
    }

    async fn promote(&self, secret_id: &str, to: &str, from: &str) -> Result<(), StoreError> {
        self.as_ref().promote(secret_id, to, from).await
    }

    async fn release_pending(&self, secret_id: &str, version: &str) -> Result<(), StoreError> {
        self.as_ref().release_pending(secret_id, version).await
    }
}

/// Which version to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VersionRef<'a> {
    /// The one that carries this label.
    Stage(&'a str),
    /// The one with this id, whatever its labels.
    Id(&'a str),
    /// The one with this id, if it carries this label. The only way to address a pending value: by
    /// label alone, a late invocation would act on another rotation's credential.
    IdAndStage(&'a str, &'a str),
}

/// What `DescribeSecret` said.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SecretDescription {
    /// The secret's ARN.
    pub arn: String,
    /// `RotationEnabled`; the API leaves it out for a secret that was never set up for rotation.
    pub rotation_enabled: Option<bool>,
    /// `VersionIdsToStages`: the staging labels of each version, by version id.
    pub versions: BTreeMap<String, Vec<String>>,
    /// `OwningService`: the AWS service that manages this secret, if one does.
    pub owning_service: Option<String>,
    /// `PrimaryRegion`, for a secret that is replicated.
    pub primary_region: Option<String>,
    /// `ReplicationStatus`, one entry per replica.
    pub replicas: Vec<Replica>,
    /// The secret's tags.
    pub tags: BTreeMap<String, String>,
}

impl SecretDescription {
    /// A secret with this ARN and nothing else known of it.
    #[must_use]
    pub fn new(arn: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            ..Self::default()
        }
    }

    /// The id of the version that carries the label.
    #[must_use]
    pub fn version_with(&self, stage: &str) -> Option<&str> {
        self.versions
            .iter()
            .find(|(_, stages)| stages.iter().any(|s| s == stage))
            .map(|(version, _)| version.as_str())
    }
}

/// One replica of a secret and whether it has caught up.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Replica {
    /// The replica's Region.
    pub region: String,
    /// How far it has come.
    pub status: ReplicaStatus,
}

/// How far a replica has come, by its `Status`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReplicaStatus {
    /// `InSync`.
    InSync,
    /// `InProgress`, `Pending`: it will be.
    Behind,
    /// `Failed`, and anything else: it will not be by waiting.
    Failed,
}

impl Replica {
    /// A replica in this Region.
    #[must_use]
    pub fn new(region: impl Into<String>, status: ReplicaStatus) -> Self {
        Self {
            region: region.into(),
            status,
        }
    }
}

/// A version's value and its id.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredVersion {
    /// The version id.
    pub version_id: String,
    /// Its value.
    pub value: SecretValue,
}

impl StoredVersion {
    /// A value stored under this version id.
    #[must_use]
    pub fn new(version_id: impl Into<String>, value: SecretValue) -> Self {
        Self {
            version_id: version_id.into(),
            value,
        }
    }
}
