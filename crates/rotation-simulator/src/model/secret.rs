//! A secret, its versions, and the rules of its labels.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretValue};

use super::account::REGION;
use super::error::{ApiError, ErrorCode};
use super::options::ServiceOptions;
use super::replica::ReplicaStatus;
use super::rules::RotationRules;

/// What the service knows of a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) versions: BTreeMap<String, Version>,
    pub(super) tags: BTreeMap<String, String>,
    /// `None` until rotation is set up for the first time.
    pub(super) rotation_enabled: Option<bool>,
    /// The ARN of the rotation function.
    pub(super) rotation_function: Option<String>,
    pub(super) owning_service: Option<String>,
    pub(super) primary_region: Option<String>,
    pub(super) replicas: BTreeMap<String, ReplicaStatus>,
    pub(super) description: Option<String>,
    /// `None` for the service's own key.
    pub(super) kms_key_id: Option<String>,
    pub(super) rotation_rules: Option<RotationRules>,
    pub(super) created: SystemTime,
    pub(super) last_changed: SystemTime,
    pub(super) last_rotated: Option<SystemTime>,
}

/// One version. Its `Debug` does not print the value, as that of [`SecretValue`] does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Version {
    /// `None` for the version that RotateSecret registers and createSecret fills.
    pub(super) value: Option<SecretValue>,
    pub(super) labels: BTreeSet<String>,
    pub(super) created: SystemTime,
    /// Whether its value came from the rotation function, or with the rotation's own token.
    pub(super) by_function: bool,
}

impl Version {
    pub(super) fn is_deprecated(&self) -> bool {
        self.labels.is_empty()
    }
}

impl Secret {
    /// A secret without versions.
    pub(super) fn new(arn: String, name: String, now: SystemTime) -> Self {
        Self {
            arn,
            name,
            versions: BTreeMap::new(),
            tags: BTreeMap::new(),
            rotation_enabled: None,
            rotation_function: None,
            owning_service: None,
            primary_region: None,
            replicas: BTreeMap::new(),
            description: None,
            kms_key_id: None,
            rotation_rules: None,
            created: now,
            last_changed: now,
            last_rotated: None,
        }
    }

    /// An empty id means the service's own key, which is not described.
    pub(super) fn set_kms_key(&mut self, id: Option<String>) {
        self.kms_key_id = id.filter(|id| !id.is_empty());
    }

    /// Adds replicas; those that there are stay as they are.
    pub(super) fn replicate(&mut self, regions: Vec<String>) {
        for region in regions {
            self.primary_region = Some(REGION.to_owned());
            self.replicas.entry(region).or_insert(ReplicaStatus::InProgress);
        }
    }

    /// The id of the version that carries the label.
    pub(super) fn holder(&self, label: &str) -> Option<&str> {
        self.versions
            .iter()
            .find(|(_, version)| version.labels.contains(label))
            .map(|(id, _)| id.as_str())
    }

    pub(super) fn has_label(&self, id: &str, label: &str) -> bool {
        self.versions
            .get(id)
            .is_some_and(|version| version.labels.contains(label))
    }

    /// Puts the label on the version and takes it off any other. `AWSPREVIOUS` goes to the version
    /// that `AWSCURRENT` leaves.
    pub(super) fn attach(&mut self, label: &str, id: &str) {
        let left = self.holder(label).map(str::to_owned);
        if left.as_deref() == Some(id) {
            return;
        }
        if let Some(left) = &left {
            self.detach(label, left);
        }
        if let Some(version) = self.versions.get_mut(id) {
            version.labels.insert(label.to_owned());
        }
        if let (AWSCURRENT, Some(left)) = (label, left) {
            self.attach(AWSPREVIOUS, &left);
        }
    }

    pub(super) fn detach(&mut self, label: &str, id: &str) {
        if let Some(version) = self.versions.get_mut(id) {
            version.labels.remove(label);
        }
    }

    /// The version on which `AWSPENDING` stands while it is not current: a rotation that is not
    /// complete.
    pub(super) fn incomplete(&self) -> Option<&str> {
        self.holder(AWSPENDING)
            .filter(|id| !self.has_label(id, AWSCURRENT))
    }

    /// Adds a version, after purging deprecated ones that are more than a day old.
    pub(super) fn add_version(
        &mut self,
        id: &str,
        version: Version,
        options: &ServiceOptions,
    ) -> Result<(), ApiError> {
        self.purge(version.created, options.kept_versions);
        if self.versions.len() >= options.version_quota {
            return Err(ApiError::new(
                ErrorCode::LimitExceededException,
                "The request failed because it would exceed one of the Secrets Manager quotas.",
            ));
        }
        self.versions.insert(id.to_owned(), version);
        Ok(())
    }

    /// Makes room for one more version, the oldest first.
    fn purge(&mut self, now: SystemTime, kept: usize) {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let is_old = |version: &Version| now.duration_since(version.created).is_ok_and(|age| age >= DAY);
        while self.versions.len() >= kept {
            let oldest = self
                .versions
                .iter()
                .filter(|(_, version)| version.is_deprecated() && is_old(version))
                .min_by_key(|(_, version)| version.created)
                .map(|(id, _)| id.clone());
            match oldest {
                Some(id) => _ = self.versions.remove(&id),
                None => return,
            }
        }
    }

    /// At most 20 labels on all versions together.
    pub(super) fn check_label_quota(&self) -> Result<(), ApiError> {
        let labels: usize = self.versions.values().map(|version| version.labels.len()).sum();
        if labels > 20 {
            return Err(ApiError::new(
                ErrorCode::LimitExceededException,
                "A secret can have at most 20 staging labels on all its versions together.",
            ));
        }
        Ok(())
    }

    /// Refuses the writes that other owners forbid.
    pub(super) fn check_writable(&self) -> Result<(), ApiError> {
        if self.owning_service.is_some() {
            return Err(ApiError::invalid_request(
                "The secret is managed by another service, and you must use that service to update it.",
            ));
        }
        if self.is_replica() {
            return Err(ApiError::invalid_parameter(
                "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
            ));
        }
        Ok(())
    }

    pub(super) fn is_replica(&self) -> bool {
        self.primary_region
            .as_deref()
            .is_some_and(|region| region != REGION)
    }
}
