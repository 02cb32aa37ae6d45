//! Both strategies keep the contract, on the real server: every clause with faults at each message to and from it, but
//! for those in which two invocations overlap. There a message that waits cannot be told from another invocation's, and
//! faults strike whole calls.

use rotation_testkit::Subject;
use rotation_testkit::conformance::{Clause, Conformance};

use crate::subject::{Alternating, At, Single};

const OVERLAPS: [Clause; 2] = [Clause::ConcurrentUse, Clause::LiveIsNotRetired];

fn at_the_wire(subject: impl Subject) {
    let mut suite = Conformance::new(subject).at_most(40);
    for clause in OVERLAPS {
        suite = suite.not_applicable(clause, "two invocations overlap; `..._around_calls` checks it");
    }
    let report = suite.run();
    println!("{report}");
    report.assert_holds();
}

fn around_calls<S: Subject>(subject: S) {
    let suite = Conformance::new(subject).at_most(40);
    for clause in OVERLAPS {
        suite.assert(clause);
    }
}

#[test]
fn a_single_user_keeps_the_contract() {
    at_the_wire(Single(At::TheWire));
}

#[test]
fn a_single_user_keeps_the_contract_around_calls() {
    around_calls(Single(At::Calls));
}

#[test]
fn alternating_users_keep_the_contract() {
    at_the_wire(Alternating(At::TheWire));
}

#[test]
fn alternating_users_keep_the_contract_around_calls() {
    around_calls(Alternating(At::Calls));
}
