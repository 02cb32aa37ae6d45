//! The clauses that take whole rotations.

use rotation_core::{Grace, Rotator};
use rotation_simulator::model::RotationEventName;
use rotation_simulator::{Fault, SeededRandom};

use super::bench::{Bench, Finding, list};
use crate::explore::Explorer;
use crate::explore::actor::REMAINING;
use crate::explore::twist::Twist;
use crate::subject::Subject;

pub(super) async fn dry_run<S: Subject>(subject: &S) -> Finding {
    let bench = Bench::stage(subject).await?;
    let (alive, hidden) = (bench.alive().await, bench.hider());
    let (simulator, arn, value, target) = (bench.simulator, bench.arn, bench.value, bench.target);
    let rotator = Rotator::new(bench.backend, simulator.store())
        .with_clock(simulator.clock())
        .with_random(SeededRandom::new(1));
    let started = simulator.operator().dry_run(&arn);
    started.map_err(|error| error.to_string())?;
    let runs = simulator.run(&rotator, REMAINING).await;
    let passed = RotationEventName::TestRotationSucceeded;
    if !simulator.records().iter().any(|record| record.name == passed) {
        let failed = runs.into_iter().find(|run| !run.result.is_done());
        let why = failed.map_or_else(String::new, |run| format!(": {:?}", run.result));
        return Err(hidden(&format!("testSecret failed on a copy of AWSCURRENT{why}")));
    }
    let after = target.alive().await.into_iter().collect();
    if alive != after {
        return Err(format!(
            "a dry run changed who is alive: it was {}, and is {}",
            list(&alive),
            list(&after)
        ));
    }
    match target.authenticates(&value).await {
        true => Ok(()),
        false => Err("after a dry run the current credential does not work".to_owned()),
    }
}

/// A crash before and after every effect, each followed by a replay.
pub(super) fn replay_after_crash<S: Subject>(subject: &S, most: usize) -> Finding {
    both_graces(subject, most, &[Fault::CrashBefore, Fault::CrashAfter], |twist| {
        matches!(twist, Twist::ReplayLater | Twist::ReplayAtOnce)
    })
}

/// Every operator's act, straggler and rejection, without faults.
pub(super) fn live_is_not_retired<S: Subject>(subject: &S, most: usize) -> Finding {
    both_graces(subject, most, &[], |twist| {
        !matches!(twist, Twist::Deliver { .. })
    })
}

/// Every overlap of two invocations, without faults.
pub(super) fn concurrent_use<S: Subject>(subject: &S, most: usize) -> Finding {
    both_graces(subject, most, &[], |twist| matches!(twist, Twist::Deliver { .. }))
}

fn both_graces<S: Subject>(subject: &S, most: usize, kinds: &[Fault], twists: fn(&Twist) -> bool) -> Finding {
    for grace in [Grace::UntilNextRotation, Grace::None] {
        let report = Explorer::for_clause(subject, kinds, twists)
            .at_most(most)
            .grace(grace)
            .run();
        if let Some(violation) = report.violation() {
            return Err(violation.to_string().trim_start().to_owned());
        }
    }
    Ok(())
}
