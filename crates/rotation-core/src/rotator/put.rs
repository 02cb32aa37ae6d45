//! createSecret's put, and what follows it: `after_put` (`decide.rs`) says whether that is nothing,
//! `lost_to_another`, `find_out` or `undo`.

use std::time::Duration;

use crate::backend::CredentialBackend;
use crate::error::{RotationErrorKind, chain};
use crate::live::LiveIds;
use crate::retire::Retire;
use crate::store::{SecretDescription, SecretStore, StoreError, StoredVersion, VersionRef};

use super::attempt::{Attempt, not_compensated};
use super::calls::{PUT, Result};
use super::decide::{AfterPut, UnderToken, after_put, looks_before_put, may_be_ended};
use super::made::Made;
use super::read::Read;
use super::report::Outcome;

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    /// Stores what was made, if the labels are as they were at `looked`.
    pub(super) async fn put(
        &mut self,
        secret: &SecretDescription,
        looked: Duration,
        made: &Made<B::Credential>,
    ) -> Result<Outcome> {
        let ours = (&made.credential, &made.protected);
        if looks_before_put(self.profile().mints, looked, self.calls.elapsed())
            && let Err(failure) = self.labels_unmoved(secret).await
        {
            return Err(self.undo(secret, ours, failure).await);
        }
        // Out of time in here leaves the outcome unknown: nothing is retired.
        match after_put(self.calls.put_pending(&made.value).await?) {
            AfterPut::Done => Ok(Outcome::Created),
            AfterPut::ReadTheOther(conflict) => self.lost_to_another(secret, made, conflict).await,
            AfterPut::FindOut(lost) => self.find_out(secret, made, lost).await,
            AfterPut::Undo(source) => {
                let operation = PUT;
                let failure = RotationErrorKind::Store { operation, source };
                Err(self.undo(secret, ours, failure).await)
            }
        }
    }

    /// The token has another value: an overlapping invocation stored its credential first. Ours
    /// is ended, once the stored one is known not to be the same.
    async fn lost_to_another(
        &mut self,
        secret: &SecretDescription,
        made: &Made<B::Credential>,
        conflict: StoreError,
    ) -> Result<Outcome> {
        match self.calls.await_stored().await {
            Ok(Some(stored)) => self.yield_to(secret, made, &stored).await,
            Ok(None) | Err(_) => Err(RotationErrorKind::LostRace { source: conflict }),
        }
    }

    /// The answer to the put was lost: it is stored, or another is, or nothing is to be seen. In
    /// the last case it may still appear, so nothing is ended, and the replay reconciles.
    async fn find_out(
        &mut self,
        secret: &SecretDescription,
        made: &Made<B::Credential>,
        lost: StoreError,
    ) -> Result<Outcome> {
        match self.calls.read_pending().await {
            Ok(Some(stored)) if stored.value == made.value => Ok(Outcome::Created),
            Ok(Some(stored)) => self.yield_to(secret, made, &stored).await,
            Ok(None) | Err(_) => Err(RotationErrorKind::StoreUnknown { source: lost }),
        }
    }

    /// Another value is stored for this token, and the rotation goes on with that one.
    async fn yield_to(
        &mut self,
        secret: &SecretDescription,
        made: &Made<B::Credential>,
        stored: &StoredVersion,
    ) -> Result<Outcome> {
        if !self.profile().mints {
            return Ok(Outcome::AlreadyStored);
        }
        if self.may_end(&made.credential, Some(stored)) {
            self.end_unstored(secret, (&made.credential, &made.protected))
                .await?;
        } else {
            tracing::warn!(
                "another invocation stored its credential first; ours was kept, it may be the same"
            );
        }
        Ok(Outcome::AlreadyStored)
    }

    /// Ends what was minted and is certainly not stored by this call, unless an overlapping one has
    /// stored what may be the same. Returns the failure to report.
    pub(super) async fn undo(
        &mut self,
        secret: &SecretDescription,
        (credential, protected): (&B::Credential, &LiveIds),
        failure: RotationErrorKind,
    ) -> RotationErrorKind {
        if !self.profile().mints {
            return failure;
        }
        let under_token = self.calls.read(VersionRef::Id(self.token())).await;
        let ends = match under_token.and_then(Read::value) {
            Ok(stored) => self.may_end(credential, stored.as_ref()),
            Err(_) => may_be_ended(self.id(credential).as_deref(), UnderToken::NotKnown),
        };
        if !ends {
            let id = self.id(credential);
            tracing::warn!(
                id,
                "the new credential was not stored, and is left to the next rotation"
            );
            return failure;
        }
        match self.end_unstored(secret, (credential, protected)).await {
            Ok(()) => failure,
            Err(error) => {
                tracing::warn!(error = chain(&failure), "the new credential was not stored");
                error
            }
        }
    }

    /// Whether ours may be ended, given what is stored under the token.
    fn may_end(&self, ours: &B::Credential, stored: Option<&StoredVersion>) -> bool {
        let stored_id = |stored: &StoredVersion| self.readable(stored).and_then(|stored| self.id(&stored));
        let id = stored.and_then(stored_id);
        let under_token = match stored {
            None => UnderToken::Nothing,
            Some(_) => UnderToken::Credential(id.as_deref()),
        };
        may_be_ended(self.id(ours).as_deref(), under_token)
    }

    async fn end_unstored(
        &mut self,
        secret: &SecretDescription,
        (credential, protected): (&B::Credential, &LiveIds),
    ) -> Result<()> {
        let ours = (self.token(), credential);
        self.end_unless_protected(secret, ours, Retire::NotStored, protected)
            .await
            .map_err(|error| not_compensated(error, Retire::NotStored))
    }
}
