//! One secret, held for a while.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rotation_core::{Clock, TokioClock};
use serde::de::DeserializeOwned;

use crate::source::{ReadError, Source};
use crate::state::{Freshness, State};

/// The credential under `AWSCURRENT`, and the id of its version. Derefs to the credential.
///
/// `Debug` prints the version alone, whatever the credential's own prints.
pub struct Current<T> {
    version: String,
    credential: T,
}

impl<T> Current<T> {
    /// The version's id. Safe to print: it is in every log of a rotation, too.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl<T> Deref for Current<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.credential
    }
}

impl<T> fmt::Debug for Current<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// How long things may take. Start from [`Settings::default`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How long a value is used before it is read again: 5 minutes. Shorter than the time for which a
    /// superseded credential goes on working, or every rotation costs a refused request.
    pub ttl: Duration,
    /// How long a refused request waits for another version, counted from the first refusal of the version:
    /// 5 seconds. Requests that come later fail at once.
    pub budget: Duration,
    /// How long one read may take: 3 seconds.
    pub read_timeout: Duration,
    /// How long a request waits for the first one with a new version to succeed: 1 second.
    pub proof_wait: Duration,
    /// When a refused version is tried again, by one request: after 1 minute, then 2, 4 and so on.
    pub first_probe: Duration,
    /// The longest time between two such tries: 10 minutes. Keep it above what locks an account.
    pub longest_probe: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(300),
            budget: Duration::from_secs(5),
            read_timeout: Duration::from_secs(3),
            proof_wait: Duration::from_secs(1),
            first_probe: Duration::from_secs(60),
            longest_probe: Duration::from_secs(600),
        }
    }
}

/// What a cache did so far; for metrics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Reads of the secret that were begun.
    pub reads: u64,
    /// Those that failed or took too long.
    pub failed_reads: u64,
    /// Versions that were taken.
    pub versions: u64,
    /// Requests that were refused.
    pub refusals: u64,
}

/// One secret, read when it is needed and held for a while. Share it in an `Arc`.
///
/// `T` is what the application needs of the document; declare its secret fields as
/// [`SecretString`](rotation_core::SecretString).
///
/// There is no task behind it: reads happen in the requests that need them, one at a time.
pub struct SecretCache<T> {
    source: Box<dyn Source>,
    clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    state: Mutex<State<T>>,
    /// Held by the one who reads.
    reading: tokio::sync::Mutex<()>,
    /// Held by the one who tries a version that has not worked yet.
    pub(crate) proving: Arc<tokio::sync::Mutex<()>>,
}

impl<T: DeserializeOwned> SecretCache<T> {
    /// A cache over this source, which is not read yet.
    pub fn new(source: impl Source) -> Self {
        Self {
            source: Box::new(source),
            clock: Arc::new(TokioClock::new()),
            settings: Settings::default(),
            state: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            proving: Arc::default(),
        }
    }

    /// Other times than the default ones.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Another clock, in a test.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What is held, read first if nothing is, if it was flushed, or if its time is over. Says nothing about
    /// whether it works: for a request there is [`call`](Self::call).
    ///
    /// While one caller reads what is out of date, the others are given it. A read that fails leaves what is
    /// held in use, and is repeated a little later.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: nothing is held, and it cannot be read.
    pub async fn current(&self) -> Result<Arc<Current<T>>, ReadError> {
        match self.freshness() {
            Freshness::Fresh(current) => return Ok(current),
            Freshness::Failed(error) => return Err(error),
            Freshness::Unread => {
                let _reading = self.reading.lock().await;
                if matches!(self.freshness(), Freshness::Unread) {
                    self.read().await;
                }
            }
            Freshness::Aged(current) => match self.reading.try_lock() {
                Ok(_reading) if matches!(self.freshness(), Freshness::Aged(_)) => self.read().await,
                _ => return Ok(current),
            },
        }
        let state = self.state();
        state.held().ok_or_else(|| {
            let error = state.error();
            error.unwrap_or_else(|| ReadError::new("it was not read"))
        })
    }

    /// The next request reads the secret again; if what is held was refused, it may be tried again. For an
    /// operator who mended something, and for a signal that names no version.
    pub fn flush(&self) {
        self.state().flush();
    }

    /// Somebody says that this version is `AWSCURRENT`. If it is not the one that is held, the next request
    /// reads the secret again, and, as long as reads do not show it, a few later ones do.
    ///
    /// True if it was news. Repeated and late announcements do no harm: what counts is what a read brings.
    pub fn announce(&self, version: &str) -> bool {
        self.state().announce(version)
    }

    /// What it did so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.state().stats()
    }

    /// Whether this version is the one that is held, and was refused.
    #[must_use]
    pub fn is_refused(&self, version: &str) -> bool {
        self.state().is_refused(version)
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    /// Never held across an await. Nothing in it panics while it is locked.
    pub(crate) fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn freshness(&self) -> Freshness<T> {
        self.state().freshness(self.now(), self.settings.ttl)
    }

    /// Reads the secret, unless this version is no longer the one that is held and refused, or a read that
    /// began after this call has ended meanwhile.
    pub(crate) async fn look_beyond(&self, refused: &str) {
        let ticket = self.state().ticket();
        let _reading = self.reading.lock().await;
        let needed = {
            let state = self.state();
            state.is_refused(refused) && !state.served(ticket)
        };
        if needed {
            self.read().await;
        }
    }

    /// Reads the secret if nobody else does.
    pub(crate) async fn read_if_idle(&self) {
        if let Ok(_reading) = self.reading.try_lock() {
            self.read().await;
        }
    }

    /// Reads the secret, when the next read is due. For the one who holds `reading`.
    async fn read(&self) {
        let pause = self.state().next_read().saturating_sub(self.now());
        if !pause.is_zero() {
            self.sleep(pause).await;
        }
        let (number, began) = (self.state().begin_read(), self.now());
        let mut dropped = Dropped(Some(self));
        let outcome = tokio::select! {
            biased;
            read = self.source.current() => read,
            () = self.sleep(self.settings.read_timeout) => Err(self.too_slow()),
        };
        let outcome = outcome.and_then(|read| {
            // Names the key, quotes nothing.
            let credential = read.value.decode::<T>();
            let credential = credential.map_err(|error| ReadError::new(error.to_string()))?;
            let version = read.id;
            Ok(Arc::new(Current { version, credential }))
        });
        match &outcome {
            Ok(current) => tracing::debug!(version = current.version(), "secret read"),
            Err(error) => tracing::warn!(%error, "secret not read"),
        }
        dropped.0 = None;
        let now = self.now();
        self.state().end_read((number, began), now, outcome);
    }

    fn too_slow(&self) -> ReadError {
        ReadError::new(format!("no answer within {:?}", self.settings.read_timeout))
    }
}

impl<T> fmt::Debug for SecretCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretCache")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Notes that a read was dropped, unless it is disarmed.
struct Dropped<'a, T: DeserializeOwned>(Option<&'a SecretCache<T>>);

impl<T: DeserializeOwned> Drop for Dropped<'_, T> {
    fn drop(&mut self) {
        if let Some(cache) = self.0 {
            let now = cache.now();
            cache.state().drop_read(now);
        }
    }
}

#[cfg(test)]
impl<T> Current<T> {
    pub(crate) fn of(version: &str, credential: T) -> Self {
        let version = version.to_owned();
        Self { version, credential }
    }
}
