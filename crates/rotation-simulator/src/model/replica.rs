//! How far replicas have come, and where they may be.

use super::account::REGION;
use super::error::ApiError;

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
    pub(crate) fn as_str(self) -> &'static str {
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

/// A replica is in another Region than its primary.
pub(super) fn check_regions(regions: &[String]) -> Result<(), ApiError> {
    let is_region = |region: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=128).contains(&region.len()) && region.bytes().all(allowed)
    };
    if regions.iter().any(|region| !is_region(region)) {
        return Err(ApiError::invalid_parameter("A replica's Region is not a Region."));
    }
    if regions.iter().any(|region| region == REGION) {
        return Err(ApiError::invalid_parameter(
            "Invalid replica region: it is the Region of the primary secret.",
        ));
    }
    Ok(())
}
