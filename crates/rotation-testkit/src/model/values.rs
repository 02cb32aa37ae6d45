//! PutSecretValue and GetSecretValue.

use std::collections::BTreeSet;
use std::time::SystemTime;

use rotation_core::{AWSCURRENT, AWSPENDING, SecretString, SecretValue};

use super::request::Caller;
use super::secret::{Secret, Version};
use super::{ApiError, Asked, Change, ErrorCode, Model, Principal, Request};

/// PutSecretValue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PutSecretValue {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// `ClientRequestToken`, which an SDK fills in; the version's id.
    pub token: Option<String>,
    /// `SecretString` or `SecretBinary`.
    pub value: SecretValue,
    /// `VersionStages`; `AWSCURRENT` when absent.
    pub stages: Option<Vec<String>>,
    /// `RotationToken`: proof that the caller acts for the rotation function.
    pub rotation_token: Option<SecretString>,
}

/// The answer of PutSecretValue.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct WrittenSecretValue {
    /// `ARN`.
    pub arn: String,
    /// `Name`.
    pub name: String,
    /// `VersionId`.
    pub version_id: String,
    /// `VersionStages`: the labels that the version has now.
    pub stages: Vec<String>,
}

/// GetSecretValue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GetSecretValue {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// `VersionId`.
    pub version_id: Option<String>,
    /// `VersionStage`; `AWSCURRENT` when neither is given.
    pub stage: Option<String>,
}

/// The answer of GetSecretValue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadSecretValue {
    /// `ARN`.
    pub arn: String,
    /// `Name`.
    pub name: String,
    /// `VersionId`.
    pub version_id: String,
    /// `VersionStages`.
    pub stages: Vec<String>,
    /// `SecretString` or `SecretBinary`.
    pub value: SecretValue,
    /// `CreatedDate`.
    pub created: SystemTime,
}

impl PutSecretValue {
    /// A value under this token, to become `AWSCURRENT`.
    #[must_use]
    pub fn new(secret_id: &str, token: &str, value: SecretValue) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            token: Some(token.to_owned()),
            value,
            stages: None,
            rotation_token: None,
        }
    }
}

impl GetSecretValue {
    /// The `AWSCURRENT` value.
    #[must_use]
    pub fn new(secret_id: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            version_id: None,
            stage: None,
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

impl Request for GetSecretValue {
    type Response = ReadSecretValue;
    const ACTION: &'static str = "GetSecretValue";
    const WRITES: bool = false;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            version: self.version_id.as_deref(),
            stage: self.stage.as_deref(),
            ..Asked::default()
        }
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<ReadSecretValue, ApiError> {
        let secret = model.read(caller, &self.secret_id)?;
        let (id, version) = self.find(secret)?;
        let value = version.value.clone().ok_or_else(|| self.no_value())?;
        Ok(ReadSecretValue {
            arn: secret.arn.clone(),
            name: secret.name.clone(),
            version_id: id.to_owned(),
            stages: version.labels.iter().cloned().collect(),
            value,
            created: version.created,
        })
    }
}

impl GetSecretValue {
    fn find<'a>(&self, secret: &'a Secret) -> Result<(&'a str, &'a Version), ApiError> {
        let id = match &self.version_id {
            Some(id) => id.as_str(),
            None => secret.holder(self.label()).ok_or_else(|| self.no_value())?,
        };
        let (id, version) = secret.versions.get_key_value(id).ok_or_else(|| self.no_value())?;
        match &self.stage {
            Some(stage) if !version.labels.contains(stage) => Err(ApiError::invalid_request(
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
            .for_mismatch()),
            _ => Ok((id, version)),
        }
    }

    fn label(&self) -> &str {
        self.stage.as_deref().unwrap_or(AWSCURRENT)
    }

    fn no_value(&self) -> ApiError {
        ApiError::not_found(match (&self.stage, &self.version_id) {
            (None, Some(id)) => {
                format!("Secrets Manager can't find the specified secret value for VersionId: {id}")
            }
            _ => format!(
                "Secrets Manager can't find the specified secret value for staging label: {}",
                self.label()
            ),
        })
    }
}

/// A token that the request must have, refused with `code` when it is absent.
pub(super) fn required_token(token: Option<&str>, code: ErrorCode) -> Result<&str, ApiError> {
    let token = token.ok_or_else(|| {
        ApiError::new(
            code,
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    })?;
    let printable = token.bytes().all(|byte| byte.is_ascii_graphic());
    if !printable || !(32..=64).contains(&token.len()) {
        return Err(ApiError::invalid_parameter(
            "ClientRequestToken must be 32-64 characters long.",
        ));
    }
    Ok(token)
}

pub(super) fn check_size(value: &SecretValue) -> Result<(), ApiError> {
    let size = match value {
        SecretValue::Text(text) => text.expose_secret().len(),
        SecretValue::Binary(bytes) => bytes.expose_secret().len(),
    };
    if (1..=65_536).contains(&size) {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(
        "A secret value has from 1 to 65536 bytes.",
    ))
}

fn check_stages(stages: Option<&[String]>) -> Result<(), ApiError> {
    match stages {
        None => Ok(()),
        Some([]) => Err(ApiError::invalid_parameter(
            "VersionStages has from 1 to 20 staging labels.",
        )),
        Some(stages) => stages.iter().try_for_each(|stage| check_label(stage)),
    }
}

pub(super) fn check_label(label: &str) -> Result<(), ApiError> {
    if (1..=256).contains(&label.len()) {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(
        "A staging label has from 1 to 256 characters.",
    ))
}
