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
    /// No version becomes `AWSCURRENT` before testSecret has proved its credential.
    PromotedIsTested,
    /// Where an operator puts `AWSCURRENT` while an invocation is under way, that invocation leaves it.
    OperatorsLabelStays,
    /// A value that the target rejects for good keeps no later rotation from starting.
    RejectedBlocksNothing,
    /// The backend sends the target nothing when the time of its call is over.
    NothingAfterTheDeadline,
    /// A dry run leaves the labels, the current value and the credentials at the target as they were.
    DryRunChangesNothing,
}

impl Invariant {
    /// All, in the order of the manual.
    pub const ALL: [Self; 10] = [
        Self::CurrentWorks,
        Self::Converges,
        Self::NoOrphan,
        Self::LiveIsNotEnded,
        Self::NothingPrinted,
        Self::PromotedIsTested,
        Self::OperatorsLabelStays,
        Self::RejectedBlocksNothing,
        Self::NothingAfterTheDeadline,
        Self::DryRunChangesNothing,
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
            Self::PromotedIsTested => "what is promoted was tested",
            Self::OperatorsLabelStays => {
                "where an operator puts AWSCURRENT, an invocation under way leaves it"
            }
            Self::RejectedBlocksNothing => "a rejected value keeps no later rotation from starting",
            Self::NothingAfterTheDeadline => "nothing is sent to the target after the deadline",
            Self::DryRunChangesNothing => "a dry run changes nothing",
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
