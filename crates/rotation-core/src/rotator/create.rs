//! createSecret.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::backend::CredentialBackend;
use crate::document::{DocumentError, SecretValue};
use crate::error::BackendError;
use crate::error::RotationErrorKind;
use crate::live::{Live, LiveIds};
use crate::retire::{Retire, Retirement};
use crate::stages::Verdict;
use crate::store::{AWSCURRENT, SecretDescription, SecretStore, StoredVersion};
use crate::time::Deadline;

use super::attempt::{Attempt, Result, decode};
use super::load::Wants;
use super::retire::{Labelled, objection};
use super::{FRESH, Grace, Outcome};

/// What is kept back of the time, so that what was minted can be stored, or ended again.
const STORE_RESERVE: Duration = Duration::from_secs(2);

const MAKE: &str = "make the next credential";
const RETIRE: &str = "retire the AWSPREVIOUS credential";

/// What the next credential is made from.
pub(super) struct Base<C> {
    pub(super) secret: SecretDescription,
    /// When the last look at the labels began, on the monotonic clock.
    pub(super) looked: Duration,
    pub(super) stored: StoredVersion,
    current: C,
    labelled: Vec<Labelled<C>>,
}

/// A credential that was made and is not stored yet.
pub(super) struct Made<C> {
    pub(super) credential: C,
    pub(super) value: SecretValue,
    pub(super) live: LiveIds,
}

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn create(&mut self) -> Result<Outcome> {
        let retires = self.backend.profile().retires_previous;
        let snapshot = self
            .load(Wants {
                current: true,
                pending: true,
                previous: retires,
            })
            .await?;
        let secret = snapshot.description;
        let Verdict::Proceed { current: version } = self.verdict(&secret)? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let retires = self.grace(&secret)? == Grace::None || retires;
        let stored = snapshot.current.current(version)?;
        if let Some(pending) = snapshot.pending.value()? {
            return self.already_stored(&stored, &pending).await;
        }
        let current: B::Credential = decode(AWSCURRENT, &stored.value)?;
        // What cannot be written back is found out before anything is retired or minted.
        stored.value.overlay(&current, &current).map_err(unwritable)?;
        let labelled = if retires {
            let previous = snapshot.previous.old_value()?;
            self.labelled(&secret, version, previous).await?
        } else {
            Vec::new()
        };
        let looked = snapshot.at;
        let mut base = Base {
            secret,
            looked,
            stored,
            current,
            labelled,
        };
        if retires && let Some(outcome) = self.retire_falling_off(&mut base).await? {
            return Ok(outcome);
        }
        self.make_and_store(base, retires).await
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

    /// Retires what is about to lose its last label, after the current credential has proved that
    /// it works: an operator may have stored a broken one, and then the previous is the way back.
    async fn retire_falling_off(&mut self, base: &mut Base<B::Credential>) -> Result<Option<Outcome>> {
        let Some(falling) = base.labelled.iter().find(|other| other.falls_off) else {
            return Ok(None);
        };
        let others = base
            .labelled
            .iter()
            .filter(|other| other.version != falling.version);
        let protected = self.live_ids(&base.current, others);
        let Some(credential) = &falling.credential else {
            let kept = Retirement::kept("its value cannot be read, so it counts as live");
            self.put_down(&falling.version, None, Retire::FallingOff, kept);
            return Ok(None);
        };
        let id = self.id(credential);
        if !protected.all_identified() {
            let kept = Retirement::kept("a labelled version's credential has no id, and may be this one");
            self.put_down(&falling.version, id, Retire::FallingOff, kept);
            return Ok(None);
        }
        if objection(id.as_deref(), &protected).is_none() {
            self.enough_time(RETIRE)?;
            self.test_current(&base.secret, &base.current, self.create_deadline())
                .await?;
            // The test may have taken its time, and somebody may have gone back to the previous.
            if let Some(outcome) = self
                .unless_fresh(&base.secret, &base.stored, &mut base.looked)
                .await?
            {
                return Ok(Some(outcome));
            }
            self.enough_time(RETIRE)?;
        }
        let falling = (falling.version.as_str(), credential);
        self.retire(&base.secret, falling, Retire::FallingOff, &protected)
            .await?;
        Ok(None)
    }

    async fn make_and_store(&mut self, mut base: Base<B::Credential>, complete: bool) -> Result<Outcome> {
        if let Some(outcome) = self
            .unless_fresh(&base.secret, &base.stored, &mut base.looked)
            .await?
        {
            return Ok(outcome);
        }
        self.enough_time(MAKE)?;
        let live = self.live_ids(&base.current, &base.labelled);
        let live = if complete { live } else { live.incomplete() };
        let previous = base.labelled.iter().find(|other| other.is_previous);
        let previous = previous.and_then(|other| other.credential.as_ref());
        let credential = self
            .make(&base.secret, Live::new(&base.current, previous, &live))
            .await?;
        let value = match base.stored.value.overlay(&base.current, &credential) {
            Ok(value) if value == base.stored.value => {
                // Nothing was made, so there is nothing to undo.
                let bug = "it returned the current credential as the next; a bug in it";
                let source = BackendError::misconfigured(bug);
                return Err(RotationErrorKind::Backend {
                    operation: MAKE,
                    source,
                });
            }
            Ok(value) => value,
            Err(error) => {
                return Err(self
                    .undo(&base.secret, &credential, &live, unwritable(error))
                    .await);
            }
        };
        let made = Made {
            credential,
            value,
            live,
        };
        // Minting took time: a put on old labels would take `AWSPENDING` from whoever has it now.
        let stale = self.elapsed().saturating_sub(base.looked) > FRESH;
        if (self.backend.profile().mints || stale)
            && let Err(failure) = self.look_again(&base.secret).await
        {
            return Err(self
                .undo(&base.secret, &made.credential, &made.live, failure)
                .await);
        }
        self.put(&base.secret, &made).await
    }

    /// Refuses to start what cannot be undone when it could not be seen through.
    fn enough_time(&self, doing: &'static str) -> Result<()> {
        if self.remaining() < self.backend.profile().create_budget {
            return Err(RotationErrorKind::OutOfTime { doing });
        }
        Ok(())
    }

    /// Before what could be a way back is ended: an operator may have stored a broken current.
    pub(super) async fn test_current(
        &self,
        secret: &SecretDescription,
        current: &B::Credential,
        deadline: Deadline,
    ) -> Result<()> {
        let context = self.context(secret, deadline);
        let test = self.backend.test(&context, current);
        self.until(deadline, "test the AWSCURRENT credential", test)
            .await?
            .map_err(|source| RotationErrorKind::CurrentBroken { source })
    }

    async fn make(&self, secret: &SecretDescription, live: Live<'_, B::Credential>) -> Result<B::Credential> {
        let deadline = self.create_deadline();
        let context = self.context(secret, deadline);
        let create = self.backend.create(&context, live);
        self.backend(MAKE, deadline, create).await
    }

    fn create_deadline(&self) -> Deadline {
        if self.backend.profile().mints {
            self.deadline.less(STORE_RESERVE)
        } else {
            self.deadline
        }
    }

    /// Looks again if the last look is old: the labels must be the same, and if an overlapping
    /// invocation has stored a value by now, there is nothing left to do.
    async fn unless_fresh(
        &self,
        secret: &SecretDescription,
        current: &StoredVersion,
        looked: &mut Duration,
    ) -> Result<Option<Outcome>> {
        if self.elapsed().saturating_sub(*looked) <= FRESH {
            return Ok(None);
        }
        let began = self.elapsed();
        let (_, pending) = tokio::try_join!(self.look_again(secret), self.read_pending())?;
        *looked = began;
        match pending {
            Some(pending) => self.already_stored(current, &pending).await.map(Some),
            None => Ok(None),
        }
    }

    /// The labels, once more: none may have moved.
    async fn look_again(&self, secret: &SecretDescription) -> Result<()> {
        let now = self.describe().await?;
        match self.verdict(&now)? {
            Verdict::Proceed { .. } if labels(&now) == labels(secret) => Ok(()),
            _ => Err(RotationErrorKind::LabelsMoved),
        }
    }
}

/// The labels of each version; the service does not promise an order among them.
fn labels(secret: &SecretDescription) -> BTreeMap<&str, BTreeSet<&str>> {
    let versions = secret.versions.iter();
    versions
        .map(|(version, stages)| (version.as_str(), stages.iter().map(String::as_str).collect()))
        .collect()
}

fn unwritable(source: DocumentError) -> RotationErrorKind {
    RotationErrorKind::Document {
        stage: AWSCURRENT,
        source,
    }
}
