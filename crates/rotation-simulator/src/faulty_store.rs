//! Any store, with faults before and after its calls.

use std::fmt;

use rotation_core::{
    SecretDescription, SecretStore, SecretString, SecretValue, StoreError, StoreErrorKind, StoredVersion,
    VersionRef, async_trait,
};

use crate::fault::{Fault, Interruption};
use crate::faults::Faults;

/// A store whose calls pass the [`Faults`] by the names of their actions (`DescribeSecret`, `GetSecretValue`,
/// `PutSecretValue`, `UpdateSecretVersionStage`): for a store that is not a [`Simulator`](crate::Simulator)'s,
/// whose own calls pass them already.
///
/// A fault before a call keeps it from being made; one after it lets it be made. A stale read cannot be made
/// from outside: a fault of this kind stays in the plan.
///
/// ```
/// use rotation_core::SecretStore;
/// use rotation_simulator::{Fault, Faults, FaultyStore, Simulator};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let simulator = Simulator::new(); // or a store over an SDK
/// let faults = Faults::new();
/// let store = FaultyStore::new(simulator.store(), faults.clone());
/// faults.at_nth("DescribeSecret", 1, Fault::Throttle);
/// let error = store.describe("crm").await.unwrap_err();
/// assert_eq!(error.to_string(), "DescribeSecret: throttled");
/// # }
/// ```
pub struct FaultyStore<S> {
    store: S,
    faults: Faults,
}

impl<S: SecretStore> FaultyStore<S> {
    /// This store under these faults.
    pub fn new(store: S, faults: Faults) -> Self {
        Self { store, faults }
    }

    async fn pass<T>(
        &self,
        action: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.faults.pass_call(action, call).await {
            Ok(result) => result,
            Err(interruption) => Err(as_the_service(action, interruption)),
        }
    }
}

fn as_the_service(action: &str, interruption: Interruption) -> StoreError {
    let message = format!("{action}: {interruption}");
    let writes = !Fault::Stale.can_strike(action);
    let kind = match interruption {
        Interruption::NoAnswer => return StoreError::unknown(message),
        Interruption::InternalError if writes => return StoreError::unknown(message),
        Interruption::InternalError | Interruption::Throttled => StoreErrorKind::Unavailable,
        Interruption::Denied => StoreErrorKind::Denied,
        Interruption::Refused => StoreErrorKind::Invalid,
    };
    StoreError::not_applied(kind, message)
}

#[async_trait]
impl<S: SecretStore> SecretStore for FaultyStore<S> {
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        self.pass("DescribeSecret", self.store.describe(secret_id)).await
    }

    async fn read(&self, secret_id: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        self.pass("GetSecretValue", self.store.read(secret_id, version))
            .await
    }

    async fn put_pending(
        &self,
        secret_id: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        let put = self.store.put_pending(secret_id, token, value, rotation_token);
        self.pass("PutSecretValue", put).await
    }

    async fn promote(&self, secret_id: &str, to: &str, from: &str) -> Result<(), StoreError> {
        let promote = self.store.promote(secret_id, to, from);
        self.pass("UpdateSecretVersionStage", promote).await
    }

    async fn release_pending(&self, secret_id: &str, version: &str) -> Result<(), StoreError> {
        let release = self.store.release_pending(secret_id, version);
        self.pass("UpdateSecretVersionStage", release).await
    }
}

impl<S> fmt::Debug for FaultyStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").finish_non_exhaustive()
    }
}
