//! Every fault at every effect of a rotation: Secrets Manager's calls and the provider's requests
//! count together. After each step `AWSCURRENT` authenticates; in the end no key is left that no
//! labelled version holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

use std::collections::BTreeSet;

use rotation_core::Grace;
use rotation_testkit::{Fault, Passage};

#[path = "support/history.rs"]
mod history;
#[path = "support/scene.rs"]
mod scene;
mod support;

use history::{KINDS, THEN, Then, disturbed, effects, rotated_once};
use scene::Scene;

/// One rotation with these faults, and another an hour later with none. Says which faults struck.
async fn history(grace: Grace, plan: &[(usize, Fault)], then: Then) -> Vec<Passage> {
    let scene = rotated_once(Scene::new(grace)).await;
    let history = format!("{grace:?} {plan:?} {then:?}");
    let struck = disturbed(&scene, plan, then, &history).await;
    scene.check_settled(&history);
    struck
}

#[tokio::test]
async fn one_fault_at_every_effect() {
    let mut histories = 0;
    for grace in [Grace::UntilNextRotation, Grace::None] {
        let effects = effects(Scene::new(grace)).await;
        let mut struck = BTreeSet::new();
        for number in 1..=effects.len() {
            for fault in KINDS {
                for then in THEN {
                    let passages = history(grace, &[(number, fault)], then).await;
                    assert_eq!(passages.len(), 1, "{number} {fault:?} did not strike");
                    struck.extend(
                        passages
                            .into_iter()
                            .filter_map(|passage| Some((passage.name, passage.fault?))),
                    );
                    histories += 1;
                }
            }
        }
        let names: BTreeSet<_> = effects.into_iter().collect();
        assert_eq!(struck.len(), names.len() * KINDS.len(), "{struck:?}");
        for name in [
            "POST /api-keys",
            "GET /api-keys",
            "DELETE /api-keys/{id}",
            "GET /health",
            "PutSecretValue",
        ] {
            assert!(
                names.contains(name) || grace == Grace::None,
                "{name} is not among {names:?}"
            );
        }
    }
    println!("{histories} histories with one fault");
    assert_eq!(histories, 720);
}

#[tokio::test]
async fn a_second_fault_strikes_the_recovery() {
    let kinds = [Fault::CrashAfter, Fault::LoseResponse];
    let effects = effects(Scene::new(Grace::UntilNextRotation)).await.len();
    let (mut histories, mut both) = (0, 0);
    for first in 1..=effects {
        for second in first + 1..=first + effects {
            for fault in kinds {
                for then in THEN {
                    let plan = [(first, fault), (second, Fault::CrashAfter)];
                    let struck = history(Grace::UntilNextRotation, &plan, then).await;
                    histories += 1;
                    both += usize::from(struck.len() == 2);
                }
            }
        }
    }
    println!("{histories} histories with two faults, {both} in which both struck");
    assert_eq!((histories, both), (1944, 1628));
}
