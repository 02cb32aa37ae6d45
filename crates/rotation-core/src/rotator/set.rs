//! setSecret and testSecret.

use crate::backend::CredentialBackend;
use crate::error::BackendError;
use crate::error::RotationErrorKind;
use crate::live::{Live, LiveIds};
use crate::retire::Retire;
use crate::stages::Verdict;
use crate::store::{AWSCURRENT, AWSPENDING, SecretDescription, SecretStore, StoredVersion, VersionRef};

use super::Outcome;
use super::attempt::{Attempt, Result, decode};
use super::load::Wants;
use super::put::not_compensated;
use super::retire::objection;

const SET: &str = "make the pending credential valid";
const TEST: &str = "prove that the pending credential works";

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn set(&mut self) -> Result<Outcome> {
        let profile = self.backend.profile();
        let snapshot = self
            .load(Wants {
                current: profile.sets,
                pending: true,
                previous: profile.sets && profile.reads_previous,
            })
            .await?;
        let secret = snapshot.description;
        let Verdict::Proceed { current: version } = self.verdict(&secret)? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let stored = self.pending(snapshot.pending).await?;
        if !profile.sets {
            return Ok(Outcome::NothingToSet);
        }
        let pending: B::Credential = decode(AWSPENDING, &stored.value)?;
        let current: B::Credential = decode(AWSCURRENT, &snapshot.current.current(version)?.value)?;
        let previous = snapshot.previous.old_value()?;
        let previous = previous.and_then(|previous| self.readable(&previous));
        let others = [Some(&current), Some(&pending), previous.as_ref()];
        let ids = others.into_iter().flatten().map(|credential| self.id(credential));
        let ids = LiveIds::new(ids).incomplete();
        let live = Live::new(&current, previous.as_ref(), &ids);
        let context = self.context(&secret, self.deadline);
        let call = self.backend.set(&context, &pending, live);
        let result = self.until(self.deadline, SET, call).await?;
        self.unless_rejected(&secret, (&stored, &pending), SET, result)
            .await?;
        Ok(Outcome::Set)
    }

    pub(in crate::rotator) async fn test(&mut self) -> Result<Outcome> {
        let snapshot = self
            .load(Wants {
                pending: true,
                ..Wants::default()
            })
            .await?;
        let secret = snapshot.description;
        let Verdict::Proceed { .. } = self.verdict(&secret)? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let stored = self.pending(snapshot.pending).await?;
        let pending: B::Credential = decode(AWSPENDING, &stored.value)?;
        let context = self.context(&secret, self.deadline);
        let result = self
            .until(self.deadline, TEST, self.backend.test(&context, &pending))
            .await?;
        self.unless_rejected(&secret, (&stored, &pending), TEST, result)
            .await?;
        Ok(Outcome::Tested)
    }

    /// A pending credential that the target rejected for good would block every later rotation:
    /// the same value would be tried again for ever. Its label is released, so that a new rotation
    /// can start, and then it is retired. In that order: once it is retired, the target may no longer
    /// say that it rejects it, and a replay after a crash in between would never get to the release.
    async fn unless_rejected(
        &mut self,
        secret: &SecretDescription,
        (stored, pending): (&StoredVersion, &B::Credential),
        operation: &'static str,
        result: Result<(), BackendError>,
    ) -> Result<()> {
        let Err(source) = result else {
            return Ok(());
        };
        if !source.is_rejected_unapplied() {
            return Err(RotationErrorKind::Backend { operation, source });
        }
        let Some(protected) = self.others_than_pending(secret, stored).await? else {
            return Err(RotationErrorKind::Backend { operation, source });
        };
        if let Some(objection) = objection(self.id(pending).as_deref(), &protected) {
            // Changed in place, it may be in use already, whatever the backend says.
            tracing::warn!(
                objection,
                "the pending credential was rejected, and AWSPENDING is kept on it"
            );
            return Err(RotationErrorKind::Backend { operation, source });
        }
        self.release_pending().await?;
        self.retire(secret, (self.token(), pending), Retire::Rejected, &protected)
            .await
            .map_err(|error| not_compensated(error, Retire::Rejected))?;
        Err(RotationErrorKind::PendingRejected { source })
    }

    /// The ids of all labelled credentials but the pending one; `None` if pending is the copy of
    /// current that a dry run makes.
    async fn others_than_pending(
        &self,
        secret: &SecretDescription,
        pending: &StoredVersion,
    ) -> Result<Option<LiveIds>> {
        let current = self.read(VersionRef::Stage(AWSCURRENT)).await?.value()?;
        let current = current.ok_or(RotationErrorKind::NoCurrentValue)?;
        if current.value == pending.value {
            return Ok(None);
        }
        let labelled = self.labelled(secret, &current.version_id, None).await?;
        let current = decode(AWSCURRENT, &current.value)?;
        Ok(Some(self.live_ids(&current, &labelled)))
    }
}
