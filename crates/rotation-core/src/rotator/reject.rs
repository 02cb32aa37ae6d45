//! What follows when the target rejects the pending credential for good.

use crate::backend::CredentialBackend;
use crate::error::{BackendError, RotationErrorKind};
use crate::live::LiveIds;
use crate::retire::Retire;
use crate::store::{AWSCURRENT, SecretDescription, SecretStore, StoredVersion, VersionRef};

use super::attempt::{Attempt, decode, not_compensated};
use super::calls::Result;
use super::labelled::{live_ids, objection};

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    /// Fails the step if the backend failed, and gives the pending version up if the target rejected
    /// its credential for good.
    ///
    /// Such a credential would block every later rotation: the same value would be tried again for
    /// ever. Its label is released, so that a new rotation can start, and then it is retired. In that
    /// order: once it is retired, the target may no longer say that it rejects it, and a replay after a
    /// crash in between would never get to the release.
    pub(super) async fn give_up_if_rejected(
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
        self.calls.release_pending().await?;
        self.end(secret, (self.token(), pending), Retire::Rejected)
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
        let current = self.calls.read(VersionRef::Stage(AWSCURRENT)).await?.value()?;
        let current = current.ok_or(RotationErrorKind::NoCurrentValue)?;
        if current.value == pending.value {
            return Ok(None);
        }
        let labelled = self.labelled(secret, &current.version_id, None).await?;
        let current = decode(AWSCURRENT, &current.value)?;
        Ok(Some(live_ids(self.id(&current), &labelled)))
    }
}
