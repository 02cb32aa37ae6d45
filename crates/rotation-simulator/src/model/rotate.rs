//! RotateSecret and CancelRotateSecret.

use super::caller::Caller;
use super::change::Change;
use super::error::{ApiError, ErrorCode};
use super::limits::required_token;
use super::record::RotationEventName;
use super::request::{Asked, Request};
use super::rules::RotationRules;
use super::state::Model;

/// RotateSecret.
#[derive(Clone, Debug)]
pub(crate) struct RotateSecret {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `ClientRequestToken`, which an SDK fills in; the id of the version to be rotated in.
    pub(crate) token: Option<String>,
    /// `RotationLambdaARN`: turns rotation on with this function.
    pub(crate) rotation_function: Option<String>,
    /// `RotateImmediately`; `false` is a dry run of testSecret.
    pub(crate) rotate_immediately: bool,
    /// `RotationRules`, which replace those of before.
    pub(crate) rules: Option<RotationRules>,
}

/// CancelRotateSecret.
#[derive(Clone, Debug)]
pub(crate) struct CancelRotateSecret {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
}

/// The answer of RotateSecret and of CancelRotateSecret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RotatedSecret {
    /// `ARN`.
    pub(crate) arn: String,
    /// `Name`.
    pub(crate) name: String,
    /// `VersionId`: the version to be rotated in; of CancelRotateSecret the partial version that
    /// still is `AWSPENDING`, if there is one.
    pub(crate) version_id: Option<String>,
}

impl RotateSecret {
    /// Rotates at once.
    pub(crate) fn new(secret_id: &str, token: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            token: Some(token.to_owned()),
            rotation_function: None,
            rotate_immediately: true,
            rules: None,
        }
    }
}

impl CancelRotateSecret {
    /// Of this ARN or name.
    pub(crate) fn new(secret_id: &str) -> Self {
        let secret_id = secret_id.to_owned();
        Self { secret_id }
    }
}

impl Request for RotateSecret {
    type Response = RotatedSecret;
    const ACTION: &'static str = "RotateSecret";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            version: self.token.as_deref(),
            ..Asked::default()
        }
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<RotatedSecret, ApiError> {
        let token = required_token(self.token.as_deref(), ErrorCode::InvalidParameterException)?.to_owned();
        let secret_id = self.secret_id.clone();
        model.write(caller, &secret_id, |change| change.rotate(&token, self))
    }
}

impl Change<'_> {
    fn rotate(&mut self, token: &str, request: RotateSecret) -> Result<RotatedSecret, ApiError> {
        if let Some(rules) = request.rules {
            rules.check()?;
            self.secret.rotation_rules = Some(rules);
        }
        if let Some(function) = request.rotation_function {
            self.secret.rotation_function = Some(function);
        }
        if self.secret.rotation_function.is_none() {
            return Err(ApiError::invalid_request(
                "No Lambda rotation function ARN is associated with this secret.",
            ));
        }
        // The same request again starts no second rotation.
        if !self.secret.versions.contains_key(token) {
            self.check_complete()?;
            self.start(token, !request.rotate_immediately)?;
        } else if self.options.goes_on_at_same_token && self.secret.incomplete() == Some(token) {
            self.go_on(token);
        }
        self.secret.rotation_enabled = Some(true);
        Ok(self.rotated(Some(token.to_owned())))
    }

    fn check_complete(&self) -> Result<(), ApiError> {
        match self.secret.incomplete() {
            Some(_) => Err(ApiError::invalid_request(
                "A previous rotation isn't complete. That rotation will be reattempted.",
            )),
            None => Ok(()),
        }
    }

    /// Has the waiting replay be due now; where the service has given up, queues the whole process again.
    fn go_on(&mut self, token: &str) {
        match self.rotation {
            Some(rotation) if rotation.running => {}
            Some(rotation) => rotation.due = self.caller.now,
            None => {
                self.begin(token, false);
                self.record(RotationEventName::RotationStarted, token, None);
            }
        }
    }

    fn rotated(&self, version_id: Option<String>) -> RotatedSecret {
        RotatedSecret {
            arn: self.secret.arn.clone(),
            name: self.secret.name.clone(),
            version_id,
        }
    }
}

impl Request for CancelRotateSecret {
    type Response = RotatedSecret;
    const ACTION: &'static str = "CancelRotateSecret";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<RotatedSecret, ApiError> {
        model.write(caller, &self.secret_id, |change| {
            if change.secret.rotation_function.is_none() {
                return Err(ApiError::invalid_request(
                    "No Lambda rotation function ARN is associated with this secret.",
                ));
            }
            change.secret.rotation_enabled = Some(false);
            *change.rotation = None;
            let partial = change.secret.incomplete().map(str::to_owned);
            Ok(change.rotated(partial))
        })
    }
}
