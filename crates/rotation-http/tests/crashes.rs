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
use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPENDING, Grace};
use rotation_testkit::{Fault, Passage};

#[path = "support/scene.rs"]
mod scene;
mod support;

use scene::Scene;

const KINDS: [Fault; 6] = [
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::LoseRequest,
    Fault::LoseResponse,
    Fault::Throttle,
    Fault::HangAfter,
];

/// What follows on a step that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    /// The service replays the rotation in an hour: the maker of an orphan is then out of time.
    ReplayLater,
    /// It replays after a second: the maker may still be at work.
    ReplayAtOnce,
    /// An operator gives the rotation up and starts a new one, with another token.
    NewToken,
}

const THEN: [Then; 3] = [Then::ReplayLater, Then::ReplayAtOnce, Then::NewToken];

/// A secret with one rotation behind it, so that the next has a key to end.
async fn rotated_once(grace: Grace) -> Scene {
    let scene = Scene::new(grace);
    scene.rotate().await;
    scene.simulator.skip(Duration::from_secs(3600));
    scene.simulator.faults().clear();
    scene
}

/// One rotation with these faults, and another an hour later with none. Says which faults struck.
async fn history(grace: Grace, plan: &[(usize, Fault)], then: Then) -> Vec<Passage> {
    let scene = rotated_once(grace).await;
    let history = format!("{grace:?} {plan:?} {then:?}");
    if then == Then::ReplayAtOnce {
        scene
            .simulator
            .configure(|options| options.replay_interval = Duration::from_secs(1));
    }
    for (number, fault) in plan {
        scene.simulator.faults().at(*number, *fault);
    }
    let mut token = scene.simulator.operator().rotate(&scene.arn).unwrap();
    let gives_up = |run: &rotation_testkit::StepRun| then == Then::NewToken && !run.result.is_done();
    while scene.finish(gives_up).await.is_some() {
        token = start_anew(&scene);
    }
    let labels = scene.simulator.labels(&scene.arn);
    assert_eq!(
        labels.version_with(AWSCURRENT),
        Some(token.as_str()),
        "not promoted: {history}\n{labels}"
    );
    let struck = scene.simulator.faults().struck();
    scene.simulator.faults().clear();
    scene.simulator.skip(Duration::from_secs(3600));
    let token = scene.rotate().await;
    let labels = scene.simulator.labels(&scene.arn);
    assert_eq!(
        labels.version_with(AWSCURRENT),
        Some(token.as_str()),
        "not promoted: {history}\n{labels}"
    );
    scene.check_settled(&history);
    struck
}

fn start_anew(scene: &Scene) -> String {
    let operator = scene.simulator.operator();
    operator.cancel(&scene.arn).unwrap();
    let labels = scene.simulator.labels(&scene.arn);
    let pending = labels.version_with(AWSPENDING);
    if let Some(pending) = pending.filter(|pending| labels.version_with(AWSCURRENT) != Some(pending)) {
        operator.remove_label(&scene.arn, AWSPENDING, pending).unwrap();
    }
    operator.rotate(&scene.arn).unwrap()
}

/// The names of the effects of one undisturbed rotation.
async fn effects(grace: Grace) -> Vec<String> {
    let scene = rotated_once(grace).await;
    scene.rotate().await;
    scene
        .simulator
        .faults()
        .passages()
        .into_iter()
        .map(|passage| passage.name)
        .collect()
}

#[tokio::test]
async fn one_fault_at_every_effect() {
    let mut histories = 0;
    for grace in [Grace::UntilNextRotation, Grace::None] {
        let effects = effects(grace).await;
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
    let effects = effects(Grace::UntilNextRotation).await.len();
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
