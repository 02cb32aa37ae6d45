//! What became of every clause.

use std::fmt;

use super::clause::Clause;
use super::verdict::Verdict;
use crate::subject::COARSE;

/// What became of every clause. `Display` is for people; [`assert_holds`](Self::assert_holds) for tests.
#[derive(Clone, Debug)]
pub struct Report {
    profile: &'static str,
    /// What is wrong with the stage itself: then no clause was checked.
    setup: Option<String>,
    coarse: bool,
    results: Vec<(Clause, Verdict)>,
}

impl Report {
    pub(super) fn of_setup(what: String) -> Self {
        Self {
            profile: "",
            setup: Some(what),
            coarse: false,
            results: Vec::new(),
        }
    }

    pub(super) fn of_clauses(profile: &'static str, coarse: bool, results: Vec<(Clause, Verdict)>) -> Self {
        Self {
            profile,
            setup: None,
            coarse,
            results,
        }
    }

    /// What is wrong with the stage itself, the backend together with its double. Then no clause was checked, because
    /// each would have failed for that reason.
    #[must_use]
    pub fn setup(&self) -> Option<&str> {
        self.setup.as_deref()
    }

    /// The clauses that are broken.
    #[must_use]
    pub fn broken(&self) -> Vec<Clause> {
        let broken = self.results.iter();
        broken
            .filter(|(_, verdict)| matches!(verdict, Verdict::Broken(_)))
            .map(|(clause, _)| *clause)
            .collect()
    }

    /// Fails a test whose backend breaks a clause.
    ///
    /// # Panics
    ///
    /// With the report as the message, if a clause is broken, or if the stage is.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_holds(&self) {
        if self.setup.is_some() || !self.broken().is_empty() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for Report {
    /// The broken clauses stand at the end, where a terminal shows them first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(what) = &self.setup {
            writeln!(f, "THE STAGE IS BROKEN, so no clause was checked:")?;
            return writeln!(f, "  {what}");
        }
        writeln!(f, "{}: {} clauses", self.profile, self.results.len())?;
        if self.coarse {
            writeln!(f, "  {COARSE}")?;
        }
        for (clause, verdict) in &self.results {
            let word = match verdict {
                Verdict::Holds => "ok",
                Verdict::Broken(_) => "BROKEN",
                Verdict::NotApplicable(_) => "n/a",
            };
            match verdict {
                Verdict::NotApplicable(why) => writeln!(f, "  {word:6}  {clause:26}  {why}")?,
                Verdict::Holds | Verdict::Broken(_) => {
                    writeln!(f, "  {word:6}  {clause:26}  {}", clause.asks())?;
                }
            }
        }
        for (clause, verdict) in &self.results {
            if let Verdict::Broken(what) = verdict {
                writeln!(f, "\nBROKEN {clause}: {}", clause.asks())?;
                for line in what.lines() {
                    writeln!(f, "  {line}")?;
                }
                writeln!(f, "  The contract: {}.", clause.section())?;
            }
        }
        Ok(())
    }
}
