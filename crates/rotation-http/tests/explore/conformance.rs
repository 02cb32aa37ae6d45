//! The backend keeps the contract, however keys come to life.

use rotation_testkit::conformance::Conformance;

use crate::subject::Way;
use crate::support::Keys;

#[test]
fn every_way_in_which_keys_come_to_life_keeps_the_contract() {
    for keys in Keys::ALL {
        let report = Conformance::new(Way::new(keys)).run();
        println!("{keys:?}, {report}");
        report.assert_holds();
    }
}
