//! Every history of a rotation to the depth of one fault, however keys come to life: the explorer of the test
//! kit on the real backend, with the kit's provider in process, so that faults strike each of its requests as
//! they strike each call of Secrets Manager.
//!
//! Every run takes a share of the histories with a fault. A longer one is asked for by the number of distinct
//! histories, all four ways together, and it fails if there were fewer:
//!
//! ```sh
//! ROTATION_EXPLORE=100000 cargo test -p rotation-http --config .cargo/explore.toml --test explore --all-features -- explorer --nocapture
//! ```
//!
//! Two idle cores explore 1,900 of them in a second, in a debug build: 100,000 take less than a minute, and a
//! little more is explored than is asked for.

use rotation_core::Grace;
use rotation_testkit::explore::Explorer;

use crate::subject::Way;
use crate::support::Keys;

/// How many distinct histories are wanted, all four ways together; `None` if nobody asked.
fn asked_for() -> Option<usize> {
    let text = std::env::var("ROTATION_EXPLORE").ok()?;
    let number = text.parse().unwrap_or_else(|_| {
        panic!("ROTATION_EXPLORE is {text:?}; set it to a number of distinct histories, such as 100000")
    });
    Some(number)
}

/// With and without grace, the first rotation and a later one.
const SETTINGS: [(Grace, bool); 4] = [
    (Grace::UntilNextRotation, false),
    (Grace::UntilNextRotation, true),
    (Grace::None, false),
    (Grace::None, true),
];

fn explored(keys: Keys) {
    let settings = SETTINGS.len();
    let asked_for = asked_for().map(|all| all.div_ceil(Keys::ALL.len()));
    // Of each number of faults. In some histories the same happens as in others: so a twentieth more.
    let most = asked_for.map_or(1000, |all| all.div_ceil(settings) * 21 / 20);
    let mut distinct = 0;
    for (grace, first) in SETTINGS {
        let explorer = Explorer::new(Way::new(keys)).grace(grace).at_most(most);
        let explorer = match first {
            true => explorer.first_rotation(),
            false => explorer,
        };
        let report = explorer.random(1, 100).run();
        println!("{keys:?}, {grace:?}, first: {first}: {report}");
        report.assert_holds();
        distinct += report.distinct();
    }
    println!("{keys:?}: {distinct} distinct histories");
    let least = asked_for.unwrap_or(5500);
    assert!(
        distinct >= least,
        "{distinct} distinct histories of {keys:?}, not {least}"
    );
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
