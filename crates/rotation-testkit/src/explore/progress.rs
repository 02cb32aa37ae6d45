//! How far an exploration is.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Tells on standard error how far a run is, past the test harness, every few seconds.
pub(super) struct Progress {
    total: usize,
    quiet: bool,
    told: Mutex<Instant>,
}

impl Progress {
    const EVERY: Duration = Duration::from_secs(5);

    pub(super) fn new(total: usize, quiet: bool) -> Self {
        Self {
            total,
            quiet,
            told: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn tell(&self, done: usize) {
        let mut told = lock(&self.told);
        if !self.quiet && told.elapsed() >= Self::EVERY {
            *told = Instant::now();
            // A closed standard error is no reason to stop.
            _ = writeln!(
                std::io::stderr(),
                "explored {done} histories; this round has {}",
                self.total
            );
        }
    }
}
