//! A crash before a message to and from the database or a call of Secrets Manager, and then a replay: at every third
//! of them; at each, with `ROTATION_EXPLORE=all` in the environment.

use std::collections::BTreeSet;

use rotation_core::{AWSCURRENT, AWSPREVIOUS, CredentialBackend, Retire, Retirement};
use rotation_postgres::{AlternatingUsers, SingleUser};
use rotation_test_servers::postgres::WireProxy;
use rotation_testkit::{Fault, StepResult};

use crate::support::{TIME, World, connections, errors, proxy};

fn alternating() -> AlternatingUsers {
    AlternatingUsers::new(connections().allowing_plaintext())
}

fn single() -> SingleUser {
    SingleUser::new(connections().allowing_plaintext())
}

/// A world whose secrets lead through a proxy under the simulator's faults.
async fn proxied() -> (World, WireProxy) {
    let mut world = World::new().await;
    let proxy = proxy(world.server, world.simulator.faults()).await;
    (world.port, world.plaintext) = (proxy.port(), true);
    (world, proxy)
}

/// How far one crash is from the next.
fn stride() -> usize {
    match std::env::var_os("ROTATION_EXPLORE") {
        Some(_) => 1,
        None => 3,
    }
}

/// Where a crash comes.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before the effect of this number, counted from 1.
    Number(usize),
    /// Before the first of this name.
    First(&'static str),
}

/// One rotation with a crash at this effect, and its replays. `always` says that `AWSCURRENT` has to log
/// in at the instant of the crash, too. False if the rotation was over before.
async fn crash_at<B>(world: &World, backend: B, arn: &str, place: Place, always: bool) -> bool
where
    B: CredentialBackend,
{
    let faults = world.simulator.faults();
    faults.clear();
    // The rotation before may have been over when its last message, a farewell, was struck.
    _ = faults.take_crash();
    match place {
        Place::Number(number) => faults.at(number, Fault::CrashBefore),
        Place::First(name) => faults.at_nth(name, 1, Fault::CrashBefore),
    }
    let token = world.simulator.operator().rotate(arn).unwrap();
    let rotator = world.rotator(backend);
    while let Some(run) = world.simulator.step(&rotator, TIME).await {
        match run.result {
            StepResult::Done(_) => {}
            StepResult::Crashed => {
                if always {
                    world.login(arn, AWSCURRENT).await.unwrap();
                }
                break;
            }
            other => panic!("at {place:?}: {other:?}"),
        }
    }
    let struck = faults.all_struck();
    let runs = world.simulator.run(&rotator, TIME).await;
    assert!(errors(&runs).is_empty(), "at {place:?}: {:?}", errors(&runs));
    let labels = world.simulator.labels(arn);
    assert_eq!(
        labels.version_with(AWSCURRENT),
        Some(token.as_str()),
        "at {place:?}"
    );
    world.login(arn, AWSCURRENT).await.unwrap();
    struck
}

/// Crashes of a warm rotation: one for every [`stride`], and one before each name of [`EACH`] that was not met so.
/// Answers the number of the last effect that was struck, and the names.
async fn explore<B: CredentialBackend>(
    world: &World,
    arn: &str,
    backend: impl Fn() -> B,
    always: bool,
) -> (usize, BTreeSet<String>) {
    let mut names = BTreeSet::new();
    let (mut last, mut next) = (0, 1);
    while crash_at(world, backend(), arn, Place::Number(next), always).await {
        names.extend(struck(world));
        (last, next) = (next, next + stride());
    }
    for name in EACH {
        if !names.contains(name) && crash_at(world, backend(), arn, Place::First(name), always).await {
            names.extend(struck(world));
        }
    }
    (last, names)
}

/// The name of what was struck.
fn struck(world: &World) -> impl Iterator<Item = String> {
    let struck = world.simulator.faults().struck().into_iter();
    struck.map(|passage| passage.name)
}

/// Says how many effects a rotation has, and asserts that there are so many.
fn enough(what: &str, effects: usize, least: usize) {
    let said = format!(
        "{what}: {effects} messages and calls, a crash before one in {}",
        stride()
    );
    println!("{said}");
    assert!(effects >= least, "{said}");
}

