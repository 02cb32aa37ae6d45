//! The function's process is killed (SIGKILL) at messages to and from the database, and the rotation
//! replayed.

use rotation_lambda::rotation_core::AWSCURRENT;
use rotation_testkit::Fault;

use crate::support::{Scene, name};

/// Every statement and every password on its way, of a warm rotation: killed right before it passes, and
/// right after.
async fn killed_at_each(strategy: &str, always: bool) -> usize {
    let user = name("killed");
    let scene = Scene::proxied(&user, &[("ROTATION_STRATEGY", strategy)]).await;
    scene.rotated().await;
    scene.rotated().await;
    let faults = scene.simulator.faults();
    let names = ["postgres > Password", "postgres > Query"];
    let passed = |name: &str| {
        faults
            .passages()
            .iter()
            .filter(|passage| passage.name == name)
            .count()
    };
    let before = names.map(passed);
    scene.rotated().await;
    let each = [passed(names[0]) - before[0], passed(names[1]) - before[1]];
    let mut kills = 0;
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for (name, times) in names.iter().zip(each) {
            for time in 1..=times {
                faults.at_nth(*name, passed(name) + time, fault);
                let starts = scene.function.cold_starts();
                let token = scene.simulator.operator().rotate(&scene.arn).unwrap();
                scene.event("RotationFailed", &token).await;
                if always {
                    scene.login(AWSCURRENT).await.unwrap();
                }
                scene.event("RotationSucceeded", &token).await;
                scene.login(AWSCURRENT).await.unwrap();
                assert!(faults.all_struck(), "{fault:?} at {name} {time}");
                assert!(
                    scene.function.cold_starts() > starts,
                    "the process that was killed did not come back"
                );
                kills += 1;
            }
        }
    }
    scene.printed_no_secret();
    println!("{strategy}: killed {kills} times");
    kills
}

#[tokio::test]
async fn alternating_users() {
    assert!(killed_at_each("alternating-users", true).await >= 12);
}

#[tokio::test]
async fn a_single_user() {
    assert!(killed_at_each("single-user", false).await >= 8);
}
