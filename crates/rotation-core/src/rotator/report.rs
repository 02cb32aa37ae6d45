//! What a step did.

use crate::retire::{Retire, Retirement};

/// What a step did.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// How it ended.
    pub outcome: Outcome,
    /// The credentials that were to be retired on the way, and what became of each: some are
    /// retired, some were gone, some were kept.
    pub endings: Vec<Ending>,
}

impl StepReport {
    /// The report of a step; for other implementations of [`Rotate`](crate::Rotate).
    #[must_use]
    pub fn new(outcome: Outcome, endings: Vec<Ending>) -> Self {
        Self { outcome, endings }
    }
}

/// How a step ended well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// createSecret made a credential and stored it.
    Created,
    /// createSecret found a value stored for this token.
    AlreadyStored,
    /// setSecret made the pending credential valid in the target.
    Set,
    /// setSecret had nothing to do: the credential worked when it was made.
    NothingToSet,
    /// testSecret proved that the pending credential works.
    Tested,
    /// finishSecret moved `AWSCURRENT`.
    Promoted,
    /// The token was `AWSCURRENT` when the step began.
    AlreadyCurrent,
}

impl Outcome {
    /// The outcome in lower-case words joined by underscores, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::AlreadyStored => "already_stored",
            Self::Set => "set",
            Self::NothingToSet => "nothing_to_set",
            Self::Tested => "tested",
            Self::Promoted => "promoted",
            Self::AlreadyCurrent => "already_current",
        }
    }
}

/// A credential that was to be retired, and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ending {
    /// The version that holds it; the one being rotated in for a credential that was not stored.
    pub version: String,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Why it was to be retired.
    pub why: Retire,
    /// What became of it.
    pub result: Retirement,
}

impl Ending {
    /// An ending, for other implementations of [`Rotate`](crate::Rotate).
    #[must_use]
    pub fn new(version: impl Into<String>, id: Option<String>, why: Retire, result: Retirement) -> Self {
        Self {
            version: version.into(),
            id,
            why,
            result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_logs_and_metrics_are_pinned() {
        let outcomes = [
            (Outcome::Created, "created"),
            (Outcome::AlreadyStored, "already_stored"),
            (Outcome::Set, "set"),
            (Outcome::NothingToSet, "nothing_to_set"),
            (Outcome::Tested, "tested"),
            (Outcome::Promoted, "promoted"),
            (Outcome::AlreadyCurrent, "already_current"),
        ];
        for (outcome, word) in outcomes {
            assert_eq!(outcome.as_str(), word);
        }
        let reasons = [
            (Retire::FallingOff, "falling off its last label"),
            (Retire::Superseded, "superseded, with no grace"),
            (Retire::NotStored, "made and not stored"),
            (Retire::Rejected, "rejected by the target"),
        ];
        for (reason, words) in reasons {
            assert_eq!(reason.as_str(), words);
        }
    }
}
