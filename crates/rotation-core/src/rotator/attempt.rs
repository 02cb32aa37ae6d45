//! One invocation: what a step works with, and calls to the backend that keep its time.

use std::future::Future;
use std::time::SystemTime;

use crate::backend::CredentialBackend;
use crate::context::{Outside, StepContext};
use crate::document::SecretValue;
use crate::error::{BackendError, RotationErrorKind};
use crate::live::LiveIds;
use crate::profile::Profile;
use crate::random::RandomSource;
use crate::reader::CurrentReader;
use crate::retire::{Retire, Retirement};
use crate::stages::{self, Verdict};
use crate::store::{SecretDescription, SecretStore, StoredVersion, VersionRef};
use crate::time::Deadline;

use super::calls::{Calls, Result};
use super::grace::Grace;
use super::labelled::{Labelled, objection};
use super::report::Ending;

pub(super) const END_PREVIOUS: &str = "retire the AWSPREVIOUS credential";

/// A step under way.
pub(super) struct Attempt<'a, B, S> {
    pub(super) backend: &'a B,
    pub(super) calls: Calls<'a, S>,
    pub(super) endings: Vec<Ending>,
    grace: Grace,
    /// The wall time before anything was read.
    as_of: SystemTime,
    random: &'a dyn RandomSource,
    others: CurrentReader<'a, S>,
}

impl<'a, B: CredentialBackend, S: SecretStore> Attempt<'a, B, S> {
    pub(super) fn new(
        backend: &'a B,
        store: &'a S,
        calls: Calls<'a, S>,
        random: &'a dyn RandomSource,
        grace: Grace,
    ) -> Self {
        Self {
            backend,
            endings: Vec::new(),
            grace,
            as_of: calls.clock().now(),
            calls,
            random,
            others: CurrentReader::new(store),
        }
    }

    pub(super) fn token(&self) -> &'a str {
        self.calls.token()
    }

    pub(super) fn profile(&self) -> Profile {
        self.backend.profile()
    }

    pub(super) fn id(&self, credential: &B::Credential) -> Option<String> {
        self.backend.id(credential)
    }

    pub(super) fn grace(&self, secret: &SecretDescription) -> Result<Grace> {
        self.grace.of(secret)
    }

    pub(super) fn verdict<'d>(&self, secret: &'d SecretDescription) -> Result<Verdict<'d>> {
        stages::check(secret, self.token()).map_err(RotationErrorKind::Refused)
    }

    /// What the backend is handed. It has until `deadline`.
    pub(super) fn context<'c>(
        &'c self,
        secret: &'c SecretDescription,
        deadline: Deadline,
    ) -> StepContext<'c> {
        StepContext {
            secret_arn: &secret.arn,
            version: self.token(),
            step: self.calls.event().step(),
            deadline,
            as_of: self.as_of,
            outside: Outside {
                clock: self.calls.clock(),
                random: self.random,
                secrets: &self.others,
            },
        }
    }

    /// A call to the backend whose failure, whatever it is, fails the step.
    pub(super) async fn must<T>(
        &self,
        operation: &'static str,
        deadline: Deadline,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T> {
        self.calls
            .until(deadline, operation, call)
            .await?
            .map_err(|source| RotationErrorKind::Backend { operation, source })
    }

    /// Proves that the current credential works, before what could be a way back is ended: an operator
    /// may have stored a broken one.
    pub(super) async fn prove_current(
        &self,
        secret: &SecretDescription,
        current: &B::Credential,
        deadline: Deadline,
    ) -> Result<()> {
        let context = self.context(secret, deadline);
        let test = self.backend.test(&context, current);
        self.calls
            .until(deadline, "test the AWSCURRENT credential", test)
            .await?
            .map_err(|source| RotationErrorKind::CurrentBroken { source })
    }

    /// The credential in an old version, or a warning.
    pub(super) fn readable(&self, stored: &StoredVersion) -> Option<B::Credential> {
        let decoded = stored.value.decode();
        if let Err(error) = &decoded {
            tracing::warn!(of_version = stored.version_id, %error, "the version holds no credential that can be read");
        }
        decoded.ok()
    }

    /// The other labelled versions with their credentials. `previous` is what the first round read
    /// under `AWSPREVIOUS`; versions with labels of the operator's own are rare and are read one by
    /// one.
    pub(super) async fn labelled(
        &self,
        secret: &SecretDescription,
        current: &str,
        mut previous: Option<StoredVersion>,
    ) -> Result<Vec<Labelled<B::Credential>>> {
        let mut found = Vec::new();
        for (version, stages) in &secret.versions {
            if stages.is_empty() || version == current || version == self.token() {
                continue;
            }
            let stored = match previous.take_if(|previous| previous.version_id == *version) {
                Some(stored) => Some(stored),
                None => self.calls.read(VersionRef::Id(version)).await?.old_value()?,
            };
            let credential = stored.and_then(|stored| self.readable(&stored));
            found.push(Labelled::new(version, stages, credential, |credential| {
                self.id(credential)
            }));
        }
        Ok(found)
    }

    /// Ends a credential, unless its id is protected, and records what became of it.
    pub(super) async fn end_unless_protected(
        &mut self,
        secret: &SecretDescription,
        (version, credential): (&str, &B::Credential),
        why: Retire,
        protected: &LiveIds,
    ) -> Result<()> {
        match objection(self.id(credential).as_deref(), protected) {
            Some(objection) => {
                self.record(version, self.id(credential), why, Retirement::kept(objection));
                Ok(())
            }
            None => self.end(secret, (version, credential), why).await,
        }
    }

    /// Ends a credential, and records what became of it.
    pub(super) async fn end(
        &mut self,
        secret: &SecretDescription,
        (version, credential): (&str, &B::Credential),
        why: Retire,
    ) -> Result<()> {
        let deadline = self.calls.deadline();
        let context = self.context(secret, deadline);
        let retire = self.backend.retire(&context, credential, why);
        let result = self.must(ending(why), deadline, retire).await?;
        self.record(version, self.id(credential), why, result);
        Ok(())
    }

    /// Puts into the report and the log what became of a credential that was to be retired.
    pub(super) fn record(&mut self, version: &str, id: Option<String>, why: Retire, result: Retirement) {
        if id.is_none() {
            tracing::warn!(
                of_version = version,
                why = why.as_str(),
                %result,
                "a credential without an id is left as it is; end it by hand when nothing uses it any more"
            );
        } else {
            tracing::info!(of_version = version, id, why = why.as_str(), %result, "credential to be retired");
        }
        self.endings.push(Ending::new(version, id, why, result));
    }
}

/// The credential in a value that the step cannot do without.
pub(super) fn decode<T: serde::de::DeserializeOwned>(stage: &'static str, value: &SecretValue) -> Result<T> {
    value
        .decode()
        .map_err(|source| RotationErrorKind::Document { stage, source })
}

/// What ending a credential is, in words.
fn ending(why: Retire) -> &'static str {
    match why {
        Retire::FallingOff => END_PREVIOUS,
        Retire::Superseded => "retire the superseded credential",
        Retire::NotStored => "retire the credential that could not be stored",
        Retire::Rejected => "retire the rejected credential",
    }
}

/// A failure to end a credential that no version holds any more.
pub(super) fn not_compensated(error: RotationErrorKind, reason: Retire) -> RotationErrorKind {
    match error {
        RotationErrorKind::Backend { source, .. } => RotationErrorKind::NotCompensated { reason, source },
        other => other,
    }
}
