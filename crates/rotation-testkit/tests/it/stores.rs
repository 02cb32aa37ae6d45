//! The simulator's store keeps the contract of stores, and one that is broken in each clause does not.

use std::sync::atomic::{AtomicUsize, Ordering};

use rotation_core::{
    SecretDescription, SecretStore, SecretString, SecretValue, StoreError, StoreErrorKind, StoredVersion,
    VersionRef, async_trait,
};
use rotation_testkit::conformance::store::{self, StagedStore, StoreClause, StoreSubject};
use rotation_testkit::{FaultyStore, Simulator, SimulatorStore};

struct InProcess;

#[async_trait]
impl StoreSubject for InProcess {
    async fn stage(&self) -> StagedStore {
        let simulator = Simulator::new();
        StagedStore::new(simulator.clone(), simulator.store())
    }
}

#[tokio::test]
async fn the_simulators_store_keeps_the_contract() {
    let report = store::check(&InProcess).await;
    println!("{report}");
    report.assert_holds();
}

/// Any store under faults keeps it: here each fault strikes twice, in the wrapper and in the simulator.
struct Wrapped;

#[async_trait]
impl StoreSubject for Wrapped {
    async fn stage(&self) -> StagedStore {
        let simulator = Simulator::new();
        let store = FaultyStore::new(simulator.store(), simulator.faults());
        StagedStore::new(simulator, store)
    }
}

#[tokio::test]
async fn a_store_under_faults_keeps_the_contract() {
    store::check(&Wrapped).await.assert_holds();
}

/// The simulator's store, wrong in what one clause asks for.
#[derive(Debug)]
struct Broken {
    store: SimulatorStore,
    simulator: Simulator,
    clause: StoreClause,
    puts: AtomicUsize,
}

impl Broken {
    fn breaks(&self, clause: StoreClause) -> bool {
        self.clause == clause
    }

    /// The error of a call, as this store tells it.
    fn told(&self, error: StoreError) -> StoreError {
        let kind = error.kind();
        match self.clause {
            StoreClause::TellsAbsentFromMoved if kind == StoreErrorKind::StageMismatch => {
                StoreError::not_applied(StoreErrorKind::NotFound, "not there")
            }
            StoreClause::LostAnswersAreUncertain => {
                StoreError::not_applied(StoreErrorKind::Unavailable, "did not work")
            }
            StoreClause::RefusalsAreCertain => StoreError::unknown("did not work"),
            _ => error,
        }
    }
}

#[async_trait]
impl SecretStore for Broken {
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        let mut secret = self.store.describe(secret_id).await?;
        if self.breaks(StoreClause::DescribesWhole) {
            secret.tags.clear();
        }
        Ok(secret)
    }

    async fn read(&self, secret_id: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        let version = match version {
            VersionRef::Id(_) if self.breaks(StoreClause::ReadsByLabelAndId) => {
                VersionRef::Stage("AWSPENDING")
            }
            VersionRef::IdAndStage(id, _) if self.breaks(StoreClause::TellsAbsentFromMoved) => {
                VersionRef::Id(id)
            }
            other => other,
        };
        let read = self.store.read(secret_id, version).await;
        let mut read = read.map_err(|error| self.told(error))?;
        if self.breaks(StoreClause::KeepsTheKind) {
            read.value = SecretValue::text("as text");
        }
        Ok(read)
    }

    async fn put_pending(
        &self,
        secret_id: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        let again = self.puts.fetch_add(1, Ordering::SeqCst) > 0;
        if self.breaks(StoreClause::PutsOnce) && again {
            return Ok(());
        }
        let proof = rotation_token.filter(|_| !self.breaks(StoreClause::SendsTheRotationToken));
        let put = self.store.put_pending(secret_id, token, value, proof).await;
        if self.breaks(StoreClause::PutsPending) {
            let operator = self.simulator.operator();
            operator.add_label(secret_id, "MINE", token).unwrap();
        }
        match put {
            Err(_) if self.breaks(StoreClause::ErrorsHideValues) => {
                let text: String = value.decode().unwrap();
                Err(StoreError::unknown(format!("could not store {text}")))
            }
            put => put.map_err(|error| self.told(error)),
        }
    }

    async fn promote(&self, secret_id: &str, to: &str, from: &str) -> Result<(), StoreError> {
        if self.breaks(StoreClause::PromotesByCompareAndSwap) {
            let labels = self.simulator.labels(secret_id);
            let current = labels.version_with("AWSCURRENT").unwrap();
            return self.store.promote(secret_id, to, current).await;
        }
        let promoted = self.store.promote(secret_id, to, from).await;
        promoted.map_err(|error| self.told(error))
    }

    async fn release_pending(&self, secret_id: &str, version: &str) -> Result<(), StoreError> {
        if self.breaks(StoreClause::ReleasesItsOwn) {
            let labels = self.simulator.labels(secret_id);
            let pending = labels.version_with("AWSPENDING").unwrap();
            return self.store.release_pending(secret_id, pending).await;
        }
        let released = self.store.release_pending(secret_id, version).await;
        released.map_err(|error| self.told(error))
    }
}

struct Wrong(StoreClause);

#[async_trait]
impl StoreSubject for Wrong {
    async fn stage(&self) -> StagedStore {
        let simulator = Simulator::new();
        let store = Broken {
            store: simulator.store(),
            simulator: simulator.clone(),
            clause: self.0,
            puts: AtomicUsize::new(0),
        };
        StagedStore::new(simulator, store)
    }
}

#[tokio::test]
async fn each_clause_fails_the_store_that_breaks_it() {
    for clause in StoreClause::ALL {
        let what = store::check_clause(&Wrong(clause), clause).await.unwrap_err();
        println!("{clause:30}  {what}");
    }
}
