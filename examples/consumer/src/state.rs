//! What the cache knows, and what follows from it: no await, no clock, no source.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Current, Settings, Stats};
use crate::source::ReadError;

/// How often an announced version is looked for when reads do not show it yet.
const LOOKS: u32 = 5;

/// Before the next read when one was in vain.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct State<T> {
    held: Option<Held<T>>,
    /// Reads are numbered as they begin. Whoever asks while number n is the last to have begun is served by
    /// the end of any later one.
    begun: u64,
    ended: u64,
    /// Of the read that ended last, if it failed.
    error: Option<ReadError>,
    /// Reads in a row that failed, or did not bring what was looked for.
    in_vain: u32,
    /// No read begins earlier.
    not_before: Duration,
    last_end: Duration,
    /// What this read or an earlier one brought has to be read again before it is used.
    flushed: Option<u64>,
    announced: Option<Announced>,
    stats: Stats,
}

#[derive(Debug)]
struct Held<T> {
    current: Arc<Current<T>>,
    /// When the last read that brought it began, and its number.
    read_at: Duration,
    read: u64,
    standing: Standing,
}

#[derive(Debug)]
struct Announced {
    version: String,
    looks_left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    Untried,
    Works,
    Refused {
        since: Duration,
        probes: u32,
        next_probe: Duration,
    },
}

/// Whether what is held may be used.
#[derive(Debug)]
pub(crate) enum Freshness<T> {
    Fresh(Arc<Current<T>>),
    /// Usable; to be read again by one who finds nobody reading.
    Aged(Arc<Current<T>>),
    /// To be read before anything else.
    Unread,
    /// Nothing is held, and a read is not due yet: the error of the last one.
    Failed(ReadError),
}

/// What is known of the credential that is held.
#[derive(Debug)]
pub(crate) enum Trust<T> {
    Works(Arc<Current<T>>),
    /// One goes first.
    Untried(Arc<Current<T>>),
    /// Refused, but it is time for one to try it again.
    ProbeDue(Arc<Current<T>>),
    Refused {
        version: String,
        since: Duration,
        /// When the secret may be read again.
        next_read: Duration,
    },
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self {
            held: None,
            begun: 0,
            ended: 0,
            error: None,
            in_vain: 0,
            not_before: Duration::ZERO,
            last_end: Duration::ZERO,
            flushed: None,
            announced: None,
            stats: Stats::default(),
        }
    }
}

