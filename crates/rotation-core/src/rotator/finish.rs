//! finishSecret.

use std::time::Duration;

use crate::backend::{CredentialBackend, LiveIds, Retire};
use crate::error::{RotationErrorKind, StillLive};
use crate::stages::Verdict;
use crate::store::{
    AWSCURRENT, AWSPREVIOUS, Effect, SecretDescription, SecretStore, StoreError, StoreErrorKind,
    StoredVersion, VersionRef,
};

use super::attempt::{Attempt, Result, decode};
use super::load::Wants;
use super::{Grace, Outcome};

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn finish(&mut self) -> Result<Outcome> {
        let secret = self.load(Wants::default()).await?.description;
        let verdict = self.verdict(&secret)?;
        let grace = self.grace(&secret)?;
        let (outcome, superseded) = match verdict {
            Verdict::Proceed { current } => {
                self.promote(current).await?;
                (Outcome::Promoted, Some(current))
            }
            Verdict::ResumeCleanUp | Verdict::AlreadyCurrent => {
                (Outcome::AlreadyCurrent, secret.version_with(AWSPREVIOUS))
            }
        };
        if grace == Grace::None
            && let Some(superseded) = superseded
        {
            self.retire_superseded(&secret, superseded)
                .await
                .map_err(|cause| RotationErrorKind::SupersededStillLive { cause })?;
        }
        Ok(outcome)
    }

    /// Moves `AWSCURRENT` from `current` to the token, by compare-and-swap. When that fails or its
    /// answer is lost, the labels tell whether an earlier or overlapping call did it.
    async fn promote(&self, current: &str) -> Result<()> {
        let promote = self.store.promote(self.secret(), self.token(), current);
        let Err(error) = self.until(self.deadline, "move AWSCURRENT", promote).await? else {
            return Ok(());
        };
        let moved = error.kind() == StoreErrorKind::StageMismatch;
        if moved || error.effect() == Effect::Unknown {
            let secret = self.describe().await?;
            match self.verdict(&secret)? {
                Verdict::ResumeCleanUp | Verdict::AlreadyCurrent => return Ok(()),
                Verdict::Proceed { .. } if moved => return Err(RotationErrorKind::LabelsMoved),
                Verdict::Proceed { .. } => {}
            }
        }
        Err(RotationErrorKind::Store {
            operation: "move AWSCURRENT",
            source: error,
        })
    }

    async fn retire_superseded(
        &mut self,
        secret: &SecretDescription,
        version: &str,
    ) -> Result<(), StillLive> {
        if !secret.replicas.is_empty() {
            self.replicas_in_sync().await?;
        }
        let read = async {
            tokio::try_join!(
                self.read(VersionRef::Id(version)),
                self.read(VersionRef::Id(self.token()))
            )
        };
        let (superseded, current) = read.await.map_err(still_live)?;
        let (superseded, current) = (self.credential(superseded)?, self.credential(current)?);
        let protected = LiveIds::new([self.id(&current)]);
        let unidentified = self.id(&superseded).is_none() || self.id(&current).is_none();
        if unidentified {
            return Err(StillLive::Unidentified);
        }
        self.retire(secret, (version, &superseded), Retire::Superseded, &protected)
            .await
            .map(|_| ())
            .map_err(still_live)
    }

    /// Both were `AWSCURRENT`, so a value that is not there is one that is not to be seen yet.
    fn credential(&self, stored: Option<StoredVersion>) -> Result<B::Credential, StillLive> {
        let not_seen =
            || StoreError::not_applied(StoreErrorKind::NotFound, "the version's value is not to be seen");
        let stored = stored.ok_or_else(not_seen).map_err(StillLive::Store)?;
        decode(AWSCURRENT, &stored.value).map_err(still_live)
    }

    /// Waits until every replica has the new value, as long as the time allows.
    async fn replicas_in_sync(&self) -> Result<(), StillLive> {
        let mut pause = Duration::from_millis(500);
        loop {
            let secret = self.describe().await.map_err(still_live)?;
            let Some(behind) = secret.replicas.into_iter().find(|replica| !replica.in_sync) else {
                return Ok(());
            };
            if pause >= self.remaining() {
                return Err(StillLive::ReplicaBehind {
                    region: behind.region,
                });
            }
            self.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}

fn still_live(error: RotationErrorKind) -> StillLive {
    match error {
        RotationErrorKind::Backend { source, .. } => StillLive::Backend(source),
        RotationErrorKind::Store { source, .. } => StillLive::Store(source),
        RotationErrorKind::Document { source, .. } => StillLive::Document(source),
        _ => StillLive::OutOfTime,
    }
}
