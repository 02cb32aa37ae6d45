//! Every history of a rotation to the depth of one fault, however keys come to life: the explorer of the test
//! kit on the real backend, with the kit's provider in process, so that faults strike each of its requests as
//! they strike each call of Secrets Manager.
//!
//! Every run takes a share of the histories with a fault: of a later rotation with grace each kind of history (a step,
//! an effect, a fault, a twist) at least once. All of them, and 10,000 with three to six faults, way by way:
//!
//! ```sh
//! ROTATION_EXPLORE=all cargo test -p rotation-http --config .cargo/explore.toml --test explore --all-features -- explorer::minted --nocapture
//! ```

use rotation_core::Grace;
use rotation_testkit::explore::Explorer;

use crate::subject::Way;
use crate::support::Keys;

fn asked_for_all() -> bool {
    std::env::var("ROTATION_EXPLORE").is_ok_and(|all| all == "all")
}

/// With and without grace, the first rotation and a later one; and how many histories with a fault are a share.
const SETTINGS: [(Grace, bool, usize); 4] = [
    (Grace::UntilNextRotation, false, 5_600),
    (Grace::UntilNextRotation, true, 150),
    (Grace::None, false, 150),
    (Grace::None, true, 150),
];

fn explored(keys: Keys) {
    let mut distinct = 0;
    for (grace, first, share) in SETTINGS {
        let explorer = Explorer::new(Way::new(keys)).grace(grace);
        let explorer = match first {
            true => explorer.first_rotation(),
            false => explorer,
        };
        let report = match asked_for_all() {
            true => explorer.exhaustively().random(1, 10_000).run(),
            false => explorer.at_most(share).random(1, 50).run(),
        };
        println!("{keys:?}, {grace:?}, first: {first}: {report}");
        report.assert_holds();
        assert!(report.has_each_kind(1) || share < 1_000, "{report}");
        assert!(report.is_exhaustive(1) || !asked_for_all(), "{report}");
        distinct += report.distinct();
    }
    println!("{keys:?}: {distinct} distinct histories");
    assert!(distinct >= 5500, "{distinct} distinct histories of {keys:?}");
}

#[test]
fn minted_keys() {
    explored(Keys::Minted);
}

#[test]
fn keys_that_are_activated() {
    explored(Keys::Activated);
}

#[test]
fn uploaded_keys() {
    explored(Keys::Uploaded);
}

#[test]
fn uploaded_keys_with_ids_of_the_providers() {
    explored(Keys::Renamed);
}

/// A read that is two minutes old would lead to the end of a key that `AWSPENDING` holds. Reads settle while an
/// invocation hangs.
#[test]
fn reads_settle_while_invocations_hang() {
    let explorer = Explorer::new(Way::new(Keys::Minted));
    let report = explorer
        .replay("replay-at-once 12:Hang 16:Hang 20:Stale")
        .unwrap();
    println!("{report}");
    assert!(report.violation().is_none(), "{report}");
}
