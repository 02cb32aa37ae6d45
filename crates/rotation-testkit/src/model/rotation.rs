//! RotateSecret and CancelRotateSecret.

use std::collections::BTreeSet;
use std::time::SystemTime;

use rotation_core::{AWSCURRENT, AWSPENDING, SecretString, SecretValue, Step};

use super::queue::RotationEventName;
use super::request::Caller;
use super::secret::Version;
use super::values::required_token;
use super::{ApiError, Asked, Change, ErrorCode, Model, Request, fresh_token};

/// RotateSecret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RotateSecret {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
    /// `ClientRequestToken`, which an SDK fills in; the id of the version to be rotated in.
    pub token: Option<String>,
    /// `RotationLambdaARN`: turns rotation on with this function.
    pub rotation_function: Option<String>,
    /// `RotateImmediately`; `false` is a dry run of testSecret.
    pub rotate_immediately: bool,
    /// `RotationRules`, which replace those of before.
    pub rules: Option<RotationRules>,
}

/// `RotationRules`: described and not followed. No schedule runs here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RotationRules {
    /// `AutomaticallyAfterDays`, 1 to 1000.
    pub automatically_after_days: Option<u32>,
    /// `Duration` of the window, in hours: `3h`.
    pub duration: Option<String>,
    /// `ScheduleExpression`: `rate(10 days)`. Not together with the days.
    pub schedule_expression: Option<String>,
}

impl RotationRules {
    fn check(&self) -> Result<(), ApiError> {
        let days = self.automatically_after_days;
        let hours = |duration: &str| {
            let digits = duration.strip_suffix('h').unwrap_or_default();
            (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let refusal = if days.is_some() && self.schedule_expression.is_some() {
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression."
        } else if days.is_some_and(|days| !(1..=1000).contains(&days)) {
            "AutomaticallyAfterDays is from 1 to 1000."
        } else if self.duration.as_deref().is_some_and(|duration| !hours(duration)) {
            "Duration is a number of hours, such as 3h."
        } else {
            return Ok(());
        };
        Err(ApiError::invalid_parameter(refusal))
    }
}

/// CancelRotateSecret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CancelRotateSecret {
    /// `SecretId`: an ARN or a name.
    pub secret_id: String,
}

/// The answer of RotateSecret and of CancelRotateSecret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RotatedSecret {
    /// `ARN`.
    pub arn: String,
    /// `Name`.
    pub name: String,
    /// `VersionId`: the version to be rotated in; of CancelRotateSecret the partial version that
    /// still is `AWSPENDING`, if there is one.
    pub version_id: Option<String>,
}

/// A rotation that the service has under way.
#[derive(Debug)]
pub(super) struct Rotation {
    pub(super) token: String,
    pub(super) rotation_token: SecretString,
    pub(super) dry_run: bool,
    pub(super) step: Step,
    /// From 1; each replay of the whole process counts one up.
    pub(super) attempt: u32,
    /// When the step is to be invoked.
    pub(super) due: SystemTime,
    /// Whether it has been invoked and not reported yet.
    pub(super) running: bool,
}

impl RotateSecret {
    /// Rotates at once.
    #[must_use]
    pub fn new(secret_id: &str, token: &str) -> Self {
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
    #[must_use]
    pub fn new(secret_id: &str) -> Self {
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

    fn begin(&mut self, token: &str, dry_run: bool) {
        *self.rotation = Some(Rotation {
            token: token.to_owned(),
            rotation_token: fresh_token(self.serial).into(),
            dry_run,
            step: if dry_run {
                Step::TestSecret
            } else {
                Step::CreateSecret
            },
            attempt: 1,
            due: self.caller.now,
            running: false,
        });
    }

    /// Registers the version, without a value but for a dry run, and queues the first invocation.
    pub(super) fn start(&mut self, token: &str, dry_run: bool) -> Result<(), ApiError> {
        let version = Version {
            value: if dry_run { self.current_value() } else { None },
            labels: BTreeSet::new(),
            created: self.caller.now,
            by_function: false,
        };
        self.secret.add_version(token, version, self.options)?;
        self.secret.attach(AWSPENDING, token);
        self.secret.check_label_quota()?;
        self.begin(token, dry_run);
        let started = if dry_run {
            RotationEventName::TestRotationStarted
        } else {
            RotationEventName::RotationStarted
        };
        self.record(started, token, None);
        Ok(())
    }

    fn current_value(&self) -> Option<SecretValue> {
        let current = self.secret.versions.get(self.secret.holder(AWSCURRENT)?)?;
        current.value.clone()
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
