//! finishSecret.

use std::time::Duration;

use crate::backend::CredentialBackend;
use crate::error::{RotationErrorKind, StillLive};
use crate::live::LiveIds;
use crate::retire::Retire;
use crate::stages::Verdict;
use crate::store::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, Effect, ReplicaStatus, SecretDescription, SecretStore,
    StoreErrorKind, StoredVersion, VersionRef,
};

use super::attempt::{Attempt, decode};
use super::calls::{PROMOTE, Result};
use super::decide::is_old;
use super::grace::Grace;
use super::labelled::objection;
use super::report::Outcome;

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn finish(&mut self) -> Result<Outcome> {
        let secret = self.calls.describe().await?;
        let verdict = self.verdict(&secret)?;
        let grace = self.grace(&secret)?;
        let (outcome, superseded) = match verdict {
            Verdict::Proceed { current } => {
                self.promote(current).await?;
                (Outcome::Promoted, Some(current))
            }
            Verdict::AlreadyCurrent => (Outcome::AlreadyCurrent, secret.version_with(AWSPREVIOUS)),
        };
        if grace == Grace::None
            && let Some(superseded) = superseded
        {
            self.clean_up(&secret, superseded).await?;
        }
        Ok(outcome)
    }

    /// Moves `AWSCURRENT` from `current` to the token, by compare-and-swap. When that fails or its
    /// answer is lost, the labels tell whether an earlier or overlapping call did it.
    async fn promote(&self, current: &str) -> Result<()> {
        let Err(error) = self.calls.promote(current).await? else {
            return Ok(());
        };
        let moved = error.kind() == StoreErrorKind::StageMismatch;
        if moved || error.effect() == Effect::Unknown {
            let secret = self.calls.describe().await?;
            match self.verdict(&secret)? {
                Verdict::AlreadyCurrent => return Ok(()),
                Verdict::Proceed { .. } if moved => return Err(RotationErrorKind::LabelsMoved),
                Verdict::Proceed { .. } => {}
            }
        }
        Err(RotationErrorKind::Store {
            operation: PROMOTE,
            source: error,
        })
    }

    /// Retires the superseded credential. If another version is pending already, this is a late
    /// delivery, and the credential may be the one that is rotated in (a user that alternates): it
    /// is left to that rotation.
    async fn clean_up(&mut self, secret: &SecretDescription, superseded: &str) -> Result<()> {
        let in_sync = match secret.replicas.is_empty() {
            true => None,
            false => Some(self.replicas_in_sync(superseded).await?),
        };
        let secret = in_sync.as_ref().unwrap_or(secret);
        let pending = secret.version_with(AWSPENDING);
        if pending.is_some_and(|pending| pending != self.token()) {
            let cause = StillLive::NextUnderWay;
            return Err(RotationErrorKind::SupersededStillLive { cause });
        }
        self.retire_superseded(secret, superseded)
            .await
            .map_err(still_live)
    }

    async fn retire_superseded(&mut self, secret: &SecretDescription, version: &str) -> Result<()> {
        let (superseded, current) = self.after_promotion(version).await?;
        let superseded: B::Credential = decode(AWSPREVIOUS, &superseded.value)?;
        let current: B::Credential = decode(AWSCURRENT, &current.value)?;
        if self.id(&superseded).is_none() || self.id(&current).is_none() {
            let cause = StillLive::Unidentified;
            return Err(RotationErrorKind::SupersededStillLive { cause });
        }
        let protected = LiveIds::new([self.id(&current)]);
        if objection(self.id(&superseded).as_deref(), &protected).is_none() {
            // This may be a promotion that arrived late, of a credential that another rotation has ended since.
            self.prove_current(secret, &current, self.calls.deadline())
                .await?;
        }
        self.end_unless_protected(secret, (version, &superseded), Retire::Superseded, &protected)
            .await
    }

    /// The superseded value and the current one, each read by its label, too: somebody may have
    /// gone back. Read again for a moment if the labels are not to be seen yet, or if the reads took
    /// long enough for that.
    async fn after_promotion(&self, superseded: &str) -> Result<(StoredVersion, StoredVersion)> {
        for pause in [100, 400, 1600, 0].map(Duration::from_millis) {
            let began = self.calls.elapsed();
            let previous = self.calls.read(VersionRef::IdAndStage(superseded, AWSPREVIOUS));
            let current = self.calls.read(VersionRef::IdAndStage(self.token(), AWSCURRENT));
            let (previous, current) = tokio::try_join!(previous, current)?;
            let old = is_old(began, self.calls.elapsed());
            match (previous.value(), current.value()) {
                (Ok(Some(previous)), Ok(Some(current))) if !old => return Ok((previous, current)),
                (Err(error), _) | (_, Err(error)) if !matches!(error, RotationErrorKind::LabelsMoved) => {
                    return Err(error);
                }
                _ => self.calls.sleep(pause.min(self.calls.remaining())).await,
            }
        }
        Err(RotationErrorKind::LabelsMoved)
    }

    /// Waits until every replica has the new value, as long as the time allows. The labels must
    /// stay as the promotion left them: somebody may go back in the meantime.
    async fn replicas_in_sync(&self, superseded: &str) -> Result<SecretDescription> {
        let mut pause = Duration::from_millis(500);
        loop {
            let secret = self.calls.describe().await.map_err(still_live)?;
            let current = secret.version_with(AWSCURRENT) == Some(self.token());
            if !current || secret.version_with(AWSPREVIOUS) != Some(superseded) {
                return Err(RotationErrorKind::LabelsMoved);
            }
            let behind = |status| {
                let mut replicas = secret.replicas.iter();
                let replica = replicas.find(|replica| replica.status == status);
                replica.map(|replica| replica.region.clone())
            };
            let cause = match (behind(ReplicaStatus::Failed), behind(ReplicaStatus::Behind)) {
                (None, None) => return Ok(secret),
                (Some(region), _) => StillLive::ReplicaFailed { region },
                (None, Some(region)) if pause >= self.calls.remaining() => {
                    StillLive::ReplicaBehind { region }
                }
                (None, Some(_)) => {
                    self.calls.sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                    continue;
                }
            };
            return Err(RotationErrorKind::SupersededStillLive { cause });
        }
    }
}

/// A failure after the promotion: the rotation happened all the same.
fn still_live(error: RotationErrorKind) -> RotationErrorKind {
    let cause = match error {
        RotationErrorKind::Backend { source, .. } => StillLive::Backend(source),
        RotationErrorKind::Store { source, .. } => StillLive::Store(source),
        RotationErrorKind::Document { source, .. } => StillLive::Document(source),
        RotationErrorKind::OutOfTime { .. } => StillLive::OutOfTime,
        other => return other,
    };
    RotationErrorKind::SupersededStillLive { cause }
}
