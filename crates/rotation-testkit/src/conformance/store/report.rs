//! What became of every clause.

use std::fmt;

use super::clause::{StoreClause, check_clause};
use super::subject::StoreSubject;

/// What became of every clause.
#[derive(Clone, Debug)]
pub struct StoreReport {
    results: Vec<(StoreClause, Result<(), String>)>,
}

impl StoreReport {
    /// Fails a test whose store breaks a clause.
    ///
    /// # Panics
    ///
    /// With the report as the message, if a clause is broken.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_holds(&self) {
        if self.results.iter().any(|(_, result)| result.is_err()) {
            panic!("{self}");
        }
    }
}

impl fmt::Display for StoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (clause, result) in &self.results {
            match result {
                Ok(()) => writeln!(f, "  ok      {clause}")?,
                Err(what) => writeln!(f, "  BROKEN  {clause}: {what}")?,
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
