//! What a rotation costs: calls to Secrets Manager, and rounds of waiting for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Bench, MINUTES};
use rotation_core::{
    Profile, Rotate, RotationEvent, Rotator, SecretDescription, SecretStore, SecretString, SecretValue, Step,
    StoreError, StoredVersion, VersionRef, async_trait,
};
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::model::Principal;
use rotation_testkit::{Simulator, SimulatorStore};

const MINTED: Profile = Profile::minted("minted");
const CHOSEN: Profile = Profile::chosen("chosen");

/// What the manual says of these counts.
const COSTS: &str = include_str!("../../../../docs/costs.md");
const SCHEDULING: &str = include_str!("../../../../docs/scheduling.md");

/// The actions that each step of a warm rotation calls, by what the backend is like.
fn counted() -> [(Profile, [Vec<&'static str>; 4]); 3] {
    let (describe, get, put, update) = (
        "DescribeSecret",
        "GetSecretValue",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    );
    [
        (
            MINTED,
            [
                vec![describe, get, get, get, describe, put],
                vec![describe, get],
                vec![describe, get],
                vec![describe, update],
            ],
        ),
        (
            CHOSEN,
            [
                vec![describe, get, get, put],
                vec![describe, get, get],
                vec![describe, get],
                vec![describe, update],
            ],
        ),
        (
            CHOSEN.reads_previous(),
            [
                vec![describe, get, get, put],
                vec![describe, get, get, get],
                vec![describe, get],
                vec![describe, update],
            ],
        ),
    ]
}

#[tokio::test]
async fn the_calls_of_each_step_are_counted() {
    for (profile, expected) in counted() {
        let bench = Bench::with_previous(profile);
        let token = bench.start();
        for (step, expected) in Step::ALL.into_iter().zip(expected) {
            bench.simulator.clear_calls();
            bench.step(&token, step).await.unwrap();
            assert_eq!(bench.actions(), expected, "{step}, {profile:?}");
        }
    }
}

#[test]
fn the_manual_has_these_counts() {
    let profiles = counted();
    let row = |name: &str, counts: Vec<usize>| {
        let counts: Vec<_> = counts.iter().map(ToString::to_string).collect();
        let row = format!("| {name} | {} |", counts.join(" | "));
        assert!(COSTS.contains(&row), "docs/costs.md has no row {row}");
    };
    for (index, step) in Step::ALL.into_iter().enumerate() {
        let calls = profiles.iter().filter_map(|(_, steps)| steps.get(index));
        row(&format!("`{step}`"), calls.map(Vec::len).collect());
    }
    let all = |steps: &[Vec<&'static str>; 4]| steps.concat();
    row(
        "a rotation",
        profiles.iter().map(|(_, steps)| all(steps).len()).collect(),
    );

    // Two writes in every rotation; the service allows 50 a second, shared by all secrets of a Region.
    for (profile, steps) in &profiles {
        let calls = all(steps);
        let writes = calls
            .iter()
            .filter(|action| action.starts_with(['P', 'U']))
            .count();
        assert_eq!(writes, 2, "{profile:?}");
    }
    let seconds = 10_000 * 2 / 50;
    for sentence in [
        "10,000 rotations × 2 writes = 20,000 writes".to_owned(),
        format!("20,000 writes / 50 per second = {seconds} seconds"),
    ] {
        assert!(
            SCHEDULING.contains(&sentence),
            "docs/scheduling.md does not say: {sentence}"
        );
    }
}

/// A store each of whose calls takes a while, and which counts how often all of them have ended.
#[derive(Debug)]
struct Rounds {
    inner: SimulatorStore,
    in_flight: AtomicUsize,
    rounds: Arc<AtomicUsize>,
}

impl Rounds {
    async fn pass<T>(&self, call: impl Future<Output = T>) -> T {
        if self.in_flight.fetch_add(1, Ordering::SeqCst) == 0 {
            self.rounds.fetch_add(1, Ordering::SeqCst);
        }
        tokio::task::yield_now().await;
        let answer = call.await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

#[async_trait]
impl SecretStore for Rounds {
    async fn describe(&self, secret: &str) -> Result<SecretDescription, StoreError> {
        self.pass(self.inner.describe(secret)).await
    }

    async fn read(&self, secret: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        self.pass(self.inner.read(secret, version)).await
    }

    async fn put_pending(
        &self,
        secret: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        self.pass(self.inner.put_pending(secret, token, value, rotation_token))
            .await
    }

    async fn promote(&self, secret: &str, to: &str, from: &str) -> Result<(), StoreError> {
        self.pass(self.inner.promote(secret, to, from)).await
    }

    async fn release_pending(&self, secret: &str, version: &str) -> Result<(), StoreError> {
        self.pass(self.inner.release_pending(secret, version)).await
    }
}

#[tokio::test]
async fn the_reads_of_a_step_are_one_round() {
    // createSecret of a minted credential: the reads, the second look at the labels, the put.
    for (profile, expected) in [(MINTED, [3, 1, 1, 2]), (CHOSEN.reads_previous(), [2, 1, 1, 2])] {
        let bench = Bench::with_previous(profile);
        let rounds = Arc::new(AtomicUsize::new(0));
        let store = Rounds {
            inner: bench.simulator.store(),
            in_flight: AtomicUsize::new(0),
            rounds: Arc::clone(&rounds),
        };
        let rotator = Rotator::new(bench.target.clone(), store);
        let token = bench.start();
        for (step, expected) in Step::ALL.into_iter().zip(expected) {
            rounds.store(0, Ordering::SeqCst);
            let event = RotationEvent::new(&bench.arn, &token, step).unwrap();
            rotator.rotate(&event, MINUTES).await.unwrap();
            assert_eq!(rounds.load(Ordering::SeqCst), expected, "{step}, {profile:?}");
        }
    }
}

#[tokio::test]
async fn a_rotation_with_a_superuser_secret_makes_twelve_calls() {
    let simulator = Simulator::new();
    let operator = simulator.operator();
    let superuser = Login::new("admin", "admin-password");
    let superuser_arn = operator.create_secret("superuser", superuser.to_value()).unwrap();
    let first = Login::new("app", "first-password");
    let target = PasswordTarget::new(first.clone(), simulator.faults()).with_superuser(superuser);
    let arn = operator.create_secret("app", first.to_value()).unwrap();
    let backend = PasswordBackend::new(target.clone()).with_superuser_secret(&superuser_arn);
    let rotator = Rotator::new(backend, simulator.store()).with_clock(simulator.clock());
    for rotation in 1..=3 {
        // The password that the secret holds does not work any more: a case for the superuser.
        target.set_password("changed by hand");
        operator.rotate(&arn).unwrap();
        simulator.clear_calls();
        let runs = simulator.run(&rotator, MINUTES).await;
        assert!(
            runs.len() == 4 && runs.iter().all(|run| run.result.is_done()),
            "{runs:?}"
        );
        let calls = simulator
            .calls()
            .into_iter()
            .filter(|call| call.principal == Principal::RotationFunction);
        assert_eq!(calls.count(), 12, "rotation {rotation}");
    }
}
