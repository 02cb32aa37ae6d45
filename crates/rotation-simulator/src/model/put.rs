//! PutSecretValue.

use std::collections::BTreeSet;

use rotation_core::{AWSCURRENT, AWSPENDING, SecretString, SecretValue};

use super::caller::Caller;
use super::change::Change;
use super::error::{ApiError, ErrorCode};
use super::limits::{check_size, check_stages, required_token};
use super::principal::Principal;
use super::request::{Asked, Request};
use super::secret::Version;
use super::state::Model;

/// PutSecretValue.
#[derive(Clone, Debug)]
pub(crate) struct PutSecretValue {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `ClientRequestToken`, which an SDK fills in; the version's id.
    pub(crate) token: Option<String>,
    /// `SecretString` or `SecretBinary`.
    pub(crate) value: SecretValue,
    /// `VersionStages`; `AWSCURRENT` when absent.
    pub(crate) stages: Option<Vec<String>>,
    /// `RotationToken`: proof that the caller acts for the rotation function.
    pub(crate) rotation_token: Option<SecretString>,
}

/// The answer of PutSecretValue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct WrittenSecretValue {
    /// `ARN`.
    pub(crate) arn: String,
    /// `Name`.
    pub(crate) name: String,
    /// `VersionId`.
    pub(crate) version_id: String,
    /// `VersionStages`: the labels that the version has now.
    pub(crate) stages: Vec<String>,
}

impl PutSecretValue {
    /// A value under this token, to become `AWSCURRENT`.
    pub(crate) fn new(secret_id: &str, token: &str, value: SecretValue) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            token: Some(token.to_owned()),
            value,
            stages: None,
            rotation_token: None,
        }
    }
}

impl Request for PutSecretValue {
    type Response = WrittenSecretValue;
    const ACTION: &'static str = "PutSecretValue";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn asked(&self) -> Asked<'_> {
        let stage = self.stages.as_ref().and_then(|stages| stages.first());
        Asked {
            version: self.token.as_deref(),
            stage: stage.map(String::as_str),
            ..Asked::default()
        }
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<WrittenSecretValue, ApiError> {
        let token = required_token(self.token.as_deref(), ErrorCode::InvalidRequestException)?.to_owned();
        check_size(&self.value)?;
        check_stages(self.stages.as_deref())?;
        let secret_id = self.secret_id.clone();
        model.write(caller, &secret_id, |change| change.put(&token, self))
    }
}

impl Change<'_> {
    pub(super) fn put(
        &mut self,
        token: &str,
        request: PutSecretValue,
    ) -> Result<WrittenSecretValue, ApiError> {
        let by_function = self.is_function(request.rotation_token.as_ref());
        let stages = request.stages.unwrap_or_else(|| vec![AWSCURRENT.to_owned()]);
        match self.secret.versions.get_mut(token) {
            Some(version) if version.value.as_ref() == Some(&request.value) => return Ok(self.written(token)),
            Some(Version { value: Some(_), .. }) => return Err(self.token_in_use(token)),
            Some(stub) => {
                stub.value = Some(request.value);
                stub.by_function = by_function;
            }
            None => self.put_new(token, request.value, by_function)?,
        }
        for stage in &stages {
            self.secret.attach(stage, token);
        }
        if !by_function && stages.iter().any(|stage| stage == AWSCURRENT) {
            self.release_pending();
        }
        self.secret.check_label_quota()?;
        self.abandon_if_lost(token, by_function);
        Ok(self.written(token))
    }

    /// The first version of a secret becomes `AWSCURRENT`, whatever labels were asked for.
    fn put_new(&mut self, token: &str, value: SecretValue, by_function: bool) -> Result<(), ApiError> {
        let is_first = self.secret.versions.is_empty();
        let version = Version {
            value: Some(value),
            labels: BTreeSet::new(),
            created: self.caller.now,
            by_function,
        };
        self.secret.add_version(token, version, self.options)?;
        if is_first {
            self.secret.attach(AWSCURRENT, token);
        }
        Ok(())
    }

    /// Whether a write counts as the rotation function's own.
    fn is_function(&self, rotation_token: Option<&SecretString>) -> bool {
        let proof = rotation_token.zip(self.rotation.as_ref());
        let in_person = self.caller.principal == Principal::RotationFunction;
        (in_person && !self.options.function_assumes_role)
            || proof.is_some_and(|(given, rotation)| *given == rotation.rotation_token)
    }

    fn release_pending(&mut self) {
        if let Some(pending) = self.secret.holder(AWSPENDING).map(str::to_owned) {
            self.secret.detach(AWSPENDING, &pending);
        }
    }

    fn token_in_use(&self, token: &str) -> ApiError {
        ApiError::new(
            ErrorCode::ResourceExistsException,
            format!(
                "You can't use ClientRequestToken {token} because that value is already in use for a version of \
                 secret {}.",
                self.secret.arn
            ),
        )
    }

    fn written(&self, token: &str) -> WrittenSecretValue {
        let version = self.secret.versions.get(token);
        WrittenSecretValue {
            arn: self.secret.arn.clone(),
            name: self.secret.name.clone(),
            version_id: token.to_owned(),
            stages: version.map_or_else(Vec::new, |version| version.labels.iter().cloned().collect()),
        }
    }
}
