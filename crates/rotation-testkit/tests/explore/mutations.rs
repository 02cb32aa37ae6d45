//! The explorer on broken cores: for each invariant some that break it, each of which it must catch.

use rotation_core::Grace;
use rotation_testkit::Subject;
use rotation_testkit::explore::{Explorer, Invariant, Report};

use crate::broken_core::{Mutation, broken};
use crate::subjects::{Minted, Password};

/// The subject on which it shows, and the invariant that it breaks.
const MUTATIONS: [(Mutation, Kind, Invariant); 14] = [
    (
        Mutation::PromotesUntested,
        Kind::Minted,
        Invariant::PromotedIsTested,
    ),
    (Mutation::PutsAsCurrent, Kind::Password, Invariant::CurrentWorks),
    (
        Mutation::SetsBeforeItStores,
        Kind::Password,
        Invariant::CurrentWorks,
    ),
    (Mutation::ForgetsTheToken, Kind::Minted, Invariant::Converges),
    (
        Mutation::GivesUpAtTheFirstFailure,
        Kind::Password,
        Invariant::Converges,
    ),
    (Mutation::KeepsWhatFallsOff, Kind::Minted, Invariant::NoOrphan),
    (Mutation::ReturnsWhenCurrent, Kind::NoGrace, Invariant::NoOrphan),
    (Mutation::TellsNoIds, Kind::Minted, Invariant::CurrentWorks),
    (
        Mutation::EndsWhatMayBeStored,
        Kind::Minted,
        Invariant::LiveIsNotEnded,
    ),
    (Mutation::QuotesTheValue, Kind::Minted, Invariant::NothingPrinted),
    (Mutation::LogsTheValue, Kind::Password, Invariant::NothingPrinted),
    (
        Mutation::MovesWhateverIsCurrent,
        Kind::Minted,
        Invariant::OperatorsLabelStays,
    ),
    (
        Mutation::ReleasesNothing,
        Kind::Minted,
        Invariant::RejectedBlocksNothing,
    ),
    (
        Mutation::MakesOneInADryRun,
        Kind::Minted,
        Invariant::DryRunChangesNothing,
    ),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Minted,
    NoGrace,
    Password,
}

fn explore(kind: Kind, mutation: Mutation) -> Report {
    match kind {
        Kind::Minted => run(Explorer::new(Minted), mutation),
        Kind::NoGrace => run(Explorer::new(Minted).grace(Grace::None), mutation),
        Kind::Password => run(Explorer::new(Password), mutation),
    }
}

fn run<S: Subject>(explorer: Explorer<S>, mutation: Mutation) -> Report {
    let explorer = explorer.with_rotate(move |parts| broken(parts, mutation)).quiet();
    explorer.faults(1).at_most(4_000).run()
}

#[test]
fn each_broken_core_is_caught() {
    println!(
        "{:26}  {:9}  {:15}  the shortest history",
        "core", "histories", "caught by"
    );
    let mut missed = Vec::new();
    for (mutation, kind, invariant) in MUTATIONS {
        let report = explore(kind, mutation);
        match report.violation() {
            Some(violation) if violation.invariant == invariant => {
                let (mutation, histories) = (format!("{mutation:?}"), report.histories());
                let (invariant, replay) = (format!("{invariant:?}"), &violation.replay);
                println!("{mutation:26}  {histories:9}  {invariant:15}  {replay}");
            }
            _ => missed.push(format!("{mutation:?}: {report}")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    for invariant in Invariant::ALL {
        // The framework drops a call when its time is over, and the doubles look at the time before each request. A
        // unit test of `FaultyBackend` shows that a late request is noted.
        let from_within = invariant == Invariant::NothingAfterTheDeadline;
        let shown = MUTATIONS.iter().any(|(_, _, of)| *of == invariant);
        assert!(shown != from_within, "{invariant:?}");
    }
}
