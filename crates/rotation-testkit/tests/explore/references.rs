//! The explorer on the reference backends: what it promises for others holds for them.
//!
//! Every run takes a share of the histories with a fault, each kind of history at least once. All of them, and
//! 10,000 with three to six faults:
//!
//! ```sh
//! ROTATION_EXPLORE=all cargo test -p rotation-testkit --all-features --config .cargo/explore.toml --test explore -- references --nocapture
//! ```

use rotation_core::Grace;
use rotation_testkit::Subject;
use rotation_testkit::explore::Explorer;

use crate::pair::Turns;
use crate::subjects::{Minted, Password};

fn asked_for_all() -> bool {
    std::env::var("ROTATION_EXPLORE").is_ok_and(|all| all == "all")
}

/// How many histories with a fault an ordinary run takes: of a double each kind, of its other settings some.
const EACH_KIND: usize = 4_500;
const SOME: usize = 400;

fn explored(what: &str, explorer: Explorer<impl Subject>, share: usize) {
    let report = match asked_for_all() {
        true => explorer.exhaustively().random(1, 10_000).run(),
        false => explorer.at_most(share).random(1, 200).run(),
    };
    println!("{what}: {report}");
    report.assert_holds();
    assert!(report.has_each_kind(1) || share == SOME, "{report}");
    assert_eq!(report.is_exhaustive(1), asked_for_all());
}

#[test]
fn minted_keys() {
    for (grace, share) in [(Grace::UntilNextRotation, EACH_KIND), (Grace::None, SOME)] {
        explored(
            &format!("minted, {grace:?}"),
            Explorer::new(Minted).grace(grace),
            share,
        );
        let first = Explorer::new(Minted).grace(grace).first_rotation();
        explored(&format!("minted, {grace:?}, the first rotation"), first, SOME);
    }
}

#[test]
fn passwords() {
    explored("password", Explorer::new(Password), EACH_KIND);
    let first = Explorer::new(Password).first_rotation();
    explored("password, the first rotation", first, SOME);
}

#[test]
fn two_users_in_turns() {
    for (grace, share) in [(Grace::UntilNextRotation, EACH_KIND), (Grace::None, SOME)] {
        explored(
            &format!("two users, {grace:?}"),
            Explorer::new(Turns).grace(grace),
            share,
        );
    }
}

#[test]
fn with_a_replica() {
    let explorer = Explorer::new(Minted).grace(Grace::None).with_replica();
    explored("minted, no grace, a replica", explorer, SOME);
}
