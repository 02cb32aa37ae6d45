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
