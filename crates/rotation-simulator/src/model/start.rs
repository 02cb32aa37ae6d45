//! How a rotation begins.

use std::collections::BTreeSet;

use rotation_core::{AWSCURRENT, AWSPENDING, SecretValue, Step};

use super::change::{Change, fresh_token};
use super::error::ApiError;
use super::record::RotationEventName;
use super::rotation::Rotation;
use super::secret::Version;

impl Change<'_> {
    pub(super) fn begin(&mut self, token: &str, dry_run: bool) {
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
}
