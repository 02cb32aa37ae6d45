//! The rotation function's door: the framework's store over the model.

use std::fmt;

use rotation_core::{
    AWSCURRENT, AWSPENDING, SecretDescription, SecretStore, SecretString, SecretValue, StoreError,
    StoreErrorKind, StoredVersion, VersionRef, async_trait,
};

use super::Simulator;
use crate::model::{
    ApiError, DescribeSecret, ErrorCode, GetSecretValue, PutSecretValue, Request, UpdateSecretVersionStage,
};

/// A [`SecretStore`] over a [`Simulator`], whose calls are those of the rotation function. Every
/// call passes the simulator's [`Faults`](crate::Faults) under the name of its action.
#[derive(Clone)]
pub struct SimulatorStore {
    simulator: Simulator,
}

impl Simulator {
    /// The rotation function's door, for a [`Rotator`](rotation_core::Rotator).
    #[must_use]
    pub fn store(&self) -> SimulatorStore {
        let simulator = self.clone();
        SimulatorStore { simulator }
    }
}

impl SimulatorStore {
    async fn call<R: Request>(&self, request: R) -> Result<R::Response, StoreError> {
        match self.simulator.call_as_function(request).await {
            Some(answer) => answer.map_err(|error| store_error(&error, R::WRITES)),
            None => Err(StoreError::unknown(format!("{}: no answer", R::ACTION))),
        }
    }
}

/// What the edge to the real service makes of an error. An internal error leaves open whether a
/// write was applied.
fn store_error(error: &ApiError, writes: bool) -> StoreError {
    let kind = match error.code() {
        _ if error.is_stage_mismatch() => StoreErrorKind::StageMismatch,
        ErrorCode::InternalServiceError if writes => return StoreError::unknown(error.to_string()),
        ErrorCode::InternalServiceError | ErrorCode::ThrottlingException => StoreErrorKind::Unavailable,
        ErrorCode::ResourceNotFoundException => StoreErrorKind::NotFound,
        ErrorCode::ResourceExistsException => StoreErrorKind::Conflict,
        ErrorCode::AccessDeniedException => StoreErrorKind::Denied,
        ErrorCode::InvalidParameterException
        | ErrorCode::InvalidNextTokenException
        | ErrorCode::InvalidRequestException
        | ErrorCode::LimitExceededException
        | ErrorCode::ValidationException => StoreErrorKind::Invalid,
    };
    StoreError::not_applied(kind, error.to_string())
}

#[async_trait]
impl SecretStore for SimulatorStore {
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        Ok(self.call(DescribeSecret::new(secret_id)).await?.into())
    }

    async fn read(&self, secret_id: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        let (id, stage) = match version {
            VersionRef::Stage(stage) => (None, Some(stage)),
            VersionRef::Id(id) => (Some(id), None),
            VersionRef::IdAndStage(id, stage) => (Some(id), Some(stage)),
            _ => {
                return Err(StoreError::not_applied(
                    StoreErrorKind::Invalid,
                    "an unknown way to name a version",
                ));
            }
        };
        let mut request = GetSecretValue::new(secret_id);
        request.version_id = id.map(str::to_owned);
        request.stage = stage.map(str::to_owned);
        let read = self.call(request).await?;
        Ok(StoredVersion::new(read.version_id, read.value))
    }

    async fn put_pending(
        &self,
        secret_id: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        let mut request = PutSecretValue::new(secret_id, token, value.clone());
        request.stages = Some(vec![AWSPENDING.to_owned()]);
        request.rotation_token = rotation_token.cloned();
        self.call(request).await.map(|_| ())
    }

    async fn promote(&self, secret_id: &str, to: &str, from: &str) -> Result<(), StoreError> {
        let request = UpdateSecretVersionStage::new(secret_id, AWSCURRENT, Some(to), Some(from));
        self.call(request).await.map(|_| ())
    }

    async fn release_pending(&self, secret_id: &str, version: &str) -> Result<(), StoreError> {
        let request = UpdateSecretVersionStage::new(secret_id, AWSPENDING, None, Some(version));
        self.call(request).await.map(|_| ())
    }
}

impl fmt::Debug for SimulatorStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatorStore")
    }
}
