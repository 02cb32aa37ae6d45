//! Load: what a step reads before it decides, in one round.

use std::time::Duration;

use crate::backend::CredentialBackend;
use crate::error::{ErrorClass, RotationErrorKind, chain};
use crate::store::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretDescription, SecretStore, StoreError, StoreErrorKind,
    StoredVersion, VersionRef,
};

use super::attempt::{Attempt, Result};

/// Which values a step wants beside the description.
#[derive(Clone, Copy, Default)]
pub(super) struct Wants {
    pub(super) current: bool,
    pub(super) pending: bool,
    pub(super) previous: bool,
}

/// What the round brought. The values are not yet judged: one that could not be read matters only
/// if the labels say that the step goes on.
pub(super) struct Snapshot {
    pub(super) description: SecretDescription,
    /// When the round began, on the monotonic clock: it may be as old as that.
    pub(super) at: Duration,
    pub(super) current: Read,
    pub(super) pending: Read,
    pub(super) previous: Read,
}

/// The outcome of one read; that of a read which was not wanted is "not found".
pub(super) struct Read {
    operation: &'static str,
    result: Result<StoredVersion, StoreError>,
}

impl Read {
    /// The value, if there is one.
    pub(super) fn value(self) -> Result<Option<StoredVersion>> {
        match self.result {
            Ok(version) => Ok(Some(version)),
            Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == StoreErrorKind::StageMismatch => {
                Err(RotationErrorKind::LabelsMoved)
            }
            Err(source) => Err(RotationErrorKind::Store {
                operation: self.operation,
                source,
            }),
        }
    }

    /// The value of an old version, if it can be had. One that Secrets Manager will not hand out,
    /// as when its KMS key is disabled, must not block every later rotation.
    pub(super) fn old_value(self) -> Result<Option<StoredVersion>> {
        match &self.result {
            Err(error) if error.class() == ErrorClass::Misconfigured => {
                if error.kind() != StoreErrorKind::NotFound {
                    tracing::warn!(
                        error = chain(error),
                        "an old version cannot be read, so its credential counts as live"
                    );
                }
                Ok(None)
            }
            _ => self.value(),
        }
    }

    /// The current value. It must be of the version that the description calls current: the two
    /// were read side by side, and a write may have come between.
    pub(super) fn current(self, version: &str) -> Result<StoredVersion> {
        let current = self.value()?.ok_or(RotationErrorKind::NoCurrentValue)?;
        match current.version_id == version {
            true => Ok(current),
            false => Err(RotationErrorKind::LabelsMoved),
        }
    }
}

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(super) async fn load(&self, wants: Wants) -> Result<Snapshot> {
        let at = self.elapsed();
        let round = async {
            tokio::join!(
                self.store.describe(self.secret()),
                self.read_if(wants.current, VersionRef::Stage(AWSCURRENT)),
                self.read_if(wants.pending, VersionRef::IdAndStage(self.token(), AWSPENDING)),
                self.read_if(wants.previous, VersionRef::Stage(AWSPREVIOUS)),
            )
        };
        let (description, current, pending, previous) =
            self.until(self.deadline, "read the secret", round).await?;
        Ok(Snapshot {
            description: description.map_err(|source| RotationErrorKind::Store {
                operation: "describe the secret",
                source,
            })?,
            at,
            current,
            pending,
            previous,
        })
    }

    /// The pending value, waited for about three seconds: the service calls the steps within
    /// milliseconds of each other and does not promise read-after-write.
    pub(super) async fn pending(&self, first: Read) -> Result<StoredVersion> {
        let version = VersionRef::IdAndStage(self.token(), AWSPENDING);
        self.wait_for(first, version, &[50, 100, 200, 400, 800, 1600])
            .await?
            .ok_or(RotationErrorKind::NotWrittenYet)
    }

    /// The value that was stored under this token, whatever its labels, waited for a moment.
    pub(super) async fn stored_under_token(&self) -> Result<Option<StoredVersion>> {
        let version = VersionRef::Id(self.token());
        let first = self.read(version).await?;
        self.wait_for(first, version, &[50, 100, 200]).await
    }

    /// The value, read again after each pause, in milliseconds, as long as it is not to be seen.
    async fn wait_for(
        &self,
        first: Read,
        version: VersionRef<'_>,
        pauses: &[u64],
    ) -> Result<Option<StoredVersion>> {
        let mut seen = first.value()?;
        for pause in pauses.iter().copied().map(Duration::from_millis) {
            if seen.is_some() || pause >= self.remaining() {
                break;
            }
            self.sleep(pause).await;
            seen = self.read(version).await?.value()?;
        }
        Ok(seen)
    }

    /// The value stored under this token, if there is one.
    pub(super) async fn read_pending(&self) -> Result<Option<StoredVersion>> {
        let version = VersionRef::IdAndStage(self.token(), AWSPENDING);
        self.read(version).await?.value()
    }

    /// One value, read by itself.
    pub(super) async fn read(&self, version: VersionRef<'_>) -> Result<Read> {
        let read = self.read_if(true, version);
        self.until(self.deadline, "read the secret", read).await
    }

    async fn read_if(&self, wanted: bool, version: VersionRef<'_>) -> Read {
        let result = match wanted {
            true => self.store.read(self.secret(), version).await,
            false => Err(StoreError::not_applied(StoreErrorKind::NotFound, "not read")),
        };
        Read {
            operation: match version {
                VersionRef::Stage(AWSCURRENT) | VersionRef::IdAndStage(_, AWSCURRENT) => {
                    "hand out the AWSCURRENT value"
                }
                VersionRef::Stage(AWSPREVIOUS) | VersionRef::IdAndStage(_, AWSPREVIOUS) => {
                    "hand out the AWSPREVIOUS value"
                }
                VersionRef::IdAndStage(_, AWSPENDING) => "hand out the AWSPENDING value",
                VersionRef::Stage(_) | VersionRef::Id(_) | VersionRef::IdAndStage(..) => {
                    "hand out a version's value"
                }
            },
            result,
        }
    }
}
