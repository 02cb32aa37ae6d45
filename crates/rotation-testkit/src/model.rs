//! Secrets Manager's rotation contract as a synchronous state machine: no I/O, no clock within.
//!
//! Every behaviour stands in the table of the [crate's documentation](crate) with its source.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

#[cfg(feature = "server")]
use rotation_core::SecretString;
use rotation_core::SecretValue;

use crate::random::{mix, uuid};

use activity::Observer;
use request::Caller;
use rotation::Rotation;
use secret::Secret;

pub use activity::{Activity, ActivityKind, LabelChange};
pub use create::{CreateSecret, CreatedSecret};
pub use describe::{DescribeSecret, DescribedSecret, ListSecretVersionIds, ListedVersion, ListedVersions};
pub use error::{ApiError, ErrorCode};
pub use list::{FilterKey, ListSecrets, ListedSecrets, SecretFilter, SortBy, SortOrder};
pub use manage::{TagResource, UntagResource};
pub use options::{AfterRelease, ServiceOptions};
pub use password::GetRandomPassword;
pub use queue::{Invocation, InvocationResult, RotationEventName, RotationEventRecord};
pub use replicate::{ReplicaStatus, ReplicateSecretToRegions, ReplicatedSecret, StopReplicationToReplica};
pub use request::{Asked, Principal, Request};
pub use rotation::{CancelRotateSecret, RotateSecret, RotatedSecret, RotationRules};
pub use stage::{RestagedSecret, UpdateSecretVersionStage};
pub use update::{UpdateSecret, UpdatedSecret};
pub use values::{GetSecretValue, PutSecretValue, ReadSecretValue, WrittenSecretValue};

mod activity;
mod cloudtrail;
mod create;
mod describe;
mod error;
mod list;
mod manage;
mod options;
mod page;
mod password;
mod queue;
mod replicate;
mod request;
mod rotation;
mod scrub;
mod secret;
mod stage;
mod update;
mod values;

/// The Region that a model's secrets are in.
pub(crate) const REGION: &str = "eu-west-1";
/// The account that a model's secrets are in.
pub(crate) const ACCOUNT: &str = "111122223333";

/// The secrets of one account in one Region, and the rotations that the service has under way.
///
/// [`handle`](Self::handle) answers a request; [`next_invocation`](Self::next_invocation) and
/// [`report`](Self::report) are the service's side of a rotation.
#[derive(Debug, Default)]
pub struct Model {
    options: ServiceOptions,
    /// By ARN.
    secrets: BTreeMap<String, Entry>,
    denied: BTreeSet<(Principal, String)>,
    records: Vec<RotationEventRecord>,
    serial: u64,
    observer: Option<Observer>,
}

/// One secret, what it was before the last write, and its rotation under way.
#[derive(Debug)]
struct Entry {
    secret: Secret,
    before: Option<Secret>,
    rotation: Option<Rotation>,
}

impl Entry {
    fn seen_by(&self, caller: Caller) -> Option<&Secret> {
        if caller.stale {
            self.before.as_ref()
        } else {
            Some(&self.secret)
        }
    }
}

/// One version, without its value.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VersionRow {
    /// The version's id.
    pub version_id: String,
    /// Its labels; none if it is deprecated.
    pub labels: Vec<String>,
    /// Whether it has a value, or is the empty one that RotateSecret registers.
    pub has_value: bool,
    /// When it was registered.
    pub created: SystemTime,
}

/// One change of one secret: everything that a rule of the service may look at or touch.
struct Change<'a> {
    caller: Caller,
    options: &'a ServiceOptions,
    secret: &'a mut Secret,
    rotation: &'a mut Option<Rotation>,
    records: &'a mut Vec<RotationEventRecord>,
    serial: &'a mut u64,
}

