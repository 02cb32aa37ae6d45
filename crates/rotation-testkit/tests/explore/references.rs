//! The explorer on the reference backends: what it promises for others holds for them.

use rotation_core::Grace;
use rotation_testkit::explore::Explorer;

use crate::subjects::{Minted, Password};

#[test]
fn minted_keys() {
    for grace in [Grace::UntilNextRotation, Grace::None] {
        let report = Explorer::new(Minted)
            .grace(grace)
            .faults(1)
            .at_most(20_000)
            .random(1, 500)
            .run();
        println!("minted, {grace:?}: {report}");
        report.assert_holds();
    }
}

#[test]
fn passwords() {
    let report = Explorer::new(Password)
        .faults(1)
        .at_most(5_000)
        .random(1, 500)
        .run();
    println!("password: {report}");
    report.assert_holds();
}
