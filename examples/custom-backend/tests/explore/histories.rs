//! Every history of operators, overlaps and replays, and a share of those with a fault, and with more.

use rotation_core::Grace;
use rotation_testkit::explore::Explorer;

use crate::support::KEYS;

#[test]
fn every_history_keeps_the_promise() {
    let report = Explorer::new(KEYS).faults(1).at_most(1_500).random(1, 100).run();
    println!("{report}");
    report.assert_holds();
}

#[test]
fn and_without_grace() {
    let explorer = Explorer::new(KEYS).grace(Grace::None);
    let report = explorer.faults(1).at_most(400).random(1, 50).run();
    println!("{report}");
    report.assert_holds();
}
