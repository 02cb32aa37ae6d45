//! How a backend reads other secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::document::SecretValue;
use crate::store::{AWSCURRENT, SecretStore, StoreError, StoreErrorKind, VersionRef};

/// How a backend reads other secrets: a superuser's, an admin token.
#[async_trait]
pub trait SecretReader: Send + Sync {
    /// The `AWSCURRENT` value of another secret, named by its ARN.
    ///
    /// The framework reads it once in each step, however often it is asked for. The next step reads
    /// it again, because the other secret may rotate too.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. It converts into a [`BackendError`](crate::BackendError) of the same class, so `?` works.
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError>;
}

/// Other secrets as the framework reads them: through a [`SecretStore`], each once.
///
/// For a tool that calls a backend outside a rotation. A value that was read is kept until the reader
/// is dropped.
pub struct CurrentReader<'a, S: ?Sized> {
    store: &'a S,
    seen: Mutex<BTreeMap<String, SecretValue>>,
}

impl<'a, S: ?Sized> CurrentReader<'a, S> {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(store: &'a S) -> Self {
        Self {
            store,
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, SecretValue>> {
        // Nothing panics while it is locked. If something did, the map would still be whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: SecretStore + ?Sized> SecretReader for CurrentReader<'_, S> {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        if let Some(value) = self.seen().get(secret_id) {
            return Ok(value.clone());
        }
        let version = VersionRef::Stage(AWSCURRENT);
        let value = self.store.read(secret_id, version).await?.value;
        self.seen().insert(secret_id.to_owned(), value.clone());
        Ok(value)
    }
}

impl<S: ?Sized> fmt::Debug for CurrentReader<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentReader").finish_non_exhaustive()
    }
}

/// There are no other secrets: each read is answered with "not found".
#[derive(Debug)]
pub(crate) struct NoSecrets;

#[async_trait]
impl SecretReader for NoSecrets {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        let message = format!("there is no secret {secret_id} here");
        Err(StoreError::not_applied(StoreErrorKind::NotFound, message))
    }
}
