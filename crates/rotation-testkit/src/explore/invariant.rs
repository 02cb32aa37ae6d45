//! The invariants, and how one is found broken.

use std::fmt;

/// What the framework promises, and every backend with it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Invariant {
    /// At every instant `AWSCURRENT` authenticates; for a credential that is changed in place, it or
    /// `AWSPENDING` does.
    CurrentWorks,
    /// After faults a replay with the same token, or the new rotation that an operator starts, ends with one
    /// promoted version; a stored pending value is never replaced by another.
    Converges,
    /// Once a later rotation has completed, every live credential is held by a labelled version.
    NoOrphan,
    /// The credential of a labelled version is never ended as an orphan; that of `AWSCURRENT` or
    /// `AWSPENDING` never at all.
    LiveIsNotEnded,
    /// No secret value occurs in an error or a log line.
    NothingPrinted,
}

impl Invariant {
    /// All, in the order of the manual.
    pub const ALL: [Self; 5] = [
        Self::CurrentWorks,
        Self::Converges,
        Self::NoOrphan,
        Self::LiveIsNotEnded,
        Self::NothingPrinted,
    ];
}

impl fmt::Display for Invariant {
    /// The promise in one sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CurrentWorks => "at every instant AWSCURRENT works",
            Self::Converges => "a rotation converges to one promoted version, and a stored value stays",
            Self::NoOrphan => "no credential outlives the next rotation that no labelled version holds",
            Self::LiveIsNotEnded => "no labelled version's credential is ended before its time",
            Self::NothingPrinted => "no secret is printed",
        })
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) invariant: Invariant,
    pub(super) what: String,
}

pub(super) type Checked = Result<(), Broken>;

pub(super) fn broken(invariant: Invariant, what: impl Into<String>) -> Broken {
    let what = what.into();
    Broken { invariant, what }
}
