//! What rotates in a history: the framework's rotator, or what a test makes of its parts.

use std::fmt;
use std::sync::Arc;

use rotation_core::{CredentialBackend, Grace, Rotate, Rotator};
use rotation_simulator::{SeededRandom, Simulator, SimulatorStore};

use crate::faulty_backend::FaultyBackend;

/// What a [`Rotate`] is made of, for one history.
#[non_exhaustive]
pub struct Parts<B> {
    /// The backend, under the history's faults.
    pub backend: FaultyBackend<B>,
    /// Secrets Manager: its store, and its clock.
    pub simulator: Simulator,
    /// The grace to give.
    pub grace: Grace,
}

impl<B: CredentialBackend> Parts<B> {
    /// The framework's own, with seeded randomness.
    #[must_use]
    pub fn rotator(self) -> Rotator<FaultyBackend<B>, SimulatorStore> {
        Rotator::new(self.backend, self.simulator.store())
            .with_clock(self.simulator.clock())
            .with_random(SeededRandom::new(1))
            .with_grace(self.grace)
    }
}

impl<B> fmt::Debug for Parts<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

/// Makes the function of a history.
pub(super) type MakeRotate<B> = dyn Fn(Parts<B>) -> Arc<dyn Rotate> + Send + Sync;
