//! The secrets, and how they are found and changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

#[cfg(feature = "server")]
use rotation_core::SecretString;
use rotation_core::SecretValue;

use super::account::{ACCOUNT, REGION};
use super::activity::Observer;
use super::caller::Caller;
use super::change::{Change, fresh_token};
use super::error::ApiError;
use super::options::ServiceOptions;
use super::principal::Principal;
use super::record::RotationEventRecord;
use super::rotation::Rotation;
use super::secret::Secret;
use crate::random::mix;

/// The secrets of one account in one Region, and the rotations that the service has under way.
///
/// [`handle`](Self::handle) answers a request; [`next_invocation`](Self::next_invocation) and
/// [`report`](Self::report) are the service's side of a rotation.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(super) options: ServiceOptions,
    /// By ARN.
    pub(super) secrets: BTreeMap<String, Entry>,
    pub(super) denied: BTreeSet<(Principal, String)>,
    pub(super) records: Vec<RotationEventRecord>,
    pub(super) serial: u64,
    pub(super) observer: Option<Observer>,
}

/// How long after a write a read may still be answered from before it. The service states no bound; a minute is
/// far more than anybody has reported.
const SETTLES: Duration = Duration::from_secs(60);

/// One secret, what it was before the last write, and its rotation under way.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) secret: Secret,
    pub(super) before: Option<Secret>,
    /// When the last write was made.
    pub(super) written: SystemTime,
    pub(super) rotation: Option<Rotation>,
}

impl Entry {
    /// What this caller sees. Visibility goes with time: a read is stale only for a while after the write, however
    /// that time has passed.
    pub(super) fn seen_by(&self, caller: Caller) -> Option<&Secret> {
        let since = caller.now.duration_since(self.written).unwrap_or_default();
        if caller.stale && since < SETTLES {
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

impl Model {
    /// The rotation events so far, named as CloudTrail names them.
    pub(crate) fn records(&self) -> &[RotationEventRecord] {
        &self.records
    }

    /// The options, to be changed at any time.
    pub(crate) fn options_mut(&mut self) -> &mut ServiceOptions {
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

    /// The version that carries a label, and its value, without a request.
    pub(crate) fn holding(&self, secret_id: &str, label: &str) -> Option<(String, Option<SecretValue>)> {
        let entry = self.entry(secret_id).ok()?;
        let mut versions = entry.secret.versions.iter();
        let (id, version) = versions.find(|(_, version)| version.labels.contains(label))?;
        Some((id.clone(), version.value.clone()))
    }

    /// Every value that any secret has, purged ones excepted: its secret's ARN, its version, and it.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str, &SecretValue)> {
        self.secrets.iter().flat_map(|(arn, entry)| {
            let versions = entry.secret.versions.iter();
            versions
                .filter_map(move |(id, version)| Some((arn.as_str(), id.as_str(), version.value.as_ref()?)))
        })
    }

    /// An id in the form of a UUID that this model has not given out yet, as an SDK fills in where
    /// the caller has no token.
    pub(crate) fn fresh_token(&mut self) -> String {
        fresh_token(&mut self.serial)
    }

    /// The ARN that a new secret of this name gets: with six random characters at its end.
    pub(super) fn fresh_arn(&mut self, name: &str) -> String {
        self.serial += 1;
        let suffix = mix(self.serial) & 0xff_ffff;
        format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{suffix:06x}")
    }

    /// The entry that an ARN or a name means.
    pub(super) fn entry(&self, secret_id: &str) -> Result<&Entry, ApiError> {
        self.secrets
            .get(secret_id)
            .or_else(|| self.secrets.values().find(|entry| entry.secret.name == secret_id))
            .ok_or_else(ApiError::no_such_secret)
    }

    pub(super) fn entry_mut(&mut self, secret_id: &str) -> Result<&mut Entry, ApiError> {
        let arn = self.entry(secret_id)?.secret.arn.clone();
        self.secrets.get_mut(&arn).ok_or_else(ApiError::no_such_secret)
    }

    pub(super) fn read(&self, caller: Caller, secret_id: &str) -> Result<&Secret, ApiError> {
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
    pub(super) fn write<T>(
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
    pub(super) fn change<T>(
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
            entry.written = caller.now;
        }
        answer
    }
}
