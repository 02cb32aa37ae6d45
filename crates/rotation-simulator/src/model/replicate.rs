//! ReplicateSecretToRegions and StopReplicationToReplica.

use std::collections::BTreeMap;

use super::caller::Caller;
use super::error::ApiError;
use super::replica::{ReplicaStatus, check_regions};
use super::request::Request;
use super::state::Model;

/// ReplicateSecretToRegions. A new replica is `InProgress` until
/// [`Model::set_replica_status`] says otherwise: replication is asynchronous.
#[derive(Clone, Debug)]
pub(crate) struct ReplicateSecretToRegions {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// The Regions of `AddReplicaRegions`.
    pub(crate) regions: Vec<String>,
}

/// StopReplicationToReplica: makes a replica a secret of its own. For a secret that
/// [`Model::set_primary_region`] made a replica.
#[derive(Clone, Debug)]
pub(crate) struct StopReplicationToReplica {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
}

/// The answer of ReplicateSecretToRegions and of StopReplicationToReplica.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ReplicatedSecret {
    /// `ARN`.
    pub(crate) arn: String,
    /// `ReplicationStatus`, by Region; empty for StopReplicationToReplica, which has none.
    pub(crate) replicas: BTreeMap<String, ReplicaStatus>,
}

impl ReplicateSecretToRegions {
    /// One Region.
    pub(crate) fn new(secret_id: &str, region: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            regions: vec![region.to_owned()],
        }
    }
}

impl StopReplicationToReplica {
    /// Of this ARN or name.
    pub(crate) fn new(secret_id: &str) -> Self {
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
