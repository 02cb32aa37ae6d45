//! Everybody who is not the rotation function: a person, a deployment, a test.

use rotation_core::SecretValue;

use super::Simulator;
use crate::model::{
    ACCOUNT, ApiError, CancelRotateSecret, CreateSecret, DescribeSecret, DescribedSecret, GetSecretValue,
    Principal, PutSecretValue, REGION, ReplicaStatus, ReplicateSecretToRegions, Request, RotateSecret,
    RotationRules, StopReplicationToReplica, TagResource, UntagResource, UpdateSecretVersionStage,
};

/// A door to a [`Simulator`] for everybody who is not the rotation function.
///
/// Where the service wants a token, one is filled in, as an SDK does.
#[derive(Clone, Debug)]
pub struct Operator {
    simulator: Simulator,
    principal: Principal,
}

impl Simulator {
    /// The door of everybody else: no faults strike there.
    #[must_use]
    pub fn operator(&self) -> Operator {
        Operator {
            simulator: self.clone(),
            principal: Principal::Operator,
        }
    }
}

impl Operator {
    /// The same calls in the name of the rotation function, past the faults: what a test stores in the place of a
    /// createSecret.
    #[must_use]
    pub fn as_function(mut self) -> Self {
        self.principal = Principal::RotationFunction;
        self
    }

    /// What the service refuses is the error of every method here.
    fn send<R: Request>(&self, request: R) -> Result<R::Response, ApiError> {
        self.simulator.call(self.principal, request)
    }

    fn token(&self) -> String {
        self.simulator.model().fresh_token()
    }

    /// Creates a secret with this value as `AWSCURRENT`, and says its ARN.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: the name is taken, or not allowed.
    pub fn create_secret(&self, name: &str, value: SecretValue) -> Result<String, ApiError> {
        let mut request = CreateSecret::new(name);
        request.token = Some(self.token());
        request.value = Some(value);
        Ok(self.send(request)?.arn)
    }

