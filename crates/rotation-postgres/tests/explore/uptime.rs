//! An application that connects anew in a loop by `AWSCURRENT`, through 50 rotations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rotation_core::{AWSCURRENT, Step};
use rotation_testkit::Simulator;
use serde_json::Value;

use crate::support::{TIME, World, alternating, login, rows};

const ROTATIONS: usize = 50;
const STEPS: [Step; 4] = [
    Step::CreateSecret,
    Step::SetSecret,
    Step::TestSecret,
    Step::FinishSecret,
];

/// Logins that worked and that failed, by the phase in which they began.
#[derive(Default)]
struct Counts {
    phase: AtomicUsize,
    good: [AtomicUsize; 4],
    bad: [AtomicUsize; 4],
    over: AtomicBool,
}

/// What an application does: reads the secret, connects, works.
async fn application(simulator: Simulator, port: u16, arn: String, counts: Arc<Counts>) {
    while !counts.over.load(Ordering::SeqCst) {
        let phase = counts.phase.load(Ordering::SeqCst);
        let value = simulator.operator().value(&arn, AWSCURRENT).unwrap();
        let document: Value = value.decode().unwrap();
        let text = |key: &str| document[key].as_str().unwrap().to_owned();
        let worked = match login(port, "postgres", &text("username"), &text("password")).await {
            Ok(client) => rows(&client, "SELECT 1").await.is_ok(),
            Err(_) => false,
        };
        let count = if worked { &counts.good } else { &counts.bad };
        count[phase].fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_login_fails_in_fifty_alternating_rotations() {
    let world = World::new().await;
    let arn = world.user("uptime").await;
    let counts = Arc::new(Counts::default());
    let applications: Vec<_> = (0..2)
        .map(|_| {
            let simulator = world.simulator.clone();
            tokio::spawn(application(
                simulator,
                world.server.port(),
                arn.clone(),
                Arc::clone(&counts),
            ))
        })
        .collect();
    let rotator = world.rotator(alternating());
    let mut begun = 0;
    for _ in 0..ROTATIONS {
        world.simulator.operator().rotate(&arn).unwrap();
        for (phase, step) in STEPS.into_iter().enumerate() {
            counts.phase.store(phase, Ordering::SeqCst);
            let run = world.simulator.step(&rotator, TIME).await.unwrap();
            assert!(
                run.invocation.event.step() == step && run.result.is_done(),
                "{:?}",
                run.result
            );
            // The phase lasts until somebody logged in during it, with what was current then.
            let seen = counts.good[phase].load(Ordering::SeqCst) + counts.bad[phase].load(Ordering::SeqCst);
            while counts.good[phase].load(Ordering::SeqCst) + counts.bad[phase].load(Ordering::SeqCst) == seen
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            begun += 1;
        }
    }
    counts.over.store(true, Ordering::SeqCst);
    for application in applications {
        application.await.unwrap();
    }
    let of = |counts: &[AtomicUsize; 4]| counts.each_ref().map(|count| count.load(Ordering::SeqCst));
    println!(
        "{ROTATIONS} rotations; logins by phase {:?}, failed {:?}",
        of(&counts.good),
        of(&counts.bad)
    );
    assert_eq!(of(&counts.bad), [0; 4]);
    assert_eq!(begun, 4 * ROTATIONS);
    assert!(
        of(&counts.good).iter().all(|&logins| logins >= ROTATIONS),
        "{:?}",
        of(&counts.good)
    );
}
