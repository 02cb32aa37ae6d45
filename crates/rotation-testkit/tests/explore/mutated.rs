//! The core as it is compiled, explored on every reference subject until something breaks: for `.ci/mutations`, which
//! takes one safeguard after another out of it. Run by itself it shows that the core as it is breaks nothing.

use rotation_core::Grace;
use rotation_testkit::Subject;
use rotation_testkit::explore::Explorer;

use crate::pair::Turns;
use crate::subjects::{Minted, Password};

/// What was found, as one line for `.ci/mutations` to read.
fn caught(subject: &str, explorer: Explorer<impl Subject>, before: &mut usize) -> Option<String> {
    let report = explorer.quiet().at_most(share()).random(1, share() / 4).run();
    *before += report.histories();
    let violation = report.violation()?;
    Some(format!(
        "caught by {:?} after {before} histories, on {subject}: {}",
        violation.invariant, violation.replay
    ))
}

/// How many histories of each subject, at each number of faults. Few, where the references are explored as well.
fn share() -> usize {
    let asked = std::env::var("ROTATION_EXPLORE").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(200)
}

#[test]
fn the_core_as_it_is_compiled() {
    let mut before = 0;
    let minted = || Explorer::new(Minted);
    let found = None
        .or_else(|| caught("minted keys", minted(), &mut before))
        .or_else(|| caught("minted keys, no grace", minted().grace(Grace::None), &mut before))
        .or_else(|| caught("a password", Explorer::new(Password), &mut before))
        .or_else(|| {
            caught(
                "two users, no grace",
                Explorer::new(Turns).grace(Grace::None),
                &mut before,
            )
        })
        .or_else(|| {
            let replicated = minted().grace(Grace::None).with_replica();
            caught("minted keys, no grace, a replica", replicated, &mut before)
        })
        .or_else(|| {
            caught(
                "minted keys, the first rotation",
                minted().first_rotation(),
                &mut before,
            )
        })
        .or_else(|| caught("two users", Explorer::new(Turns), &mut before));
    match found {
        Some(line) => panic!("{line}"),
        None => println!("nothing broke in {before} histories"),
    }
}