    /// Stores a value as `AWSCURRENT`, and says its version id.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub fn put(&self, secret_id: &str, value: SecretValue) -> Result<String, ApiError> {
        let token = self.token();
        Ok(self
            .send(PutSecretValue::new(secret_id, &token, value))?
            .version_id)
    }

    /// Stores a value under this token and these labels.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: the token is in use for another value.
    pub fn put_with_token(
        &self,
        secret_id: &str,
        token: &str,
        value: SecretValue,
        stages: &[&str],
    ) -> Result<(), ApiError> {
        let mut request = PutSecretValue::new(secret_id, token, value);
        request.stages = Some(stages.iter().map(|&stage| stage.to_owned()).collect());
        self.send(request).map(|_| ())
    }

    /// The value under a label.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: nothing is stored there.
    pub fn value(&self, secret_id: &str, stage: &str) -> Result<SecretValue, ApiError> {
        let mut request = GetSecretValue::new(secret_id);
        request.stage = Some(stage.to_owned());
        Ok(self.send(request)?.value)
    }

    /// The value of a version.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: the version has none.
    pub fn value_of(&self, secret_id: &str, version_id: &str) -> Result<SecretValue, ApiError> {
        let mut request = GetSecretValue::new(secret_id);
        request.version_id = Some(version_id.to_owned());
        Ok(self.send(request)?.value)
    }

    /// The labels and the state of a secret.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn describe(&self, secret_id: &str) -> Result<DescribedSecret, ApiError> {
        self.send(DescribeSecret::new(secret_id))
    }

    /// Turns rotation on and rotates at once; says the token. The first invocation is then due.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: a previous rotation is not complete.
    pub fn rotate(&self, secret_id: &str) -> Result<String, ApiError> {
        let token = self.token();
        self.rotate_with_token(secret_id, &token)?;
        Ok(token)
    }

    /// The same under this token.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: a previous rotation is not complete.
    pub fn rotate_with_token(&self, secret_id: &str, token: &str) -> Result<(), ApiError> {
        self.start(RotateSecret::new(secret_id, token))
    }

    /// Turns rotation on and asks for a dry run, of testSecret only; says the token.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: a previous rotation is not complete.
    pub fn dry_run(&self, secret_id: &str) -> Result<String, ApiError> {
        let token = self.token();
        let mut request = RotateSecret::new(secret_id, &token);
        request.rotate_immediately = false;
        self.start(request)?;
        Ok(token)
    }

    /// A secret that has no function yet gets one, of the name `rotation`.
    fn start(&self, mut request: RotateSecret) -> Result<(), ApiError> {
        if !self.simulator.model().has_function(&request.secret_id) {
            request.rotation_function = Some(format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:rotation"));
        }
        self.send(request).map(|_| ())
    }

    /// Turns rotation on without rotating, as RotateSecret with rules does before its window opens: by this
    /// function, every so many days.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn set_up_rotation(&self, secret_id: &str, function_arn: &str, days: u32) -> Result<(), ApiError> {
        let rules = RotationRules {
            automatically_after_days: Some(days),
            ..RotationRules::default()
        };
        let mut model = self.simulator.model();
        model.set_rotation_function(secret_id, function_arn)?;
        model.set_rotation_rules(secret_id, rules)
    }

    /// Turns rotation off; says the version that is left `AWSPENDING`, if one is.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: rotation was never set up.
    pub fn cancel(&self, secret_id: &str) -> Result<Option<String>, ApiError> {
        Ok(self.send(CancelRotateSecret::new(secret_id))?.version_id)
    }

    /// Sets a tag.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn tag(&self, secret_id: &str, key: &str, value: &str) -> Result<(), ApiError> {
        self.send(TagResource::new(secret_id, key, value))
    }

    /// Removes a tag.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn untag(&self, secret_id: &str, key: &str) -> Result<(), ApiError> {
        self.send(UntagResource::new(secret_id, key))
    }

    /// Puts a label on a version; it must not be on another.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: the label is elsewhere.
    pub fn add_label(&self, secret_id: &str, label: &str, version_id: &str) -> Result<(), ApiError> {
        self.send(UpdateSecretVersionStage::new(
            secret_id,
            label,
            Some(version_id),
            None,
        ))
        .map(|_| ())
    }

    /// Moves a label from one version to another.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: the label is not on `from`.
    pub fn move_label(&self, secret_id: &str, label: &str, to: &str, from: &str) -> Result<(), ApiError> {
        self.send(UpdateSecretVersionStage::new(
            secret_id,
            label,
            Some(to),
            Some(from),
        ))
        .map(|_| ())
    }

    /// Takes a label off a version.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: the label is elsewhere, or is `AWSCURRENT`.
    pub fn remove_label(&self, secret_id: &str, label: &str, version_id: &str) -> Result<(), ApiError> {
        self.send(UpdateSecretVersionStage::new(
            secret_id,
            label,
            None,
            Some(version_id),
        ))
        .map(|_| ())
    }

    /// Adds a replica, which is `InProgress` at first.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn replicate(&self, secret_id: &str, region: &str) -> Result<(), ApiError> {
        self.send(ReplicateSecretToRegions::new(secret_id, region))
            .map(|_| ())
    }

    /// Says how far a replica has come.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn set_replica_status(
        &self,
        secret_id: &str,
        region: &str,
        status: ReplicaStatus,
    ) -> Result<(), ApiError> {
        self.simulator
            .model()
            .set_replica_status(secret_id, region, status)
    }

    /// Makes the secret one that another AWS service manages.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn make_managed(&self, secret_id: &str, service: &str) -> Result<(), ApiError> {
        self.simulator
            .model()
            .set_owning_service(secret_id, Some(service))
    }

    /// Makes the secret a replica of one in this Region.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret.
    pub fn make_replica(&self, secret_id: &str, primary_region: &str) -> Result<(), ApiError> {
        self.simulator
            .model()
            .set_primary_region(secret_id, Some(primary_region))
    }

    /// Makes a replica a secret of its own.
    ///
    /// # Errors
    ///
    /// [`ApiError`]: no such secret, or it is no replica.
    pub fn stop_replication(&self, secret_id: &str) -> Result<(), ApiError> {
        self.send(StopReplicationToReplica::new(secret_id)).map(|_| ())
    }

    /// Denies an action to the rotation function: `PutSecretValue`, `kms:Decrypt`.
    pub fn deny(&self, action: &str) {
        self.simulator.deny(Principal::RotationFunction, action);
    }

    /// Allows it again.
    pub fn allow(&self, action: &str) {
        self.simulator.allow(Principal::RotationFunction, action);
    }
}
