//! The five calls.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{ReplicationStatusType, StatusType};
use rotation_core::{
    AWSCURRENT, AWSPENDING, Replica, ReplicaStatus, SecretDescription, SecretStore, SecretString,
    SecretValue, StoreError, StoreErrorKind, StoredVersion, VersionRef, async_trait,
};

use crate::attempts::Attempts;
use crate::error::{Call, Sent, store_error};
use crate::quota::QuotaIsNoThrottle;

/// The framework's store over the AWS SDK: one call per method.
///
/// The client's own retries and time-outs apply to each call; the framework's deadline ends it. The
/// client's connections are reused by all clones. Clones are cheap.
///
/// The function's role needs `secretsmanager:DescribeSecret`, `GetSecretValue`, `PutSecretValue` and
/// `UpdateSecretVersionStage` on the secret, `GetSecretValue` on the secrets that a backend reads, and
/// with a customer managed key `kms:Decrypt` and `kms:GenerateDataKey` (user guide, "Permissions for
/// rotation").
#[derive(Clone, Debug)]
pub struct SecretsManagerStore {
    client: Client,
}

impl SecretsManagerStore {
    /// A store that calls through this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends UpdateSecretVersionStage.
    async fn move_label(
        &self,
        secret_id: &str,
        label: &str,
        to: Option<&str>,
        from: &str,
    ) -> Result<(), StoreError> {
        let attempts = Attempts::default();
        self.client
            .update_secret_version_stage()
            .secret_id(secret_id)
            .version_stage(label)
            .set_move_to_version_id(to.map(str::to_owned))
            .remove_from_version_id(from)
            .customize()
            .config_override(aws_sdk_secretsmanager::Config::builder().retry_classifier(QuotaIsNoThrottle))
            .interceptor(attempts.clone())
            .send()
            .await
            .map_err(|error| store_error(Call::UpdateSecretVersionStage, &error, &attempts))?;
        Ok(())
    }
}

#[async_trait]
impl SecretStore for SecretsManagerStore {
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        let attempts = Attempts::default();
        let described = self.client.describe_secret().secret_id(secret_id);
        described
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map(|described| description(secret_id, described))
            .map_err(|error| store_error(Call::DescribeSecret, &error, &attempts))
    }

    async fn read(&self, secret_id: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        let (id, stage) = match version {
            VersionRef::Stage(stage) => (None, Some(stage)),
            VersionRef::Id(id) => (Some(id), None),
            VersionRef::IdAndStage(id, stage) => (Some(id), Some(stage)),
            _ => return Err(invalid("this way to name a version is not known here")),
        };
        let call = Call::GetSecretValue {
            by_id_and_stage: id.is_some() && stage.is_some(),
        };
        let attempts = Attempts::default();
        self.client
            .get_secret_value()
            .secret_id(secret_id)
            .set_version_id(id.map(str::to_owned))
            .set_version_stage(stage.map(str::to_owned))
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map_err(|error| store_error(call, &error, &attempts))
            .and_then(stored_version)
    }

    async fn put_pending(
        &self,
        secret_id: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        let (text, binary) = match value {
            SecretValue::Text(text) => (Some(text.expose_secret()), None),
            SecretValue::Binary(bytes) => (None, Some(bytes.expose_secret())),
        };
        let rotation_token = rotation_token.map(SecretString::expose_secret);
        let attempts = Attempts::default();
        self.client
            .put_secret_value()
            .secret_id(secret_id)
            .client_request_token(token)
            .set_secret_string(text.map(str::to_owned))
            .set_secret_binary(binary.map(Blob::new))
            .version_stages(AWSPENDING)
            .set_rotation_token(rotation_token.map(str::to_owned))
            .customize()
            .config_override(aws_sdk_secretsmanager::Config::builder().retry_classifier(QuotaIsNoThrottle))
            .interceptor(attempts.clone())
            .send()
            .await
            .map_err(|error| {
                let sent = Sent { text, rotation_token };
                store_error(Call::PutSecretValue { sent }, &error, &attempts)
            })?;
        Ok(())
    }

    async fn promote(&self, secret_id: &str, to: &str, from: &str) -> Result<(), StoreError> {
        self.move_label(secret_id, AWSCURRENT, Some(to), from).await
    }

    async fn release_pending(&self, secret_id: &str, version: &str) -> Result<(), StoreError> {
        self.move_label(secret_id, AWSPENDING, None, version).await
    }
}

/// What the framework wants to know of DescribeSecret's answer, for callers that want more of it than
/// [`describe`](SecretStore::describe) keeps. `secret_id` stands in for an ARN that is missing.
#[must_use]
pub fn description(secret_id: &str, described: DescribeSecretOutput) -> SecretDescription {
    let mut secret = SecretDescription::new(described.arn.unwrap_or_else(|| secret_id.to_owned()));
    secret.rotation_enabled = described.rotation_enabled;
    secret.versions = described.version_ids_to_stages.into_iter().flatten().collect();
    secret.owning_service = described.owning_service;
    secret.primary_region = described.primary_region;
    secret.replicas = described
        .replication_status
        .into_iter()
        .flatten()
        .map(replica)
        .collect();
    let tags = described.tags.into_iter().flatten();
    secret.tags = tags
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect();
    secret
}

fn replica(status: ReplicationStatusType) -> Replica {
    let state = match status.status.as_ref().map(StatusType::as_str) {
        Some("InSync") => ReplicaStatus::InSync,
        Some("InProgress" | "Pending") => ReplicaStatus::Behind,
        _ => ReplicaStatus::Failed,
    };
    Replica::new(status.region.unwrap_or_default(), state)
}

fn stored_version(read: GetSecretValueOutput) -> Result<StoredVersion, StoreError> {
    let version = read
        .version_id
        .ok_or_else(|| invalid("GetSecretValue answered without a version id"))?;
    let value = match (read.secret_string, read.secret_binary) {
        (Some(text), _) => SecretValue::text(text),
        (None, Some(binary)) => SecretValue::binary(binary.into_inner()),
        (None, None) => return Err(invalid("GetSecretValue answered without a value")),
    };
    Ok(StoredVersion::new(version, value))
}

fn invalid(message: &str) -> StoreError {
    StoreError::not_applied(StoreErrorKind::Invalid, message)
}
