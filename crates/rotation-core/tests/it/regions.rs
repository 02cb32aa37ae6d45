//! A secret that is moved to another Region: docs/multi-region.md, step by step.

use std::time::Duration;

use rotation_core::{AWSCURRENT, ErrorClass, Rotator};
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::{Faults, Simulator, SimulatorStore, StepResult, StepRun};

const TIME: Duration = Duration::from_secs(60);
const NAME: &str = "crm/app";
/// Where the primary is until it is moved.
const PRIMARY: &str = "us-east-1";

/// One Region: its Secrets Manager and its rotation function.
struct Region {
    simulator: Simulator,
    arn: String,
    rotator: Rotator<PasswordBackend, SimulatorStore>,
}

impl Region {
    fn new(first: &Login, backend: PasswordBackend) -> Self {
        let simulator = Simulator::new();
        let arn = simulator
            .operator()
            .create_secret(NAME, first.to_value())
            .unwrap();
        let rotator = Rotator::new(backend, simulator.store()).with_clock(simulator.clock());
        Self {
            simulator,
            arn,
            rotator,
        }
    }

    async fn rotate(&self) -> Vec<StepRun> {
        self.simulator.operator().rotate(&self.arn).unwrap();
        self.simulator.configure(|options| options.replays = 0);
        self.simulator.run(&self.rotator, TIME).await
    }

    fn current(&self) -> Login {
        let value = self.simulator.operator().value(&self.arn, AWSCURRENT).unwrap();
        value.decode().unwrap()
    }
}

/// The same secret in two Regions, the second a replica, and the one user that both know.
fn two_regions() -> (PasswordTarget, Region, Region) {
    let first = Login::new("app", "first-password");
    let target = PasswordTarget::new(first.clone(), Faults::new());
    let region = || Region::new(&first, PasswordBackend::new(target.clone()));
    let (primary, replica) = (region(), region());
    let operator = replica.simulator.operator();
    operator.make_replica(&replica.arn, PRIMARY).unwrap();
    (target, primary, replica)
}

/// What the service does by itself: the simulator has one Region.
fn replicate(primary: &Region, replica: &Region) {
    let operator = replica.simulator.operator();
    operator.stop_replication(&replica.arn).unwrap();
    let value = primary.current().to_value();
    operator.put(&replica.arn, value).unwrap();
    operator.make_replica(&replica.arn, PRIMARY).unwrap();
}

fn all_done(runs: &[StepRun]) -> bool {
    runs.len() == 4 && runs.iter().all(|run| run.result.is_done())
}

#[tokio::test]
async fn the_rotation_moves_with_the_promoted_replica() {
    let (target, primary, replica) = two_regions();
    let operator = replica.simulator.operator();
    let refused = operator.rotate(&replica.arn).unwrap_err();
    assert!(refused.to_string().contains("replica"), "{refused}");

    // 1. No more rotations in the old Region, and none is left half done.
    assert!(all_done(&primary.rotate().await));
    assert_eq!(primary.simulator.operator().cancel(&primary.arn).unwrap(), None);
    // 2. The replica has what the primary has.
    replicate(&primary, &replica);
    // 3. It becomes a secret of its own, and
    operator.stop_replication(&replica.arn).unwrap();
    assert!(target.authenticates(&replica.current()));
    // 4. is rotated where it now is.
    let runs = replica.rotate().await;
    assert!(all_done(&runs), "{runs:?}");
    assert!(target.authenticates(&replica.current()));
    assert!(
        !target.authenticates(&primary.current()),
        "whoever still reads in the old Region is locked out: applications move before the rotation does"
    );
}

#[tokio::test]
async fn two_primaries_of_one_user_stop_each_other() {
    let (target, primary, replica) = two_regions();
    let operator = replica.simulator.operator();
    operator.stop_replication(&replica.arn).unwrap();
    assert!(all_done(&replica.rotate().await));

    // Rotation was left on in the old Region.
    let runs = primary.rotate().await;
    let Some(StepResult::Failed(error)) = runs.last().map(|run| &run.result) else {
        panic!("{runs:?}")
    };
    assert_eq!(error.class(), ErrorClass::Misconfigured, "{error}");
    assert!(
        target.authenticates(&replica.current()),
        "the new primary still works"
    );
}

#[tokio::test]
async fn with_a_superuser_secret_the_old_region_takes_the_user_back() {
    let (target, primary, replica) = two_regions();
    let superuser = Login::new("admin", "admin-password");
    let target = target.with_superuser(superuser.clone());
    let operator = primary.simulator.operator();
    let admin = operator.create_secret("admin", superuser.to_value()).unwrap();
    let assisted = PasswordBackend::new(target.clone()).with_superuser_secret(&admin);
    let store = primary.simulator.store();
    let primary = Region {
        rotator: Rotator::new(assisted, store).with_clock(primary.simulator.clock()),
        ..primary
    };
    replica
        .simulator
        .operator()
        .stop_replication(&replica.arn)
        .unwrap();
    assert!(all_done(&replica.rotate().await));

    assert!(all_done(&primary.rotate().await));
    assert!(target.authenticates(&primary.current()));
    assert!(!target.authenticates(&replica.current()));
}
