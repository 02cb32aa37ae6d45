//! A store that is to be proved.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use rotation_core::{SecretStore, async_trait};
use rotation_simulator::Simulator;

/// A store that is to be proved.
#[async_trait]
pub trait StoreSubject: Send + Sync {
    /// A simulator without secrets, and the store over it, as the rotation function has it.
    async fn stage(&self) -> StagedStore;
}

/// A simulator and the store over it.
pub struct StagedStore {
    pub(super) simulator: Simulator,
    pub(super) store: Arc<dyn SecretStore>,
    _kept: Option<Box<dyn Any + Send>>,
}

impl StagedStore {
    /// This store over this simulator.
    pub fn new(simulator: Simulator, store: impl SecretStore) -> Self {
        Self {
            simulator,
            store: Arc::new(store),
            _kept: None,
        }
    }

    /// Keeps something as long as the stage lives: the server between the two.
    #[must_use]
    pub fn keeping(mut self, kept: impl Any + Send) -> Self {
        self._kept = Some(Box::new(kept));
        self
    }
}

impl fmt::Debug for StagedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedStore")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
