//! Calls to Secrets Manager about one version of one secret, within the time of one invocation.

use std::future::Future;
use std::time::Duration;

use crate::context::within;
use crate::document::SecretValue;
use crate::error::RotationErrorKind;
use crate::event::RotationEvent;
use crate::store::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretDescription, SecretStore, StoreError, StoredVersion,
    VersionRef,
};
use crate::time::{Clock, Deadline};

use super::read::{Read, Snapshot, Wants};

pub(super) type Result<T, E = RotationErrorKind> = std::result::Result<T, E>;

/// What the put does, in words.
pub(super) const PUT: &str = "store the pending value";
/// What the promotion does, in words.
pub(super) const PROMOTE: &str = "move AWSCURRENT";

/// The store with the event and its deadline. No call begins after the deadline, and each is given
/// up when it is reached.
pub(super) struct Calls<'a, S> {
    store: &'a S,
    clock: &'a dyn Clock,
    event: &'a RotationEvent,
    deadline: Deadline,
}

impl<'a, S: SecretStore> Calls<'a, S> {
    pub(super) fn new(
        store: &'a S,
        clock: &'a dyn Clock,
        event: &'a RotationEvent,
        deadline: Deadline,
    ) -> Self {
        Self {
            store,
            clock,
            event,
            deadline,
        }
    }

    pub(super) fn event(&self) -> &'a RotationEvent {
        self.event
    }

    /// The id of the version that is being rotated in.
    pub(super) fn token(&self) -> &'a str {
        self.event.client_request_token()
    }

    pub(super) fn clock(&self) -> &'a dyn Clock {
        self.clock
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    pub(super) fn remaining(&self) -> Duration {
        self.deadline.remaining(self.clock)
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    /// Awaits a future until the deadline, and says what was going on when it did not make it. It
    /// is not begun when no time is left: nobody may write after the time that others judge by.
    pub(super) async fn until<T>(
        &self,
        deadline: Deadline,
        doing: &'static str,
        future: impl Future<Output = T>,
    ) -> Result<T> {
        let remaining = deadline.remaining(self.clock);
        if remaining.is_zero() {
            return Err(RotationErrorKind::OutOfTime { doing });
        }
        within(self.clock, remaining, future)
            .await
            .ok_or(RotationErrorKind::OutOfTime { doing })
    }

    /// A call whose failure, whatever it is, fails the step.
    async fn must<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T> {
        self.until(self.deadline, operation, call)
            .await?
            .map_err(|source| RotationErrorKind::Store { operation, source })
    }

    /// The labels and the state of the secret.
    pub(super) async fn describe(&self) -> Result<SecretDescription> {
        let describe = self.store.describe(self.event.secret_id());
        self.must("describe the secret", describe).await
    }

    /// What a step reads before it decides, in one round.
    pub(super) async fn load(&self, wants: Wants) -> Result<Snapshot> {
        let at = self.elapsed();
        let round = async {
            tokio::join!(
                self.store.describe(self.event.secret_id()),
                self.read_if(wants.current, VersionRef::Stage(AWSCURRENT)),
                self.read_if(wants.pending, self.pending_version()),
                self.read_if(wants.previous, VersionRef::Stage(AWSPREVIOUS)),
            )
        };
        let (description, current, pending, previous) =
            self.until(self.deadline, "read the secret", round).await?;
        Ok(Snapshot {
            description: description.map_err(|source| RotationErrorKind::Store {
                operation: "describe the secret",
                source,
            })?,
            at,
            current,
            pending,
            previous,
        })
    }

    /// One value, read by itself.
    pub(super) async fn read(&self, version: VersionRef<'_>) -> Result<Read> {
        let read = self.read_if(true, version);
        self.until(self.deadline, "read the secret", read).await
    }

    async fn read_if(&self, wanted: bool, version: VersionRef<'_>) -> Read {
        match wanted {
            true => Read::new(version, self.store.read(self.event.secret_id(), version).await),
            false => Read::not_wanted(version),
        }
    }

    /// How a pending value is addressed: by the token and the label, never by the label alone.
    fn pending_version(&self) -> VersionRef<'a> {
        VersionRef::IdAndStage(self.token(), AWSPENDING)
    }

    /// The value stored under this token, if there is one and it is pending.
    pub(super) async fn read_pending(&self) -> Result<Option<StoredVersion>> {
        self.read(self.pending_version()).await?.value()
    }

    /// The pending value. The first read of it may have come too early, because the service calls the
    /// steps within milliseconds of each other and does not promise read-after-write: it is read again
    /// for about three seconds.
    pub(super) async fn await_pending(&self, first: Read) -> Result<StoredVersion> {
        self.await_value(first, self.pending_version(), &[50, 100, 200, 400, 800, 1600])
            .await?
            .ok_or(RotationErrorKind::NotWrittenYet)
    }

    /// The value that was stored under this token, whatever its labels, waited for a moment.
    pub(super) async fn await_stored(&self) -> Result<Option<StoredVersion>> {
        let version = VersionRef::Id(self.token());
        let first = self.read(version).await?;
        self.await_value(first, version, &[50, 100, 200]).await
    }

    /// The value, read again after each pause, in milliseconds, as long as it is not to be seen.
    async fn await_value(
        &self,
        first: Read,
        version: VersionRef<'_>,
        pauses: &[u64],
    ) -> Result<Option<StoredVersion>> {
        let mut seen = first.value()?;
        for pause in pauses.iter().copied().map(Duration::from_millis) {
            if seen.is_some() || pause >= self.remaining() {
                break;
            }
            self.sleep(pause).await;
            seen = self.read(version).await?.value()?;
        }
        Ok(seen)
    }

    /// Stores the pending value under the token. The outer error is that the time ran out: then it is
    /// not known whether the value is stored.
    pub(super) async fn put_pending(&self, value: &SecretValue) -> Result<Result<(), StoreError>> {
        let (secret, rotation_token) = (self.event.secret_id(), self.event.rotation_token());
        let put = self
            .store
            .put_pending(secret, self.token(), value, rotation_token);
        self.until(self.deadline, PUT, put).await
    }

    /// Moves `AWSCURRENT` from the version `from` to the token, by compare-and-swap.
    pub(super) async fn promote(&self, from: &str) -> Result<Result<(), StoreError>> {
        let promote = self.store.promote(self.event.secret_id(), self.token(), from);
        self.until(self.deadline, PROMOTE, promote).await
    }

    /// Takes `AWSPENDING` off the token.
    pub(super) async fn release_pending(&self) -> Result<()> {
        let release = self.store.release_pending(self.event.secret_id(), self.token());
        self.must("release AWSPENDING", release).await
    }
}
