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
use rotation_testkit::explore::{Explorer, Report};
use rotation_testkit::{Fault, Subject};

use crate::subject::{Alternating, At, Single};

/// How many histories without a fault and with one, and how many with 3 to 6: so many, or as `ROTATION_EXPLORE` says.
/// On a real server all would take weeks: where all are asked for, these are 500.
fn sizes(otherwise: (usize, usize)) -> (usize, usize) {
    let asked = std::env::var("ROTATION_EXPLORE").ok();
    let asked = asked.map(|text| text.parse().unwrap_or(500));
    asked.map_or(otherwise, |asked| (asked, asked))
}

/// A hang would be waited for in real time.
fn explored(what: &str, explorer: Explorer<impl Subject>, sizes: (usize, usize)) -> Report {
    let explorer = explorer.threads(1).without(Fault::Hang).without(Fault::HangAfter);
    let report = explorer.at_most(sizes.0).random(1, sizes.1).run();
    println!("{what}: {report}");
    report.assert_unbroken();
    report
}

/// At the wire, where they are too few to meet each kind of fault in each step; and with overlaps, around calls.
fn both<S: Subject>(what: &str, explorer: impl Fn(At) -> Explorer<S>) -> Report {
    let few = sizes((10, 20));
    let at_the_wire = explored(what, explorer(At::TheWire).without_overlaps(), few);
    assert!(at_the_wire.distinct() > few.0, "{at_the_wire}");
    let what = format!("{what}, overlaps");
    explored(&what, explorer(At::Calls), sizes((40, 120)))
}

/// Of which each kind of fault has to be met in each step.
fn covered(report: &Report) {
    report.assert_holds();
    assert!(report.distinct() >= 150, "{report}");
}

#[test]
fn a_single_user() {
    covered(&both("single user", |at| Explorer::new(Single(at))));
}

#[test]
fn alternating_users() {
    covered(&both("alternating users", |at| Explorer::new(Alternating(at))));
}

#[test]
fn alternating_users_without_grace() {
    let explorer = |at| Explorer::new(Alternating(at)).grace(Grace::None);
    covered(&both("alternating users without grace", explorer));
}

#[test]
fn the_first_rotation_of_alternating_users() {
    let explorer = |at| Explorer::new(Alternating(at)).first_rotation();
    let report = both("alternating users, the first rotation", explorer);
    assert!(report.distinct() >= 40, "{report}");
}
