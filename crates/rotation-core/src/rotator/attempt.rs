//! One invocation: the event, its deadline, and calls that respect it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::backend::CredentialBackend;
use crate::context::{Outside, StepContext, within};
use crate::document::SecretValue;
use crate::error::BackendError;
use crate::error::RotationErrorKind;
use crate::event::RotationEvent;
use crate::stages::{self, Verdict};
use crate::store::{
    AWSCURRENT, SecretDescription, SecretReader, SecretStore, StoreError, StoredVersion, VersionRef,
};
use crate::time::Deadline;

use super::{Grace, Retired, Rotator};

pub(super) type Result<T, E = RotationErrorKind> = std::result::Result<T, E>;

pub(super) struct Attempt<'a, B, S> {
    pub(super) backend: &'a B,
    pub(super) store: &'a S,
    pub(super) event: &'a RotationEvent,
    pub(super) deadline: Deadline,
    pub(super) retired: Vec<Retired>,
    /// The wall time before anything was read.
    as_of: SystemTime,
    rotator: &'a Rotator<B, S>,
    reader: StoreReader<'a, S>,
}

impl<'a, B: CredentialBackend, S: SecretStore> Attempt<'a, B, S> {
    pub(super) fn new(rotator: &'a Rotator<B, S>, event: &'a RotationEvent, deadline: Deadline) -> Self {
        Self {
            backend: &rotator.backend,
            store: &rotator.store,
            event,
            deadline,
            retired: Vec::new(),
            as_of: rotator.clock.now(),
            rotator,
            reader: StoreReader::new(&rotator.store),
        }
    }

    pub(super) fn secret(&self) -> &'a str {
        self.event.secret_id()
    }

    pub(super) fn token(&self) -> &'a str {
        self.event.client_request_token()
    }

    pub(super) fn verdict<'d>(&self, secret: &'d SecretDescription) -> Result<Verdict<'d>> {
        stages::check(secret, self.token(), self.event.step()).map_err(RotationErrorKind::Refused)
    }

    /// The grace that holds for this secret: its tag's, or else the rotator's.
    pub(super) fn grace(&self, secret: &SecretDescription) -> Result<Grace> {
        match secret.tags.get("rotation:grace").map(String::as_str) {
            None => Ok(self.rotator.grace),
            Some("none") => Ok(Grace::None),
            Some("until-next-rotation") => Ok(Grace::UntilNextRotation),
            Some(_) => Err(RotationErrorKind::BadGraceTag),
        }
    }

    /// What the backend is handed. It has until `deadline`.
    pub(super) fn context<'c>(
        &'c self,
        secret: &'c SecretDescription,
        deadline: Deadline,
    ) -> StepContext<'c> {
        let outside = Outside {
            clock: self.rotator.clock.as_ref(),
            random: self.rotator.random.as_ref(),
            secrets: &self.reader,
        };
        StepContext {
            secret_arn: &secret.arn,
            version: self.token(),
            step: self.event.step(),
            deadline,
            as_of: self.as_of,
            outside,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.rotator.clock.elapsed()
    }

    pub(super) fn remaining(&self) -> Duration {
        self.deadline.remaining(self.rotator.clock.as_ref())
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.rotator.clock.sleep(duration).await;
    }

    /// Awaits a future until the deadline, and says what was going on when it did not make it. It
    /// is not begun when no time is left: nobody may write after the time that others judge by.
    pub(super) async fn until<T>(
        &self,
        deadline: Deadline,
        doing: &'static str,
        future: impl Future<Output = T>,
    ) -> Result<T> {
        let clock = self.rotator.clock.as_ref();
        let remaining = deadline.remaining(clock);
        if remaining.is_zero() {
            return Err(RotationErrorKind::OutOfTime { doing });
        }
        within(clock, remaining, future)
            .await
            .ok_or(RotationErrorKind::OutOfTime { doing })
    }

    /// A call to Secrets Manager whose failure, whatever it is, fails the step.
    pub(super) async fn store<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T> {
        self.until(self.deadline, operation, call)
            .await?
            .map_err(|source| RotationErrorKind::Store { operation, source })
    }

    /// A call to the backend whose failure, whatever it is, fails the step.
    pub(super) async fn backend<T>(
        &self,
        operation: &'static str,
        deadline: Deadline,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T> {
        self.until(deadline, operation, call)
            .await?
            .map_err(|source| RotationErrorKind::Backend { operation, source })
    }

    pub(super) async fn release_pending(&self) -> Result<()> {
        let release = self.store.release_pending(self.secret(), self.token());
        self.store("release AWSPENDING", release).await
    }

    /// The credential in an old version, or a warning.
    pub(super) fn readable(&self, stored: &StoredVersion) -> Option<B::Credential> {
        let decoded = stored.value.decode();
        if let Err(error) = &decoded {
            tracing::warn!(of_version = stored.version_id, %error, "the version holds no credential that can be read");
        }
        decoded.ok()
    }

    pub(super) fn id(&self, credential: &B::Credential) -> Option<String> {
        self.backend.id(credential)
    }

    pub(super) async fn describe(&self) -> Result<SecretDescription> {
        self.store("describe the secret", self.store.describe(self.secret()))
            .await
    }
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(stage: &'static str, value: &SecretValue) -> Result<T> {
    value
        .decode()
        .map_err(|source| RotationErrorKind::Document { stage, source })
}

/// Other secrets, read through the same store, each once per step.
struct StoreReader<'a, S> {
    store: &'a S,
    seen: Mutex<BTreeMap<String, SecretValue>>,
}

impl<'a, S> StoreReader<'a, S> {
    fn new(store: &'a S) -> Self {
        Self {
            store,
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, SecretValue>> {
        // Nothing panics while it is locked; if something did, the map would still be whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: SecretStore> SecretReader for StoreReader<'_, S> {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        if let Some(value) = self.seen().get(secret_id) {
            return Ok(value.clone());
        }
        let version = VersionRef::Stage(AWSCURRENT);
        let value = self.store.read(secret_id, version).await?.value;
        self.seen().insert(secret_id.to_owned(), value.clone());
        Ok(value)
    }
}
