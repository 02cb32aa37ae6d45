//! The backend keeps the contract, however keys come to life.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

use rotation_testkit::conformance::Conformance;

#[path = "support/subject.rs"]
mod subject;
mod support;

use subject::Way;
use support::Keys;

#[test]
fn every_way_in_which_keys_come_to_life_keeps_the_contract() {
    for keys in Keys::ALL {
        let report = Conformance::new(Way::new(keys)).run();
        println!("{keys:?}, {report}");
        report.assert_holds();
    }
}