const EACH: [&str; 6] = [
    "postgres > Startup",
    "postgres > Password",
    "postgres > Query",
    "postgres < ReadyForQuery",
    "PutSecretValue",
    "UpdateSecretVersionStage",
];

#[tokio::test]
async fn alternating_users_survive_a_crash_at_every_message() {
    let (world, _proxy) = proxied().await;
    let arn = world.user("crash").await;
    world.rotated(alternating(), &arn).await;
    world.rotated(alternating(), &arn).await;
    let (effects, names) = explore(&world, &arn, alternating, true).await;
    enough("alternating users", effects, 100);
    assert!(EACH.iter().all(|name| names.contains(*name)), "{names:?}");
}

/// The first rotation, which creates the second user by the superuser.
#[tokio::test]
async fn the_creation_of_the_second_user_survives_a_crash_at_every_message() {
    let (world, _proxy) = proxied().await;
    let (mut last, mut next) = (0, 1);
    loop {
        let arn = world.user(&format!("created_{next}")).await;
        if !crash_at(&world, alternating(), &arn, Place::Number(next), true).await {
            break;
        }
        (last, next) = (next, next + stride());
    }
    enough("creation", last, 120);
}

/// Without grace: finishSecret disables the superseded login, and so every rotation begins with a second user
/// that cannot log in and takes the superuser.
#[tokio::test]
async fn a_superseded_login_is_disabled_whatever_crashes() {
    let (world, _proxy) = proxied().await;
    let arn = world.user("ended").await;
    world.rotated(alternating(), &arn).await;
    world
        .simulator
        .operator()
        .tag(&arn, "rotation:grace", "none")
        .unwrap();
    world.rotated(alternating(), &arn).await;
    let (mut last, mut next) = (0, 1);
    while crash_at(&world, alternating(), &arn, Place::Number(next), true).await {
        (last, next) = (next, next + stride());
        assert!(
            world.login(&arn, AWSPREVIOUS).await.is_err(),
            "at effect {last}: the superseded login works"
        );
    }
    enough("without grace", last, 150);
}

/// What falls off is kept: the next password overwrites it. A crash right after leaves it as it was.
#[tokio::test]
async fn what_falls_off_is_kept_and_a_crash_right_after_changes_nothing() {
    let (world, _proxy) = proxied().await;
    let arn = world.user("kept").await;
    world.rotated(alternating(), &arn).await;
    world.rotated(alternating(), &arn).await;
    // From now on createSecret asks for the end of what falls off.
    let operator = world.simulator.operator();
    operator.tag(&arn, "rotation:grace", "none").unwrap();
    let faults = world.simulator.faults();
    faults.clear();
    faults.at_nth("PutSecretValue", 1, Fault::CrashBefore);
    operator.rotate(&arn).unwrap();
    let rotator = world.rotator(alternating());
    let run = world.simulator.step(&rotator, TIME).await.unwrap();
    assert!(matches!(run.result, StepResult::Crashed), "{:?}", run.result);
    world.login(&arn, AWSPREVIOUS).await.unwrap();
    world.login(&arn, AWSCURRENT).await.unwrap();
    world.simulator.skip(std::time::Duration::from_secs(3600));
    let replayed = world.simulator.step(&rotator, TIME).await.unwrap();
    let StepResult::Done(report) = &replayed.result else {
        panic!("{:?}", replayed.result)
    };
    let kept = report
        .endings
        .iter()
        .find(|retired| retired.why == Retire::FallingOff)
        .unwrap();
    assert!(matches!(kept.result, Retirement::Kept(_)), "{kept:?}");
    world.login(&arn, AWSPREVIOUS).await.unwrap();
    let runs = world.simulator.run(&rotator, TIME).await;
    assert!(errors(&runs).is_empty(), "{:?}", errors(&runs));
    world.login(&arn, AWSCURRENT).await.unwrap();
}

#[tokio::test]
async fn a_single_user_survives_a_crash_at_every_message() {
    let (world, _proxy) = proxied().await;
    let arn = world.lone_user("crash_single").await;
    let (effects, names) = explore(&world, &arn, single, false).await;
    enough("single user", effects, 60);
    assert!(EACH.iter().all(|name| names.contains(*name)), "{names:?}");
}
