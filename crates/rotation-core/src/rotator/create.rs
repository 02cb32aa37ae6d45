//! createSecret: makes the next credential and stores it as the pending value.
//!
//! From top to bottom: read the secret; stop if a value is stored for this token already; end the
//! credential that is about to fall off its last label; make the next one; look at the labels again;
//! store it (`put.rs`). Before the previous credential is ended, the next one made, and the put, a look at
//! the labels that [`is_old`] is repeated once.
//!
//! After a crash between making and storing, the replay comes through here again and finds nothing
//! stored. It calls the backend's `create` again. That finds what the crash left behind and ends it,
//! unless its maker may still be about to store it; then the next rotation does.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::backend::CredentialBackend;
use crate::document::DocumentError;
use crate::error::{BackendError, RotationErrorKind};
use crate::live::{Live, LiveIds};
use crate::retire::{Retire, Retirement};
use crate::stages::Verdict;
use crate::store::{AWSCURRENT, SecretDescription, SecretStore, StoredVersion};
use crate::time::Deadline;

use super::attempt::{Attempt, END_PREVIOUS, decode};
use super::calls::Result;
use super::decide::{NotStorable, is_old, next_value, unmoved};
use super::grace::Grace;
use super::labelled::{FallingOff, Labelled, falling_off, live_ids};
use super::made::Made;
use super::read::Wants;
use super::report::Outcome;

/// What is kept back of the time, so that what was minted can be stored, or ended again.
const STORE_RESERVE: Duration = Duration::from_secs(2);

const MAKE: &str = "make the next credential";

/// Goes on with `C`, or the step is done.
type Progress<C> = ControlFlow<Outcome, C>;

/// What the next credential is made from.
struct Base<C> {
    secret: SecretDescription,
    /// When the reads of it began, on the monotonic clock.
    read_at: Duration,
    /// The current value, and the credential in it.
    stored: StoredVersion,
    current: C,
    /// The other labelled versions, if this step reads them.
    labelled: Option<Vec<Labelled<C>>>,
}

