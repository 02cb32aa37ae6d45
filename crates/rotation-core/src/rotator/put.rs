//! createSecret's put, and what follows when it fails.

use crate::backend::{CredentialBackend, LiveIds, Retire};
use crate::error::{RotationErrorKind, chain};
use crate::store::{
    Effect, SecretDescription, SecretStore, StoreError, StoreErrorKind, StoredVersion, VersionRef,
};

use super::Outcome;
use super::attempt::{Attempt, Result};
use super::create::Made;
use super::load::Read;

const PUT: &str = "store the pending value";

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(super) async fn put(
        &mut self,
        secret: &SecretDescription,
        made: &Made<B::Credential>,
    ) -> Result<Outcome> {
        let (token, rotation_token) = (self.token(), self.event.rotation_token());
        let put = self
            .store
            .put_pending(self.secret(), token, &made.value, rotation_token);
        // Out of time in here leaves the outcome unknown: nothing is retired.
        match self.until(self.deadline, PUT, put).await? {
            Ok(()) => Ok(Outcome::Created),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                self.lost_to_another(secret, made, error).await
            }
            Err(error) if error.effect() == Effect::Unknown => self.find_out(secret, made, error).await,
            Err(source) => {
                let failure = RotationErrorKind::Store {
                    operation: PUT,
                    source,
                };
                Err(self.undo(secret, &made.credential, &made.live, failure).await)
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
        match self.stored_under_token().await {
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
        match self.read_pending().await {
            Ok(Some(stored)) if stored.value == made.value => Ok(Outcome::Created),
            Ok(Some(stored)) => self.yield_to(secret, made, &stored).await,
            Ok(None) | Err(_) => Err(RotationErrorKind::StoreUnknown { source: lost }),
        }
    }

    async fn yield_to(
        &mut self,
        secret: &SecretDescription,
        made: &Made<B::Credential>,
        stored: &StoredVersion,
    ) -> Result<Outcome> {
        if !self.backend.profile().mints {
            return Ok(Outcome::AlreadyStored);
        }
        let winner = self.readable(stored).and_then(|credential| self.id(&credential));
        if winner.is_none() || winner == self.id(&made.credential) {
            // Which of the two is the stored one cannot be told; the next rotation will know.
            tracing::warn!(
                "another invocation stored its credential first; ours was kept, for their ids do not differ"
            );
            return Ok(Outcome::AlreadyStored);
        }
        let ours = (self.token(), &made.credential);
        self.retire(secret, ours, Retire::NotStored, &made.live)
            .await
            .map_err(|error| not_compensated(error, Retire::NotStored))?;
        Ok(Outcome::AlreadyStored)
    }

    /// Ends what was minted and is certainly not stored by this call. An overlapping one may have
    /// stored a credential of the same id, where the target hands out one for the same token: then,
    /// or if that cannot be seen, it is left alone. Returns the failure to report.
    pub(super) async fn undo(
        &mut self,
        secret: &SecretDescription,
        made: &B::Credential,
        live: &LiveIds,
        failure: RotationErrorKind,
    ) -> RotationErrorKind {
        if !self.backend.profile().mints {
            return failure;
        }
        let id = self.id(made);
        match self
            .read(VersionRef::Id(self.token()))
            .await
            .and_then(Read::value)
        {
            Ok(None) => {}
            Ok(Some(stored)) if self.readable(&stored).and_then(|stored| self.id(&stored)) != id => {}
            Ok(Some(_)) => return failure,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    id,
                    "the new credential was not stored, and is left to the next rotation"
                );
                return failure;
            }
        }
        match self
            .retire(secret, (self.token(), made), Retire::NotStored, live)
            .await
        {
            Ok(()) => failure,
            Err(error) => {
                tracing::warn!(error = chain(&failure), "the new credential was not stored");
                not_compensated(error, Retire::NotStored)
            }
        }
    }
}

pub(super) fn not_compensated(error: RotationErrorKind, reason: Retire) -> RotationErrorKind {
    match error {
        RotationErrorKind::Backend { source, .. } => RotationErrorKind::NotCompensated { reason, source },
        other => other,
    }
}