impl Model {
    /// No secrets, and the service as `options` say where it is unpublished.
    #[must_use]
    pub fn new(options: ServiceOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// Answers a request.
    ///
    /// # Errors
    ///
    /// The [`ApiError`] that the service answers with; nothing has changed then.
    pub fn handle<R: Request>(
        &mut self,
        principal: Principal,
        request: R,
        now: SystemTime,
    ) -> Result<R::Response, ApiError> {
        self.answer(principal, request, now, false)
    }

    /// Answers a request that only reads from the state of before the last write to its secret. A
    /// request that writes is answered as ever.
    ///
    /// # Errors
    ///
    /// As [`handle`](Self::handle): a secret that was created just now does not exist.
    pub fn handle_stale<R: Request>(
        &mut self,
        principal: Principal,
        request: R,
        now: SystemTime,
    ) -> Result<R::Response, ApiError> {
        self.answer(principal, request, now, !R::WRITES)
    }

    fn answer<R: Request>(
        &mut self,
        principal: Principal,
        request: R,
        now: SystemTime,
        stale: bool,
    ) -> Result<R::Response, ApiError> {
        let caller = Caller {
            principal,
            now,
            stale,
        };
        let secret_id = request.secret_id().to_owned();
        self.observed(
            &secret_id,
            now,
            |model| {
                model.authorise(principal, R::ACTION, &secret_id)?;
                request.apply(model, caller)
            },
            |answer, labels| {
                let refused = answer.as_ref().err().map(ApiError::code);
                (R::WRITES || refused.is_some()).then_some(ActivityKind::Called {
                    action: R::ACTION,
                    principal,
                    labels,
                    refused,
                })
            },
        )
    }

    /// Denies an action to a principal, as an IAM policy does: `PutSecretValue`. With `kms:Decrypt` values can
    /// be neither read nor written, with `kms:GenerateDataKey` not written, as with a key's policy.
    pub fn deny(&mut self, principal: Principal, action: &str) {
        self.denied.insert((principal, action.to_owned()));
    }

    /// Allows an action again.
    pub fn allow(&mut self, principal: Principal, action: &str) {
        self.denied.remove(&(principal, action.to_owned()));
    }

    fn authorise(&self, principal: Principal, action: &str, secret_id: &str) -> Result<(), ApiError> {
        if self.denied.contains(&(principal, action.to_owned())) {
            return Err(ApiError::access_denied(principal, action, secret_id));
        }
        let needs: &[&str] = match action {
            "GetSecretValue" => &["kms:Decrypt"],
            "PutSecretValue" => &["kms:Decrypt", "kms:GenerateDataKey"],
            _ => &[],
        };
        let denied = |action: &&str| self.denied.contains(&(principal, (*action).to_owned()));
        if needs.iter().any(denied) {
            return Err(ApiError::kms_denied());
        }
        Ok(())
    }

    /// The rotation events so far, named as CloudTrail names them.
    #[must_use]
    pub fn records(&self) -> &[RotationEventRecord] {
        &self.records
    }

    /// The options, to be changed at any time.
    pub fn options_mut(&mut self) -> &mut ServiceOptions {
        &mut self.options
    }

    /// Every version that there is, purged ones excepted, and those without label or value not.
    pub(crate) fn versions(&self, secret_id: &str) -> Vec<VersionRow> {
        let Ok(entry) = self.entry(secret_id) else {
            return Vec::new();
        };
        let versions = entry.secret.versions.iter();
        versions
            .map(|(id, version)| VersionRow {
                version_id: id.clone(),
                labels: version.labels.iter().cloned().collect(),
                has_value: version.value.is_some(),
                created: version.created,
            })
            .collect()
    }

    /// So much time has passed that no read is answered from before the last write any more.
    pub(crate) fn settle(&mut self) {
        for entry in self.secrets.values_mut() {
            entry.before = Some(entry.secret.clone());
        }
    }

    /// The version that carries a label, and its value, without a request.
    pub(crate) fn holding(&self, secret_id: &str, label: &str) -> Option<(String, Option<SecretValue>)> {
        let entry = self.entry(secret_id).ok()?;
        let mut versions = entry.secret.versions.iter();
        let (id, version) = versions.find(|(_, version)| version.labels.contains(label))?;
        Some((id.clone(), version.value.clone()))
    }

    /// The versions of a secret that have a value, purged ones excepted.
    pub(crate) fn versions_with_values(&self, secret_id: &str) -> Vec<(String, SecretValue)> {
        let Ok(entry) = self.entry(secret_id) else {
            return Vec::new();
        };
        let versions = entry.secret.versions.iter();
        versions
            .filter_map(|(id, version)| Some((id.clone(), version.value.clone()?)))
            .collect()
    }

    /// Every value that any secret has or had, purged ones excepted.
    pub(crate) fn every_value(&self) -> impl Iterator<Item = (&str, &SecretValue)> {
        self.secrets.iter().flat_map(|(arn, entry)| {
            let versions = entry.secret.versions.values();
            versions.filter_map(move |version| Some((arn.as_str(), version.value.as_ref()?)))
        })
    }

    /// An id in the form of a UUID that this model has not given out yet, as an SDK fills in where
    /// the caller has no token.
    pub fn fresh_token(&mut self) -> String {
        fresh_token(&mut self.serial)
    }

    /// The ARN that a new secret of this name gets: with six random characters at its end.
    fn fresh_arn(&mut self, name: &str) -> String {
        self.serial += 1;
        let suffix = mix(self.serial) & 0xff_ffff;
        format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{suffix:06x}")
    }

    /// The entry that an ARN or a name means.
    fn entry(&self, secret_id: &str) -> Result<&Entry, ApiError> {
        self.secrets
            .get(secret_id)
            .or_else(|| self.secrets.values().find(|entry| entry.secret.name == secret_id))
            .ok_or_else(ApiError::no_such_secret)
    }

    fn entry_mut(&mut self, secret_id: &str) -> Result<&mut Entry, ApiError> {
        let arn = self.entry(secret_id)?.secret.arn.clone();
        self.secrets.get_mut(&arn).ok_or_else(ApiError::no_such_secret)
    }

    fn read(&self, caller: Caller, secret_id: &str) -> Result<&Secret, ApiError> {
        let entry = self.entry(secret_id)?;
        entry.seen_by(caller).ok_or_else(ApiError::no_such_secret)
    }

    /// Whether a version is that of a rotation under way, or the proof is its RotationToken.
    #[cfg(feature = "server")]
    pub(crate) fn is_under_way(
        &self,
        secret_id: &str,
        version: impl Fn(&str) -> bool,
        proof: Option<&SecretString>,
    ) -> bool {
        let entry = self.entry(secret_id).ok();
        let rotation = entry.and_then(|entry| entry.rotation.as_ref());
        rotation.is_some_and(|it| version(&it.token) || proof == Some(&it.rotation_token))
    }

    /// Changes a secret, or leaves it as it was when `change` refuses.
    fn write<T>(
        &mut self,
        caller: Caller,
        secret_id: &str,
        change: impl FnOnce(&mut Change<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.change(caller, secret_id, |it| {
            it.secret.check_writable()?;
            change(it)
        })
    }

    /// The same for a secret that this caller may not write to.
    fn change<T>(
        &mut self,
        caller: Caller,
        secret_id: &str,
        change: impl FnOnce(&mut Change<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let arn = self.entry(secret_id)?.secret.arn.clone();
        let entry = self.secrets.get_mut(&arn).ok_or_else(ApiError::no_such_secret)?;
        let before = entry.secret.clone();
        let answer = change(&mut Change {
            caller,
            options: &self.options,
            secret: &mut entry.secret,
            rotation: &mut entry.rotation,
            records: &mut self.records,
            serial: &mut self.serial,
        });
        if answer.is_err() {
            entry.secret = before;
        } else if entry.secret != before {
            entry.secret.last_changed = caller.now;
            entry.before = Some(before);
        }
        answer
    }
}

fn fresh_token(serial: &mut u64) -> String {
    *serial += 1;
    uuid(*serial)
}
