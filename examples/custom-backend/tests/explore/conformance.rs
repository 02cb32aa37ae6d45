//! The contract of a backend, clause by clause.

use rotation_testkit::conformance::{Clause, Conformance};

use crate::support::{KEYS, Keys};

const FOUR_KEYS: &str = "the check makes four keys, and an account has two at most";

#[test]
fn the_backend_keeps_the_contract() {
    let suite = Conformance::new(KEYS).not_applicable(Clause::CreateSparesTheLive, FOUR_KEYS);
    let report = suite.run();
    println!("{report}");
    report.assert_holds();
}

/// On a Forge that allows more.
#[test]
fn create_spares_the_live() {
    Conformance::new(Keys { limit: 4, ..KEYS }).assert(Clause::CreateSparesTheLive);
}