impl<C> Base<C> {
    fn labelled(&self) -> &[Labelled<C>] {
        self.labelled.as_deref().unwrap_or_default()
    }
}

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn create(&mut self) -> Result<Outcome> {
        let base = match self.read_base().await? {
            Progress::Continue(base) => base,
            Progress::Break(outcome) => return Ok(outcome),
        };
        // When the last look at the labels began, on the monotonic clock.
        let mut looked = base.read_at;
        if let Progress::Break(outcome) = self.end_what_falls_off(&base, &mut looked).await? {
            return Ok(outcome);
        }
        if let Progress::Break(outcome) = self.look_again_if_old(&base, &mut looked).await? {
            return Ok(outcome);
        }
        let made = self.make(&base).await?;
        self.put(&base.secret, looked, &made).await
    }

    /// Reads the secret, decides whether there is anything to do, and reads what the next credential
    /// is made from.
    async fn read_base(&self) -> Result<Progress<Base<B::Credential>>> {
        let always = self.profile().retires_previous;
        let snapshot = self
            .calls
            .load(Wants {
                current: true,
                pending: true,
                previous: always,
            })
            .await?;
        let secret = snapshot.description;
        let Verdict::Proceed { current: version } = self.verdict(&secret)? else {
            return Ok(Progress::Break(Outcome::AlreadyCurrent));
        };
        let grace = self.grace(&secret)?;
        let reads_labelled = always || grace == Grace::None;
        let stored = snapshot.current.current(version)?;
        if let Some(pending) = snapshot.pending.value()? {
            return self.already_stored(&stored, &pending).await.map(Progress::Break);
        }
        let current: B::Credential = decode(AWSCURRENT, &stored.value)?;
        // What cannot be written back is found out before anything is retired or minted.
        stored.value.overlay(&current, &current).map_err(unwritable)?;
        let labelled = match reads_labelled {
            true => {
                let previous = snapshot.previous.old_value()?;
                Some(self.labelled(&secret, version, previous).await?)
            }
            false => None,
        };
        Ok(Progress::Continue(Base {
            secret,
            read_at: snapshot.at,
            stored,
            current,
            labelled,
        }))
    }

    /// A value is stored for this token. It is an earlier try's, unless it is the copy of current
    /// that a dry run makes and, having failed, may leave behind.
    async fn already_stored(&self, current: &StoredVersion, pending: &StoredVersion) -> Result<Outcome> {
        if pending.value != current.value {
            return Ok(Outcome::AlreadyStored);
        }
        self.calls.release_pending().await?;
        Err(RotationErrorKind::DryRunLeftover)
    }

    /// Ends the credential that is about to lose its last label, after the current one has proved that
    /// it works: an operator may have stored a broken one, and then the previous is the way back.
    async fn end_what_falls_off(
        &mut self,
        base: &Base<B::Credential>,
        looked: &mut Duration,
    ) -> Result<Progress<()>> {
        let (version, credential) = match falling_off(self.id(&base.current), base.labelled()) {
            FallingOff::Nothing => return Ok(Progress::Continue(())),
            FallingOff::Keep { version, id, why } => {
                let id = id.map(str::to_owned);
                self.record(version, id, Retire::FallingOff, Retirement::kept(why));
                return Ok(Progress::Continue(()));
            }
            FallingOff::End { version, credential } => (version, credential),
        };
        self.enough_time(END_PREVIOUS)?;
        self.prove_current(&base.secret, &base.current, self.create_deadline())
            .await?;
        // The proof may have taken its time, and somebody may have gone back to the previous.
        if let Progress::Break(outcome) = self.look_again_if_old(base, looked).await? {
            return Ok(Progress::Break(outcome));
        }
        self.enough_time(END_PREVIOUS)?;
        self.end(&base.secret, (version, credential), Retire::FallingOff)
            .await?;
        Ok(Progress::Continue(()))
    }

    /// Makes the next credential, and lays it over the current document.
    async fn make(&mut self, base: &Base<B::Credential>) -> Result<Made<B::Credential>> {
        self.enough_time(MAKE)?;
        let ids = live_ids(self.id(&base.current), base.labelled());
        let ids = match base.labelled {
            Some(_) => ids,
            None => ids.incomplete(),
        };
        let credential = self.ask_for_next(base, &ids).await?;
        match next_value(&base.stored.value, &base.current, &credential) {
            Ok(value) => Ok(Made {
                credential,
                value,
                protected: ids,
            }),
            // Nothing was made, so there is nothing to undo.
            Err(NotStorable::Current) => Err(RotationErrorKind::Backend {
                operation: MAKE,
                source: BackendError::misconfigured(
                    "it returned the current credential as the next; a bug in it",
                ),
            }),
            Err(NotStorable::Unwritable(error)) => {
                let failure = unwritable(error);
                Err(self.undo(&base.secret, (&credential, &ids), failure).await)
            }
        }
    }

    async fn ask_for_next(&self, base: &Base<B::Credential>, ids: &LiveIds) -> Result<B::Credential> {
        let previous = base.labelled().iter().find(|other| other.is_previous);
        let previous = previous.and_then(|other| other.credential.as_ref());
        let deadline = self.create_deadline();
        let context = self.context(&base.secret, deadline);
        let live = Live::new(&base.current, previous, ids);
        self.must(MAKE, deadline, self.backend.create(&context, live))
            .await
    }

    /// Refuses to start what cannot be undone when it could not be seen through.
    fn enough_time(&self, doing: &'static str) -> Result<()> {
        if self.calls.remaining() < self.profile().create_budget {
            return Err(RotationErrorKind::OutOfTime { doing });
        }
        Ok(())
    }

    fn create_deadline(&self) -> Deadline {
        match self.profile().mints {
            true => self.calls.deadline().less(STORE_RESERVE),
            false => self.calls.deadline(),
        }
    }

    /// Looks again if the last look is old: the labels must be the same, and if an overlapping
    /// invocation has stored a value by now, there is nothing left to do.
    async fn look_again_if_old(
        &self,
        base: &Base<B::Credential>,
        looked: &mut Duration,
    ) -> Result<Progress<()>> {
        let now = self.calls.elapsed();
        if !is_old(*looked, now) {
            return Ok(Progress::Continue(()));
        }
        let (_, pending) = tokio::try_join!(self.labels_unmoved(&base.secret), self.calls.read_pending())?;
        *looked = now;
        match pending {
            Some(pending) => {
                let outcome = self.already_stored(&base.stored, &pending).await?;
                Ok(Progress::Break(outcome))
            }
            None => Ok(Progress::Continue(())),
        }
    }

    /// The labels, once more: none may have moved.
    pub(super) async fn labels_unmoved(&self, secret: &SecretDescription) -> Result<()> {
        let now = self.calls.describe().await?;
        match unmoved(secret, &now, self.verdict(&now)?) {
            true => Ok(()),
            false => Err(RotationErrorKind::LabelsMoved),
        }
    }
}

fn unwritable(source: DocumentError) -> RotationErrorKind {
    RotationErrorKind::Document {
        stage: AWSCURRENT,
        source,
    }
}
