//! Whole rotations of the doubles, with faults.

use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPENDING, ErrorClass, Grace, Outcome, Rotator, SecretStore, Step};
use rotation_testkit::backends::{
    Login, MintedKey, MintedKeys, MintingBackend, PasswordBackend, PasswordTarget,
};
use rotation_testkit::model::RotationEventName::{RotationAbandoned, RotationFailed, RotationSucceeded};
use rotation_testkit::{Fault, SeededRandom, Simulator, SimulatorStore, StepResult};

const LIMIT: Duration = Duration::from_secs(30);

struct Keys {
    simulator: Simulator,
    target: MintedKeys,
    arn: String,
}

impl Keys {
    fn new() -> Self {
        let simulator = Simulator::new();
        let target = MintedKeys::new(simulator.faults());
        let first = target.mint("by hand");
        let arn = simulator
            .operator()
            .create_secret("crm", first.to_value())
            .unwrap();
        Self {
            simulator,
            target,
            arn,
        }
    }

    fn rotator(&self) -> Rotator<MintingBackend, SimulatorStore> {
        Rotator::new(MintingBackend::new(self.target.clone()), self.simulator.store())
            .with_clock(self.simulator.clock())
            .with_random(SeededRandom::new(1))
    }

    fn current(&self) -> MintedKey {
        self.simulator
            .operator()
            .value(&self.arn, AWSCURRENT)
            .unwrap()
            .decode()
            .unwrap()
    }
}

#[tokio::test]
async fn minted_keys_rotate_and_at_most_two_live() {
    let world = Keys::new();
    let rotator = world.rotator();
    for n in 2..6 {
        world.simulator.operator().rotate(&world.arn).unwrap();
        let runs = world.simulator.run(&rotator, LIMIT).await;
        assert!(runs.iter().all(|run| run.result.is_done()), "{runs:?}");
        assert_eq!(world.current().key_id, format!("key-{n:04}"));
        assert!(world.target.authenticates(&world.current()));
        assert_eq!(
            world.target.alive(),
            [format!("key-{:04}", n - 1), format!("key-{n:04}")]
        );
    }
}

#[tokio::test]
async fn a_promotion_says_where_the_label_goes_and_where_it_must_be() {
    let world = Keys::new();
    let labels = world.simulator.labels(&world.arn);
    let before = labels.version_with(AWSCURRENT).unwrap();
    let token = world.simulator.operator().rotate(&world.arn).unwrap();
    world.simulator.run(&world.rotator(), LIMIT).await;
    let moves: Vec<_> = world
        .simulator
        .calls()
        .into_iter()
        .filter(|call| call.action == "UpdateSecretVersionStage")
        .map(|call| (call.stage, call.version, call.remove_from))
        .collect();
    let moved = [AWSCURRENT, token.as_str(), before].map(|named| Some(named.to_owned()));
    let [stage, to, from] = moved;
    assert_eq!(moves, [(stage, to, from)]);
}

#[tokio::test]
async fn under_an_assumed_role_only_the_rotation_token_proves_whose_value_it_is() {
    let world = Keys::new();
    world
        .simulator
        .configure(|options| options.function_assumes_role = true);
    let rotator = world.rotator();
    let token = world.simulator.operator().rotate(&world.arn).unwrap();
    let runs = world.simulator.run(&rotator, LIMIT).await;
    assert_eq!(runs.len(), 4, "{runs:?}");
    assert!(runs.iter().all(|run| run.result.is_done()), "{runs:?}");
    let labels = world.simulator.labels(&world.arn);
    assert_eq!(labels.version_with(AWSCURRENT), Some(token.as_str()));

    let token = world.simulator.operator().rotate(&world.arn).unwrap();
    let value = world.target.mint("by hand").to_value();
    let store = world.simulator.store();
    store.put_pending(&world.arn, &token, &value, None).await.unwrap();
    let run = world.simulator.step(&rotator, LIMIT).await.unwrap();
    assert!(run.result.is_done(), "{run:?}");
    let failed = world.simulator.records().pop().unwrap();
    assert_eq!(failed.name, RotationFailed);
    assert!(failed.message.unwrap().contains("was not created by Lambda"));
}

