//! The backend of the project's README keeps the contract and the promise.

use rotation_testkit::explore::Gap;

use crate::support::{manual, readme};

#[test]
fn it_keeps_the_contract() {
    let report = readme::conformance();
    println!("{report}");
    report.assert_holds();
}

#[test]
fn every_history_keeps_the_promise() {
    let report = readme::histories();
    println!("{report}");
    report.assert_holds();
    manual::has(report.gap_history(Gap::LateSet).unwrap());
}
