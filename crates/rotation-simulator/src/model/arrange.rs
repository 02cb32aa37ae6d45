//! What a test may set that no request can.

use super::error::ApiError;
use super::replica::ReplicaStatus;
use super::rules::RotationRules;
use super::state::Model;

impl Model {
    /// Whether rotation was set up with a function.
    pub(crate) fn has_function(&self, secret_id: &str) -> bool {
        self.entry(secret_id)
            .is_ok_and(|entry| entry.secret.rotation_function.is_some())
    }

    /// Says how far a replica has come.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when there is no such secret.
    pub(crate) fn set_replica_status(
        &mut self,
        secret_id: &str,
        region: &str,
        status: ReplicaStatus,
    ) -> Result<(), ApiError> {
        self.entry_mut(secret_id)?
            .secret
            .replicas
            .insert(region.to_owned(), status);
        Ok(())
    }

    /// Makes a secret one that another AWS service manages, as `rds` does with `rds!db-…`; such a
    /// secret rotates without a function.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when there is no such secret.
    pub(crate) fn set_owning_service(
        &mut self,
        secret_id: &str,
        service: Option<&str>,
    ) -> Result<(), ApiError> {
        let secret = &mut self.entry_mut(secret_id)?.secret;
        secret.owning_service = service.map(str::to_owned);
        if service.is_some() {
            secret.rotation_enabled = Some(true);
            secret.rotation_function = None;
        }
        Ok(())
    }

    /// Sets `PrimaryRegion`: with another Region than the model's own the secret is a replica.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when there is no such secret.
    pub(crate) fn set_primary_region(
        &mut self,
        secret_id: &str,
        region: Option<&str>,
    ) -> Result<(), ApiError> {
        self.entry_mut(secret_id)?.secret.primary_region = region.map(str::to_owned);
        Ok(())
    }

    /// Turns rotation on without rotating, as RotateSecret with rules does before its window opens.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when there is no such secret.
    pub(crate) fn set_rotation_function(&mut self, secret_id: &str, function: &str) -> Result<(), ApiError> {
        let secret = &mut self.entry_mut(secret_id)?.secret;
        secret.rotation_enabled = Some(true);
        secret.rotation_function = Some(function.to_owned());
        Ok(())
    }

    /// Sets the rules of rotation, as RotateSecret with rules does before its window opens.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when there is no such secret.
    pub(crate) fn set_rotation_rules(
        &mut self,
        secret_id: &str,
        rules: RotationRules,
    ) -> Result<(), ApiError> {
        self.entry_mut(secret_id)?.secret.rotation_rules = Some(rules);
        Ok(())
    }
}
