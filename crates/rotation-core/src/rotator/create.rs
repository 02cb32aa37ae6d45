//! createSecret.

use std::time::Duration;

use crate::backend::{BackendError, CredentialBackend, Live, LiveIds, Previous, Retire};
use crate::document::SecretValue;
use crate::error::{RotationErrorKind, chain};
use crate::stages::Verdict;
use crate::store::{
    AWSCURRENT, Effect, SecretDescription, SecretStore, StoreError, StoreErrorKind, StoredVersion,
};
use crate::time::Deadline;

use super::attempt::{Attempt, Result, decode};
use super::load::Wants;
use super::{Grace, Outcome};

/// What is kept back of the time, so that what was minted can be stored, or ended again.
const STORE_RESERVE: Duration = Duration::from_secs(2);

/// A look at the labels that is older than this is not one taken right before the put.
const FRESH: Duration = Duration::from_secs(1);

const MAKE: &str = "make the next credential";

/// A credential that was made and is not stored yet.
struct Made<'m, C> {
    credential: C,
    value: SecretValue,
    /// The version that was `AWSCURRENT` when it was made.
    current: &'m str,
    live: &'m LiveIds,
}

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn create(&mut self) -> Result<Outcome> {
        let profile = self.backend.profile();
        let before = self.remaining();
        let snapshot = self
            .load(Wants {
                current: true,
                pending: true,
                previous: profile.previous == Previous::Retired,
            })
            .await?;
        let secret = snapshot.description;
        let Verdict::Proceed { current: version } = self.verdict(&secret)? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let retires = profile.previous == Previous::Retired || self.grace(&secret)? == Grace::None;
        let stored = snapshot.current.current(version)?;
        if let Some(pending) = snapshot.pending.value()? {
            return self.already_stored(&stored, &pending).await;
        }
        let current: B::Credential = decode(AWSCURRENT, &stored.value)?;
        let labelled = match retires {
            true => {
                self.labelled(&secret, version, snapshot.previous.value()?)
                    .await?
            }
            false => Vec::new(),
        };
        if retires {
            self.enough_time(profile.create_budget, "retire the previous credential")?;
            self.retire_falling_off(&secret, &current, &labelled).await?;
        }
        self.enough_time(profile.create_budget, MAKE)?;
        let live = self.live_ids(&current, &labelled);
        let previous = labelled.iter().find(|other| other.is_previous);
        let previous = previous.and_then(|other| other.credential.as_ref());
        let credential = self.make(&secret, Live::new(&current, previous, &live)).await?;
        let made = match stored.value.overlay(&current, &credential) {
            Ok(value) => Made {
                credential,
                value,
                current: version,
                live: &live,
            },
            Err(source) => {
                let failure = RotationErrorKind::Document {
                    stage: AWSCURRENT,
                    source,
                };
                return Err(self.undo(&secret, &credential, &live, failure).await);
            }
        };
        if made.value == stored.value {
            // Nothing was made, so there is nothing to undo.
            let source =
                BackendError::misconfigured("it returned the current credential as the next; a bug in it");
            return Err(RotationErrorKind::Backend {
                operation: MAKE,
                source,
            });
        }
        let looked_long_ago = before.saturating_sub(self.remaining()) > FRESH;
        if (profile.mints || looked_long_ago)
            && let Err(failure) = self.look_again(made.current).await
        {
            return Err(self.undo(&secret, &made.credential, &live, failure).await);
        }
        self.put(&secret, &made).await
    }

    /// A value is stored for this token. It is an earlier try's, unless it is the copy of current
    /// that a dry run makes and, having failed, may leave behind.
    async fn already_stored(&self, current: &StoredVersion, pending: &StoredVersion) -> Result<Outcome> {
        if pending.value != current.value {
            return Ok(Outcome::AlreadyStored);
        }
        self.release_pending().await?;
        Err(RotationErrorKind::DryRunLeftover)
    }

    pub(super) async fn release_pending(&self) -> Result<()> {
        let release = self.store.release_pending(self.secret(), self.token());
        self.store("release AWSPENDING", release).await
    }

    /// Refuses to start what cannot be undone when it could not be seen through.
    fn enough_time(&self, budget: Duration, doing: &'static str) -> Result<()> {
        match self.remaining() < budget {
            true => Err(RotationErrorKind::OutOfTime { doing }),
            false => Ok(()),
        }
    }

    pub(super) async fn test_current(
        &self,
        secret: &SecretDescription,
        current: &B::Credential,
    ) -> Result<()> {
        let deadline = self.create_deadline();
        let context = self.context(secret, deadline);
        self.until(
            deadline,
            "test the AWSCURRENT credential",
            self.backend.test(&context, current),
        )
        .await?
        .map_err(|source| RotationErrorKind::CurrentBroken { source })
    }

    async fn make(&self, secret: &SecretDescription, live: Live<'_, B::Credential>) -> Result<B::Credential> {
        let deadline = self.create_deadline();
        let context = self.context(secret, deadline);
        self.backend(MAKE, deadline, self.backend.create(&context, live))
            .await
    }

    fn create_deadline(&self) -> Deadline {
        match self.backend.profile().mints {
            true => self.deadline.less(STORE_RESERVE),
            false => self.deadline,
        }
    }

    /// The labels, once more: minting took time, and a put on old labels would take `AWSPENDING`
    /// from whoever has it now.
    async fn look_again(&self, current: &str) -> Result<()> {
        let secret = self.describe().await?;
        match self.verdict(&secret)? {
            Verdict::Proceed { current: now } if now == current => Ok(()),
            _ => Err(RotationErrorKind::LabelsMoved),
        }
    }

    async fn put(&mut self, secret: &SecretDescription, made: &Made<'_, B::Credential>) -> Result<Outcome> {
        let put = self.store.put_pending(
            self.secret(),
            self.token(),
            &made.value,
            self.event.rotation_token(),
        );
        // Out of time in here leaves the outcome unknown: nothing is retired.
        match self.until(self.deadline, "store the pending value", put).await? {
            Ok(()) => Ok(Outcome::Created),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                self.lost_to_another(secret, made, error).await
            }
            Err(error) if error.effect() == Effect::Unknown => self.find_out(secret, made, error).await,
            Err(source) => {
                let failure = RotationErrorKind::Store {
                    operation: "store the pending value",
                    source,
                };
                Err(self.undo(secret, &made.credential, made.live, failure).await)
            }
        }
    }

    /// The token has another value: an overlapping invocation stored its credential first. Ours
    /// is ended, once the stored one is known not to be the same.
    async fn lost_to_another(
        &mut self,
        secret: &SecretDescription,
        made: &Made<'_, B::Credential>,
        conflict: StoreError,
    ) -> Result<Outcome> {
        match self.read_pending().await? {
            Some(stored) if stored.value == made.value => Ok(Outcome::Created),
            Some(stored) => self.yield_to(secret, made, &stored).await,
            None => Err(RotationErrorKind::Store {
                operation: "store the pending value",
                source: conflict,
            }),
        }
    }

    /// The answer to the put was lost: it is stored, or another is, or nothing is to be seen. In
    /// the last case it may still appear, so nothing is ended, and the replay reconciles.
    async fn find_out(
        &mut self,
        secret: &SecretDescription,
        made: &Made<'_, B::Credential>,
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
        made: &Made<'_, B::Credential>,
        stored: &StoredVersion,
    ) -> Result<Outcome> {
        if !self.backend.profile().mints {
            return Ok(Outcome::AlreadyStored);
        }
        let winner = self.readable(stored).and_then(|credential| self.id(&credential));
        if winner.is_none() || winner == self.id(&made.credential) {
            // Which of the two is the stored one cannot be told; the next rotation will know.
            tracing::warn!(
                "another invocation stored its credential first, and ours was kept: their ids do not differ"
            );
            return Ok(Outcome::AlreadyStored);
        }
        let ours = (self.token(), &made.credential);
        self.retire(secret, ours, Retire::NotStored, made.live)
            .await
            .map_err(not_compensated)?;
        Ok(Outcome::AlreadyStored)
    }

    /// Ends what was minted and is certainly not stored. Returns the failure to report.
    async fn undo(
        &mut self,
        secret: &SecretDescription,
        made: &B::Credential,
        live: &LiveIds,
        failure: RotationErrorKind,
    ) -> RotationErrorKind {
        if !self.backend.profile().mints {
            return failure;
        }
        match self
            .retire(secret, (self.token(), made), Retire::NotStored, live)
            .await
        {
            Ok(_) => failure,
            Err(error) => {
                tracing::warn!(error = chain(&failure), "the new credential was not stored");
                not_compensated(error)
            }
        }
    }
}

fn not_compensated(error: RotationErrorKind) -> RotationErrorKind {
    match error {
        RotationErrorKind::Backend { source, .. } => RotationErrorKind::NotCompensated {
            reason: Retire::NotStored,
            source,
        },
        other => other,
    }
}
