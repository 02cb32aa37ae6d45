//! createSecret's put, and what follows when it fails.

use crate::backend::CredentialBackend;
use crate::error::{RotationErrorKind, chain};
use crate::live::LiveIds;
use crate::retire::Retire;
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
        if self.is_another(stored, &made.credential) {
            self.end(secret, &made.credential, &made.live).await?;
        } else {
            tracing::warn!(
                "another invocation stored its credential first; ours was kept, it may be the same"
            );
        }
        Ok(Outcome::AlreadyStored)
    }

    /// Ends what was minted and is certainly not stored by this call, unless an overlapping one has
    /// stored what may be the same, where the target hands out one credential for one token. Returns
    /// the failure to report.
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
        let stored = self
            .read(VersionRef::Id(self.token()))
            .await
            .and_then(Read::value);
        let kept = match stored {
            Ok(stored) => stored.is_some_and(|stored| !self.is_another(&stored, made)),
            Err(_) => true,
        };
        if kept {
            let id = self.id(made);
            tracing::warn!(
                id,
                "the new credential was not stored, and is left to the next rotation"
            );
            return failure;
        }
        match self.end(secret, made, live).await {
            Ok(()) => failure,
            Err(error) => {
                tracing::warn!(error = chain(&failure), "the new credential was not stored");
                error
            }
        }
    }

    /// Whether what is stored is certainly another credential than this: their ids differ.
    fn is_another(&self, stored: &StoredVersion, made: &B::Credential) -> bool {
        let stored = self.readable(stored).and_then(|stored| self.id(&stored));
        stored.is_some() && stored != self.id(made)
    }

    async fn end(&mut self, secret: &SecretDescription, made: &B::Credential, live: &LiveIds) -> Result<()> {
        self.retire(secret, (self.token(), made), Retire::NotStored, live)
            .await
            .map_err(|error| not_compensated(error, Retire::NotStored))
    }
}

pub(super) fn not_compensated(error: RotationErrorKind, reason: Retire) -> RotationErrorKind {
    match error {
        RotationErrorKind::Backend { source, .. } => RotationErrorKind::NotCompensated { reason, source },
        other => other,
    }
}
