//! The contract of a store, clause by clause: what every [`SecretStore`] over a Secrets Manager has to do
//! with its answers.
//!
//! The simulator's own store and the one over the AWS SDK pass it; so does any other whose service is a
//! [`Simulator`], in process or behind its socket.
//!
//! ```
//! use rotation_core::async_trait;
//! use rotation_testkit::Simulator;
//! use rotation_testkit::conformance::store::{self, StagedStore, StoreSubject};
//!
//! struct InProcess;
//!
//! #[async_trait]
//! impl StoreSubject for InProcess {
//!     async fn stage(&self) -> StagedStore {
//!         let simulator = Simulator::new();
//!         StagedStore::new(simulator.clone(), simulator.store())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let report = store::check(&InProcess).await;
//! println!("{report}");
//! report.assert_holds();
//! # }
//! ```

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use rotation_core::{SecretStore, async_trait};
use rotation_simulator::Simulator;

use bench::{Bench, errors_hide_values, lost_answers_are_uncertain, refusals_are_certain};

mod bench;

/// A store that is to be proved.
#[async_trait]
pub trait StoreSubject: Send + Sync {
    /// A simulator without secrets, and the store over it, as the rotation function has it.
    async fn stage(&self) -> StagedStore;
}

/// A simulator and the store over it.
pub struct StagedStore {
    simulator: Simulator,
    store: Arc<dyn SecretStore>,
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

/// One clause of [`SecretStore`]'s contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreClause {
    /// `describe` hands on labels, state, tags, replicas, and who owns the secret.
    DescribesWhole,
    /// `read` finds a version by label, by id, and by both.
    ReadsByLabelAndId,
    /// "Nothing there" and "the label is elsewhere" are different errors.
    TellsAbsentFromMoved,
    /// `put_pending` stores under the token, with `AWSPENDING` alone.
    PutsPending,
    /// The same value under the same token is no error; another is a conflict, and nothing changes.
    PutsOnce,
    /// The rotation token is sent where there is one.
    SendsTheRotationToken,
    /// A binary value stays binary, byte for byte, and a text stays text.
    KeepsTheKind,
    /// `promote` moves `AWSCURRENT` if it is where the caller thinks, and not otherwise.
    PromotesByCompareAndSwap,
    /// `release_pending` takes `AWSPENDING` off this version, and off no other.
    ReleasesItsOwn,
    /// A write whose answer is lost, or that failed within the service, is uncertain.
    LostAnswersAreUncertain,
    /// A refusal is certain, and is of the kind that says who can mend it.
    RefusalsAreCertain,
    /// No error holds a value.
    ErrorsHideValues,
}

impl StoreClause {
    /// All.
    pub const ALL: [Self; 12] = [
        Self::DescribesWhole,
        Self::ReadsByLabelAndId,
        Self::TellsAbsentFromMoved,
        Self::PutsPending,
        Self::PutsOnce,
        Self::SendsTheRotationToken,
        Self::KeepsTheKind,
        Self::PromotesByCompareAndSwap,
        Self::ReleasesItsOwn,
        Self::LostAnswersAreUncertain,
        Self::RefusalsAreCertain,
        Self::ErrorsHideValues,
    ];

    /// Its name, as for a test function.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DescribesWhole => "describes_whole",
            Self::ReadsByLabelAndId => "reads_by_label_and_id",
            Self::TellsAbsentFromMoved => "tells_absent_from_moved",
            Self::PutsPending => "puts_pending",
            Self::PutsOnce => "puts_once",
            Self::SendsTheRotationToken => "sends_the_rotation_token",
            Self::KeepsTheKind => "keeps_the_kind",
            Self::PromotesByCompareAndSwap => "promotes_by_compare_and_swap",
            Self::ReleasesItsOwn => "releases_its_own",
            Self::LostAnswersAreUncertain => "lost_answers_are_uncertain",
            Self::RefusalsAreCertain => "refusals_are_certain",
            Self::ErrorsHideValues => "errors_hide_values",
        }
    }
}

/// What became of every clause.
#[derive(Clone, Debug)]
pub struct StoreReport {
    results: Vec<(StoreClause, Result<(), String>)>,
}

impl StoreReport {
    /// The clauses that are broken, each with what was seen.
    #[must_use]
    pub fn broken(&self) -> Vec<(StoreClause, &str)> {
        let results = self.results.iter();
        results
            .filter_map(|(clause, result)| Some((*clause, result.as_ref().err()?.as_str())))
            .collect()
    }

    /// Fails a test whose store breaks a clause.
    ///
    /// # Panics
    ///
    /// With the report as the message, if a clause is broken.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_holds(&self) {
        if !self.broken().is_empty() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for StoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (clause, result) in &self.results {
            let name = clause.name();
            match result {
                Ok(()) => writeln!(f, "  ok      {name}")?,
                Err(what) => writeln!(f, "  BROKEN  {name}: {what}")?,
            }
        }
        Ok(())
    }
}

/// Checks every clause.
pub async fn check(subject: &impl StoreSubject) -> StoreReport {
    let mut results = Vec::new();
    for clause in StoreClause::ALL {
        results.push((clause, check_clause(subject, clause).await));
    }
    StoreReport { results }
}

/// Checks one clause, for a test of its own.
///
/// # Errors
///
/// What was seen, if the clause is broken.
pub async fn check_clause(subject: &impl StoreSubject, clause: StoreClause) -> Result<(), String> {
    let bench = Bench::stage(subject).await?;
    match clause {
        StoreClause::DescribesWhole => bench.describes_whole().await,
        StoreClause::ReadsByLabelAndId => bench.reads_by_label_and_id().await,
        StoreClause::TellsAbsentFromMoved => bench.tells_absent_from_moved().await,
        StoreClause::PutsPending => bench.puts_pending().await,
        StoreClause::PutsOnce => bench.puts_once().await,
        StoreClause::SendsTheRotationToken => bench.sends_the_rotation_token().await,
        StoreClause::KeepsTheKind => bench.keeps_the_kind().await,
        StoreClause::PromotesByCompareAndSwap => bench.promotes().await,
        StoreClause::ReleasesItsOwn => bench.releases_its_own().await,
        StoreClause::LostAnswersAreUncertain => lost_answers_are_uncertain(subject).await,
        StoreClause::RefusalsAreCertain => refusals_are_certain(subject).await,
        StoreClause::ErrorsHideValues => errors_hide_values(subject).await,
    }
}
