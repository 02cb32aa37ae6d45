//! Histories of a rotation on a real server, single user and alternating users: the explorer of the test kit. Each
//! history has roles of its own. Faults strike at each message to and from the server; where two invocations overlap,
//! before and after each call of the backend.
//!
//! A longer run takes so many histories of each kind of subject, at each number of faults, and so many with 3 to 6:
//!
//! ```sh
//! ROTATION_EXPLORE=2000 cargo test -p rotation-postgres --config .cargo/explore.toml --test explore --all-features -- histories --nocapture
//! ```

use rotation_core::Grace;
use rotation_testkit::explore::Explorer;
use rotation_testkit::{Fault, Subject};

use crate::subject::{Alternating, At, Single};

/// How many histories without a fault and with one, and how many with 3 to 6. On a real server all would take weeks:
/// where all are asked for, these are 500.
fn sizes() -> (usize, usize) {
    let asked = std::env::var("ROTATION_EXPLORE").ok();
    let asked = asked.map(|text| text.parse().unwrap_or(500));
    asked.map_or((10, 20), |asked| (asked, asked))
}

/// A hang would be waited for in real time.
fn explored(what: &str, explorer: Explorer<impl Subject>) {
    let (most, random) = sizes();
    let explorer = explorer.threads(1).without(Fault::Hang).without(Fault::HangAfter);
    let report = explorer.at_most(most).random(1, random).run();
    println!("{what}: {report}");
    // Too few to meet each kind of fault in each step.
    report.assert_unbroken();
    assert!(report.distinct() > most, "{report}");
}

/// At the wire, and with overlaps around calls.
fn both<S: Subject>(what: &str, explorer: impl Fn(At) -> Explorer<S>) {
    explored(what, explorer(At::TheWire).without_overlaps());
    explored(&format!("{what}, overlaps"), explorer(At::Calls));
}

#[test]
fn a_single_user() {
    both("single user", |at| Explorer::new(Single(at)));
}

#[test]
fn alternating_users() {
    both("alternating users", |at| Explorer::new(Alternating(at)));
}

#[test]
fn alternating_users_without_grace() {
    let explorer = |at| Explorer::new(Alternating(at)).grace(Grace::None);
    both("alternating users without grace", explorer);
}

#[test]
fn the_first_rotation_of_alternating_users() {
    let explorer = |at| Explorer::new(Alternating(at)).first_rotation();
    both("alternating users, the first rotation", explorer);
}
