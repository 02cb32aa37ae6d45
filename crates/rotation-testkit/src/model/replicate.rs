//! ReplicateSecretToRegions and StopReplicationToReplica.

use std::collections::BTreeMap;

use super::request::Caller;
use super::{ApiError, Model, Request};

/// ReplicateSecretToRegions. A new replica is `InProgress` until
/// [`Model::set_replica_status`] says otherwise: replication is asynchronous.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReplicateSecretToRegions {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// The Regions of `AddReplicaRegions`.
    pub regions: Vec<String>,
}

/// StopReplicationToReplica: makes a replica a secret of its own. For a secret that
/// [`Model::set_primary_region`] made a replica.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StopReplicationToReplica {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
}

/// The answer of ReplicateSecretToRegions and of StopReplicationToReplica.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReplicatedSecret {
    /// `ARN`.
    pub arn: String,
    /// `ReplicationStatus`, by Region; empty for StopReplicationToReplica, which has none.
    pub replicas: BTreeMap<String, ReplicaStatus>,
}

/// `ReplicationStatus[].Status`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the service's own name")]
pub enum ReplicaStatus {
    InSync,
    Failed,
    InProgress,
    Pending,
    Detached,
}

impl ReplicaStatus {
    /// The status on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "InSync",
            Self::Failed => "Failed",
            Self::InProgress => "InProgress",
            Self::Pending => "Pending",
            Self::Detached => "Detached",
        }
    }

    /// As the rotation function sees it.
    pub(super) fn for_core(self) -> rotation_core::ReplicaStatus {
        match self {
            Self::InSync => rotation_core::ReplicaStatus::InSync,
            Self::InProgress | Self::Pending => rotation_core::ReplicaStatus::Behind,
            Self::Failed | Self::Detached => rotation_core::ReplicaStatus::Failed,
        }
    }
}

impl ReplicateSecretToRegions {
    /// One Region.
    #[must_use]
    pub fn new(secret_id: &str, region: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            regions: vec![region.to_owned()],
        }
    }
}

impl StopReplicationToReplica {
    /// Of this ARN or name.
    #[must_use]
    pub fn new(secret_id: &str) -> Self {
        let secret_id = secret_id.to_owned();
        Self { secret_id }
    }
}

impl Request for ReplicateSecretToRegions {
    type Response = ReplicatedSecret;
    const ACTION: &'static str = "ReplicateSecretToRegions";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<ReplicatedSecret, ApiError> {
        if self.regions.is_empty() {
            return Err(ApiError::invalid_parameter(
                "AddReplicaRegions has at least one Region.",
            ));
        }
        check_regions(&self.regions)?;
        model.write(caller, &self.secret_id, |change| {
            change.secret.replicate(self.regions);
            Ok(ReplicatedSecret {
                arn: change.secret.arn.clone(),
                replicas: change.secret.replicas.clone(),
            })
        })
    }
}

impl Request for StopReplicationToReplica {
    type Response = ReplicatedSecret;
    const ACTION: &'static str = "StopReplicationToReplica";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<ReplicatedSecret, ApiError> {
        model.change(caller, &self.secret_id, |change| {
            if !change.secret.is_replica() {
                return Err(ApiError::invalid_request(
                    "The secret is not a replica: call StopReplicationToReplica in the replica's Region.",
                ));
            }
            change.secret.primary_region = None;
            Ok(ReplicatedSecret {
                arn: change.secret.arn.clone(),
                replicas: BTreeMap::new(),
            })
        })
    }
}

/// A replica is in another Region than its primary.
pub(super) fn check_regions(regions: &[String]) -> Result<(), ApiError> {
    let is_region = |region: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=128).contains(&region.len()) && region.bytes().all(allowed)
    };
    if regions.iter().any(|region| !is_region(region)) {
        return Err(ApiError::invalid_parameter("A replica's Region is not a Region."));
    }
    if regions.iter().any(|region| region == super::REGION) {
        return Err(ApiError::invalid_parameter(
            "Invalid replica region: it is the Region of the primary secret.",
        ));
    }
    Ok(())
}
