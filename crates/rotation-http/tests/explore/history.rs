//! One rotation under faults, and what follows on a step that failed.

use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPENDING};
use rotation_testkit::{Fault, Passage, StepRun};

use crate::support::scene::Scene;

pub(crate) const KINDS: [Fault; 9] = [
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::LoseRequest,
    Fault::LoseResponse,
    Fault::Throttle,
    Fault::Deny,
    Fault::InternalError,
    Fault::Hang,
    Fault::HangAfter,
];

/// What follows on a step that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Then {
    /// The service replays the rotation in an hour: the maker of an orphan is then out of time.
    ReplayLater,
    /// It replays after a second: the maker may still be at work.
    ReplayAtOnce,
    /// An operator gives the rotation up and starts a new one, with another token.
    NewToken,
}

pub(crate) const THEN: [Then; 3] = [Then::ReplayLater, Then::ReplayAtOnce, Then::NewToken];

/// One rotation with these faults, replays and all, and another an hour later with none: each ends
/// with its version as `AWSCURRENT`. Says which faults struck.
pub(crate) async fn disturbed(
    scene: &Scene,
    plan: &[(usize, Fault)],
    then: Then,
    history: &str,
) -> Vec<Passage> {
    if then == Then::ReplayAtOnce {
        scene
            .simulator
            .configure(|options| options.replay_interval = Duration::from_secs(1));
    }
    for (number, fault) in plan {
        scene.simulator.faults().at(*number, *fault);
    }
    let mut token = scene.simulator.operator().rotate(&scene.arn).unwrap();
    let gives_up = |run: &StepRun| then == Then::NewToken && !run.result.is_done();
    while scene.finish(gives_up).await.is_some() {
        token = start_anew(scene);
    }
    check_promoted(scene, &token, history);
    let struck = scene.simulator.faults().struck();
    scene.simulator.faults().clear();
    scene.simulator.skip(Duration::from_secs(3600));
    let token = scene.rotate().await;
    check_promoted(scene, &token, history);
    struck
}

fn check_promoted(scene: &Scene, token: &str, history: &str) {
    let labels = scene.simulator.labels(&scene.arn);
    assert_eq!(
        labels.version_with(AWSCURRENT),
        Some(token),
        "not promoted: {history}\n{labels}"
    );
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

/// The scene after one undisturbed rotation, so that the next has a key to end.
pub(crate) async fn rotated_once(scene: Scene) -> Scene {
    scene.rotate().await;
    scene.simulator.skip(Duration::from_secs(3600));
    scene.simulator.faults().clear();
    scene
}

/// The names of the effects of one undisturbed rotation, the second.
pub(crate) async fn effects(scene: Scene) -> Vec<String> {
    let scene = rotated_once(scene).await;
    scene.rotate().await;
    let passages = scene.simulator.faults().passages().into_iter();
    passages.map(|passage| passage.name).collect()
}
