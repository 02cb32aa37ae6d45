//! Tags, and what a test may set that no request can.

use std::collections::BTreeMap;

use super::request::Caller;
use super::{ApiError, Model, ReplicaStatus, Request, RotationRules};

/// TagResource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TagResource {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// `Tags`, which replace those of the same keys.
    pub tags: BTreeMap<String, String>,
}

/// UntagResource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UntagResource {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// `TagKeys`.
    pub keys: Vec<String>,
}

impl TagResource {
    /// One tag.
    #[must_use]
    pub fn new(secret_id: &str, key: &str, value: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            tags: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        }
    }
}

impl UntagResource {
    /// One tag.
    #[must_use]
    pub fn new(secret_id: &str, key: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            keys: vec![key.to_owned()],
        }
    }
}

impl Request for TagResource {
    type Response = ();
    const ACTION: &'static str = "TagResource";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<(), ApiError> {
        model.write(caller, &self.secret_id, |change| {
            change.secret.tags.extend(self.tags);
            Ok(())
        })
    }
}

impl Request for UntagResource {
    type Response = ();
    const ACTION: &'static str = "UntagResource";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<(), ApiError> {
        model.write(caller, &self.secret_id, |change| {
            change.secret.tags.retain(|key, _| !self.keys.contains(key));
            Ok(())
        })
    }
}

impl Model {
    /// Says how far a replica has come.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when there is no such secret.
    pub fn set_replica_status(
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
    pub fn set_owning_service(&mut self, secret_id: &str, service: Option<&str>) -> Result<(), ApiError> {
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
    pub fn set_primary_region(&mut self, secret_id: &str, region: Option<&str>) -> Result<(), ApiError> {
        self.entry_mut(secret_id)?.secret.primary_region = region.map(str::to_owned);
        Ok(())
    }

    /// Turns rotation on without rotating, as RotateSecret with rules does before its window opens.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when there is no such secret.
    pub fn set_rotation_function(&mut self, secret_id: &str, function: &str) -> Result<(), ApiError> {
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
    pub fn set_rotation_rules(&mut self, secret_id: &str, rules: RotationRules) -> Result<(), ApiError> {
        self.entry_mut(secret_id)?.secret.rotation_rules = Some(rules);
        Ok(())
    }
}