#[tokio::test]
async fn a_key_whose_maker_may_still_store_it_is_left_alone() {
    let world = Keys::new();
    world
        .simulator
        .configure(|options| options.replay_interval = LIMIT + Duration::from_secs(59));
    world
        .simulator
        .faults()
        .at_nth("POST /keys", 1, Fault::CrashAfter);
    world.simulator.operator().rotate(&world.arn).unwrap();
    let runs = world.simulator.run(&world.rotator(), LIMIT).await;
    assert!(runs.last().unwrap().result.is_done(), "{runs:?}");
    assert_eq!(world.target.alive(), ["key-0001", "key-0002", "key-0003"]);
}

#[tokio::test]
async fn a_key_minted_before_a_crash_is_ended_by_the_replay() {
    for fault in [Fault::CrashAfter, Fault::LoseResponse] {
        let world = Keys::new();
        world.simulator.faults().at_nth("POST /keys", 1, fault);
        world.simulator.operator().rotate(&world.arn).unwrap();
        let runs = world.simulator.run(&world.rotator(), LIMIT).await;
        assert_eq!(
            matches!(runs[0].result, StepResult::Crashed),
            fault == Fault::CrashAfter,
            "{runs:?}"
        );
        assert_eq!(runs.last().unwrap().invocation.attempt, 2);
        assert!(runs.last().unwrap().result.is_done(), "{runs:?}");
        assert_eq!(world.target.minted(), 3);
        assert_eq!(world.target.alive(), ["key-0001", "key-0003"]);
        assert_eq!(world.current().key_id, "key-0003");
    }
}

#[tokio::test]
async fn no_grace_ends_the_superseded_key() {
    let world = Keys::new();
    world.simulator.operator().rotate(&world.arn).unwrap();
    let runs = world
        .simulator
        .run(&world.rotator().with_grace(Grace::None), LIMIT)
        .await;
    assert!(runs.iter().all(|run| run.result.is_done()), "{runs:?}");
    assert_eq!(world.target.alive(), ["key-0002"]);
}

#[tokio::test]
async fn a_duplicate_delivery_changes_nothing() {
    let world = Keys::new();
    let rotator = world.rotator();
    world.simulator.operator().rotate(&world.arn).unwrap();
    let run = world.simulator.step(&rotator, LIMIT).await.unwrap();
    let again = world
        .simulator
        .invoke(&rotator, &run.invocation.event, LIMIT)
        .await;
    let StepResult::Done(report) = again else {
        panic!("{again:?}")
    };
    assert_eq!(report.outcome, Outcome::AlreadyStored);
    assert_eq!(world.target.minted(), 2);
}

struct Password {
    simulator: Simulator,
    target: PasswordTarget,
    arn: String,
}

impl Password {
    fn new() -> Self {
        let simulator = Simulator::new();
        let first = Login::new("app", "first");
        let target = PasswordTarget::new(first.clone(), simulator.faults());
        let arn = simulator
            .operator()
            .create_secret("db", first.to_value())
            .unwrap();
        Self {
            simulator,
            target,
            arn,
        }
    }

    fn rotator(&self, backend: PasswordBackend) -> Rotator<PasswordBackend, SimulatorStore> {
        Rotator::new(backend, self.simulator.store()).with_clock(self.simulator.clock())
    }

    async fn rotate(&self, backend: PasswordBackend) -> Vec<rotation_testkit::StepRun> {
        self.simulator.operator().rotate(&self.arn).unwrap();
        self.simulator.run(&self.rotator(backend), LIMIT).await
    }

    fn current(&self) -> Login {
        self.simulator
            .operator()
            .value(&self.arn, AWSCURRENT)
            .unwrap()
            .decode()
            .unwrap()
    }

    fn backend(&self) -> PasswordBackend {
        PasswordBackend::new(self.target.clone())
    }
}

#[tokio::test]
async fn a_password_rotates_after_an_outage_and_a_lost_answer() {
    let world = Password::new();
    let faults = world.simulator.faults();
    faults.at_nth("LOGIN", 1, Fault::InternalError);
    faults.at_nth("ALTER USER", 1, Fault::LoseResponse);
    let runs = world.rotate(world.backend()).await;
    assert!(faults.all_struck());
    assert_eq!(runs.last().unwrap().invocation.attempt, 3);
    assert!(world.target.authenticates(&world.current()));
    assert!(!world.target.authenticates(&Login::new("app", "first")));
    assert_eq!(world.simulator.records().last().unwrap().name, RotationSucceeded);
}