impl<T> State<T> {
    pub(crate) fn held(&self) -> Option<Arc<Current<T>>> {
        self.held.as_ref().map(|held| Arc::clone(&held.current))
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    pub(crate) fn error(&self) -> Option<ReadError> {
        self.error.clone()
    }

    pub(crate) fn freshness(&self, now: Duration, ttl: Duration) -> Freshness<T> {
        let may_read = now >= self.not_before;
        let Some(held) = &self.held else {
            return match &self.error {
                Some(error) if !may_read => Freshness::Failed(error.clone()),
                _ => Freshness::Unread,
            };
        };
        let flushed = self.flushed.is_some_and(|flushed| held.read <= flushed);
        let expired = now.saturating_sub(held.read_at) >= ttl;
        // One look at what was flushed is waited for by all. If it failed, they go on with what they have.
        let first_look = flushed && self.in_vain == 0;
        match may_read {
            true if first_look => Freshness::Unread,
            true if flushed || expired || self.announced.is_some() => {
                Freshness::Aged(Arc::clone(&held.current))
            }
            _ => Freshness::Fresh(Arc::clone(&held.current)),
        }
    }

    pub(crate) fn trust(&self, now: Duration) -> Option<Trust<T>> {
        let held = self.held.as_ref()?;
        let current = || Arc::clone(&held.current);
        Some(match held.standing {
            Standing::Works => Trust::Works(current()),
            Standing::Untried => Trust::Untried(current()),
            Standing::Refused { next_probe, .. } if now >= next_probe => Trust::ProbeDue(current()),
            Standing::Refused { since, .. } => Trust::Refused {
                version: held.current.version().to_owned(),
                since,
                next_read: self.not_before,
            },
        })
    }

    pub(crate) fn is_refused(&self, version: &str) -> bool {
        let held = self.of(version);
        held.is_some_and(|held| matches!(held.standing, Standing::Refused { .. }))
    }

    /// The number of the read that began last.
    pub(crate) fn ticket(&self) -> u64 {
        self.begun
    }

    /// Whether a read has ended that began after this ticket was drawn.
    pub(crate) fn served(&self, ticket: u64) -> bool {
        self.ended > ticket
    }

    pub(crate) fn next_read(&self) -> Duration {
        self.not_before
    }

    pub(crate) fn begin_read(&mut self) -> u64 {
        self.begun += 1;
        self.stats.reads += 1;
        self.begun
    }

    /// Takes what the read of this number brought, which began and ended at these times.
    pub(crate) fn end_read(
        &mut self,
        (number, began): (u64, Duration),
        now: Duration,
        outcome: Result<Arc<Current<T>>, ReadError>,
    ) {
        self.ended = number;
        let helped = match outcome {
            Ok(current) => {
                self.error = None;
                self.take(current, began, number)
            }
            Err(error) => {
                self.error = Some(error);
                self.stats.failed_reads += 1;
                false
            }
        };
        self.in_vain = if helped { 0 } else { self.in_vain + 1 };
        self.last_end = now;
        self.not_before = now.saturating_add(pause(self.in_vain));
    }

    /// A read was dropped before its end. Who holds something waits before the next one, or requests with a
    /// time-out of their own would fall one after another to a service that does not answer.
    pub(crate) fn drop_read(&mut self, now: Duration) {
        if self.held.is_some() {
            self.in_vain += 1;
            self.last_end = now;
            self.not_before = now.saturating_add(pause(self.in_vain));
        }
    }

    /// Whether this is what was looked for.
    fn take(&mut self, current: Arc<Current<T>>, read_at: Duration, read: u64) -> bool {
        let arrived = self.look_for(current.version());
        match &mut self.held {
            // The version's value cannot have changed, and what is known of it stays.
            Some(held) if held.current.version() == current.version() => {
                (held.read_at, held.read) = (read_at, read);
                arrived && !matches!(held.standing, Standing::Refused { .. })
            }
            held => {
                let standing = Standing::Untried;
                *held = Some(Held {
                    current,
                    read_at,
                    read,
                    standing,
                });
                self.stats.versions += 1;
                arrived
            }
        }
    }

    /// Whether nothing else than this version was announced. An announcement that came too late is forgotten
    /// after a few looks.
    fn look_for(&mut self, version: &str) -> bool {
        match &mut self.announced {
            None => true,
            Some(announced) if announced.version == version => {
                self.announced = None;
                true
            }
            Some(announced) => {
                announced.looks_left -= 1;
                if announced.looks_left == 0 {
                    self.announced = None;
                }
                false
            }
        }
    }

    /// A request that began at this time succeeded. If the version was refused after that, it is no news: the
    /// target may have looked at the credential before it ended.
    pub(crate) fn accept(&mut self, version: &str, began: Duration) {
        let Some(held) = self.of_mut(version) else { return };
        match held.standing {
            Standing::Refused { since, .. } if began <= since => {}
            _ => held.standing = Standing::Works,
        }
    }

    /// Notes a refusal; of a version that is not held any more it is no news.
    pub(crate) fn refuse(&mut self, version: &str, now: Duration, settings: &Settings) {
        self.stats.refusals += 1;
        let next_probe = now.saturating_add(settings.first_probe);
        let Some(held) = self.of_mut(version) else { return };
        if !matches!(held.standing, Standing::Refused { .. }) {
            held.standing = Standing::Refused {
                since: now,
                probes: 0,
                next_probe,
            };
            // Worth a look at once, whatever earlier reads brought.
            (self.in_vain, self.not_before) = (0, now);
        }
    }

    /// A probe begins: the next one has to wait, whatever becomes of it.
    pub(crate) fn probe(&mut self, now: Duration, settings: &Settings) {
        let standing = self.held.as_mut().map(|held| &mut held.standing);
        if let Some(Standing::Refused {
            probes, next_probe, ..
        }) = standing
        {
            *probes += 1;
            let pause = doubling(*probes + 1, settings.first_probe, settings.longest_probe);
            *next_probe = now.saturating_add(pause);
        }
    }

    /// What is held has to be read again, and if it was refused it may be tried again.
    pub(crate) fn flush(&mut self) {
        self.read_soon();
        if let Some(held) = &mut self.held
            && matches!(held.standing, Standing::Refused { .. })
        {
            held.standing = Standing::Untried;
        }
    }

    /// Whether this is news.
    pub(crate) fn announce(&mut self, version: &str) -> bool {
        if self.of(version).is_some() {
            return false;
        }
        self.read_soon();
        self.announced = Some(Announced {
            version: version.to_owned(),
            looks_left: LOOKS,
        });
        true
    }

    /// The next read is due, but no more than ten in a second are, whoever asks for them.
    fn read_soon(&mut self) {
        self.flushed = Some(self.begun);
        self.in_vain = 0;
        let soon = self.last_end.saturating_add(FIRST_PAUSE);
        self.not_before = self.not_before.min(soon);
    }

    fn of(&self, version: &str) -> Option<&Held<T>> {
        self.held
            .as_ref()
            .filter(|held| held.current.version() == version)
    }

    fn of_mut(&mut self, version: &str) -> Option<&mut Held<T>> {
        self.held
            .as_mut()
            .filter(|held| held.current.version() == version)
    }
}

/// Before the next read, when so many in a row were in vain: up to a second while requests wait for what they
/// bring, and up to half a minute when those have given up.
fn pause(in_vain: u32) -> Duration {
    match in_vain {
        0..=8 => doubling(in_vain, FIRST_PAUSE, Duration::from_secs(1)),
        _ => doubling(in_vain - 8, Duration::from_secs(2), Duration::from_secs(30)),
    }
}

/// Nothing for the first, then `first`, twice that, and so on.
fn doubling(count: u32, first: Duration, longest: Duration) -> Duration {
    match count {
        0 => Duration::ZERO,
        // 2^20 times the first is beyond any longest.
        _ => first.saturating_mul(1 << (count - 1).min(20)).min(longest),
    }
}

#[cfg(test)]
mod tests;
