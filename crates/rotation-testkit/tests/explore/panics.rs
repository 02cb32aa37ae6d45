//! A backend that panics is a violation, the same at every exploration.

use rotation_testkit::conformance::Clause;
use rotation_testkit::explore::Explorer;

use crate::odd::{Keys, Odd, broken};

/// However many threads, the first violation by number is the one that is shown.
#[test]
fn the_same_violation_is_found_each_time() {
    let replay = |threads| {
        let explorer = Explorer::new(Keys(Odd::Panics)).quiet().threads(threads);
        explorer.run().violation().unwrap().replay.clone()
    };
    let alone = replay(1);
    assert!((0..5).all(|_| replay(4) == alone));
}

#[test]
fn a_panic_is_a_history_too() {
    let report = Explorer::new(Keys(Odd::Panics)).quiet().run();
    let violation = report.violation().unwrap();
    assert!(violation.what.contains("panicked: no answer"), "{violation}");
    let again = Explorer::new(Keys(Odd::Panics)).quiet().replay(&violation.replay);
    assert_eq!(again.unwrap().violation().unwrap().what, violation.what);
    let what = broken(Odd::Panics, Clause::ErrorsHideSecrets);
    assert!(what.contains("panicked"), "{what}");
}