#[tokio::test]
async fn a_superuser_helps_when_the_current_password_does_not_work() {
    let world = Password::new();
    world.target.set_password("forgotten");
    let runs = world.rotate(world.backend()).await;
    let StepResult::Failed(error) = &runs[1].result else {
        panic!("{runs:?}")
    };
    assert_eq!(error.class(), ErrorClass::Misconfigured);

    let world = Password::new();
    world.target.set_password("forgotten");
    let superuser = Login::new("root", "toor");
    let target = world.target.clone().with_superuser(superuser.clone());
    let arn = world
        .simulator
        .operator()
        .create_secret("root", superuser.to_value())
        .unwrap();
    let runs = world
        .rotate(PasswordBackend::new(target).with_superuser_secret(&arn))
        .await;
    assert!(runs.iter().all(|run| run.result.is_done()), "{runs:?}");
    assert!(world.target.authenticates(&world.current()));
    assert_eq!(world.target.alive(), ["app", "root"]);
}

#[tokio::test]
async fn a_key_rejected_for_good_does_not_block_the_next_rotation() {
    let world = Keys::new();
    world.target.set_rejecting(true);
    world.simulator.operator().rotate(&world.arn).unwrap();
    let runs = world.simulator.run(&world.rotator(), LIMIT).await;
    assert_eq!(runs.len(), 3, "{runs:?}");
    assert_eq!(world.simulator.labels(&world.arn).version_with(AWSPENDING), None);
    assert_eq!(world.target.alive(), ["key-0001"]);
    world.target.set_rejecting(false);
    world.simulator.operator().rotate(&world.arn).unwrap();
    let runs = world.simulator.run(&world.rotator(), LIMIT).await;
    assert!(runs.iter().all(|run| run.result.is_done()), "{runs:?}");
}

#[tokio::test]
async fn a_rejected_password_stays_pending_and_a_replay_may_pass() {
    let world = Password::new();
    let rotator = world.rotator(world.backend());
    world.target.set_rejecting(true);
    let token = world.simulator.operator().rotate(&world.arn).unwrap();
    assert!(
        world
            .simulator
            .step(&rotator, LIMIT)
            .await
            .unwrap()
            .result
            .is_done()
    );
    assert!(
        !world
            .simulator
            .step(&rotator, LIMIT)
            .await
            .unwrap()
            .result
            .is_done()
    );
    assert_eq!(
        world.simulator.labels(&world.arn).version_with(AWSPENDING),
        Some(&*token)
    );
    world.target.set_rejecting(false);
    let runs = world.simulator.run(&rotator, LIMIT).await;
    assert!(runs.iter().all(|run| run.result.is_done()), "{runs:?}");
    assert!(world.target.authenticates(&world.current()));
}

#[tokio::test]
async fn a_target_that_is_down_is_tried_again_until_the_service_gives_up() {
    let world = Password::new();
    world.simulator.configure(|options| options.replays = 1);
    world.target.set_down(true);
    let runs = world.rotate(world.backend()).await;
    let steps: Vec<_> = runs
        .iter()
        .map(|run| (run.invocation.event.step(), run.result.is_done()))
        .collect();
    assert_eq!(
        steps,
        [(Step::CreateSecret, true), (Step::SetSecret, false)].repeat(2)
    );
    assert!(world.target.authenticates(&world.current()));
}

#[tokio::test]
async fn an_operator_abandons_a_rotation_under_way() {
    let world = Password::new();
    let (operator, rotator) = (world.simulator.operator(), world.rotator(world.backend()));
    operator.rotate(&world.arn).unwrap();
    let create = world.simulator.step(&rotator, LIMIT).await.unwrap();
    operator
        .put(&world.arn, Login::new("app", "first").to_value())
        .unwrap();
    assert_eq!(world.simulator.records().last().unwrap().name, RotationAbandoned);
    assert!(world.simulator.step(&rotator, LIMIT).await.is_none());
    let late = world
        .simulator
        .invoke(&rotator, &create.invocation.event, LIMIT)
        .await;
    assert!(matches!(late, StepResult::Failed(_)), "{late:?}");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = Password::new();
    world.simulator.operator().dry_run(&world.arn).unwrap();
    let runs = world.simulator.run(&world.rotator(world.backend()), LIMIT).await;
    assert_eq!(runs.len(), 1);
    assert!(runs[0].result.is_done(), "{runs:?}");
    assert!(world.target.authenticates(&Login::new("app", "first")));
}
