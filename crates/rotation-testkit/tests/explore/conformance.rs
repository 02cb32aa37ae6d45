//! The suite on backends that keep the contract, and on one deliberately broken for each clause.

use rotation_testkit::conformance::{Clause, Conformance, Verdict};

use crate::flawed::{FLAWS, Flaw, Flawed};
use crate::subjects::{Minted, Password};

#[test]
fn the_minting_backend_keeps_the_contract() {
    let report = Conformance::new(Minted).run();
    println!("{report}");
    report.assert_holds();
}

#[test]
fn the_password_backend_keeps_the_contract() {
    let report = Conformance::new(Password).run();
    println!("{report}");
    report.assert_holds();
}

#[test]
fn the_backend_that_the_broken_ones_are_made_from_keeps_the_contract() {
    Conformance::new(Flawed(Flaw::None)).run().assert_holds();
}

/// For each clause there is a backend that breaks it, and its check says so.
#[test]
fn each_clause_fails_the_backend_that_breaks_it() {
    println!("{:28}  {:28}  first line of what it says", "backend", "caught by");
    let mut missed = Vec::new();
    for (flaw, clause) in FLAWS {
        let verdict = Conformance::new(Flawed(flaw)).check(clause);
        let Verdict::Broken(what) = verdict else {
            missed.push((flaw, clause, verdict));
            continue;
        };
        let first = what.lines().next().unwrap_or_default();
        let flaw = format!("{flaw:?}");
        println!(
            "{flaw:28}  {clause:28}  {}",
            first.chars().take(110).collect::<String>()
        );
    }
    assert!(missed.is_empty(), "{missed:#?}");
    for clause in Clause::ALL {
        assert!(
            FLAWS.iter().any(|(_, of)| *of == clause),
            "no backend breaks {clause}"
        );
    }
}
