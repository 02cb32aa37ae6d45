//! What became of one clause.

use super::bench::Finding;

/// What became of one clause.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not: what was seen.
    Broken(String),
    /// It cannot apply: why.
    NotApplicable(String),
}

impl From<Finding> for Verdict {
    fn from(finding: Finding) -> Self {
        finding.map_or_else(Self::Broken, |()| Self::Holds)
    }
}
