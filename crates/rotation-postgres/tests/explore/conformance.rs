//! Both strategies keep the contract, on the real server.

use rotation_testkit::Subject;
use rotation_testkit::conformance::{Clause, Conformance};

use crate::subject::{Alternating, Single};

/// The clauses that look at single requests: those of the wire are counted and cut in other tests.
fn suite<S: Subject>(subject: S) -> Conformance<S> {
    Conformance::new(subject)
        .at_most(12)
        .not_applicable(
            Clause::DeadlineIsKept,
            "a server that never answers is in `it/failures.rs`",
        )
        .not_applicable(
            Clause::CancellationIsSafe,
            "a crash at each message, in `crashes.rs`",
        )
}

#[test]
fn a_single_user_keeps_the_contract() {
    let report = suite(Single).run();
    println!("{report}");
    report.assert_holds();
}

#[test]
fn alternating_users_keep_the_contract() {
    let report = suite(Alternating).run();
    println!("{report}");
    report.assert_holds();
}
