//! Histories of a rotation on a real server, single user and alternating users: the explorer of the test kit,
//! with faults at the backend's calls and at those of Secrets Manager. Each history has roles of its own. The
//! messages to and from the server are explored in `crashes.rs`.

use rotation_core::Grace;
use rotation_testkit::explore::{Explorer, Report};
use rotation_testkit::{Fault, Subject};

use crate::subject::{Alternating, Single};

fn explored(explorer: Explorer<impl Subject>, distinct: usize) -> Report {
    let report = explorer
        .threads(1)
        .without(Fault::Hang)
        .without(Fault::HangAfter)
        .run();
    println!("{report}");
    assert!(report.violation().is_none(), "{report}");
    assert!(report.distinct() >= distinct, "{report}");
    report
}

#[test]
fn a_single_user() {
    let explorer = Explorer::new(Single).at_most(30).random(1, 120);
    explored(explorer, 150).assert_holds();
}

#[test]
fn alternating_users() {
    let explorer = Explorer::new(Alternating).at_most(30).random(1, 120);
    explored(explorer, 150).assert_holds();
}

#[test]
fn alternating_users_without_grace() {
    let explorer = Explorer::new(Alternating).grace(Grace::None).at_most(30);
    explored(explorer.random(1, 120), 150).assert_holds();
}

/// Too few to meet each kind of fault in each step, as the others do.
#[test]
fn the_first_rotation_of_alternating_users() {
    explored(Explorer::new(Alternating).first_rotation().at_most(30), 40);
}
