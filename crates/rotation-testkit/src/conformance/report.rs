//! What became of every clause.

use std::fmt;

use super::clause::Clause;
use super::verdict::Verdict;

/// What became of every clause. `Display` is for people; [`assert_holds`](Self::assert_holds) for tests.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) profile: &'static str,
    pub(super) results: Vec<(Clause, Verdict)>,
}

impl Report {
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
    /// With the report as the message, if a clause is broken.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_holds(&self) {
        if !self.broken().is_empty() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for Report {
    /// The broken clauses stand at the end, where a terminal shows them first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} clauses", self.profile, self.results.len())?;
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
