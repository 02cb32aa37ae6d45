//! What happens between the look at the labels and the act, and after the time is up.

use std::sync::Mutex;
use std::time::Duration;

use crate::common::{Bench, MINUTES, Target, document, put_pending};
use rotation_core::{
    Clock, ErrorClass, Grace, Outcome, Profile, Rotate, RotationErrorKind as Kind, RotationEvent, Rotator,
    SecretDescription, SecretStore, SecretString, SecretValue, Step, StillLive, StoreError, StoredVersion,
    VersionRef, async_trait,
};
use rotation_testkit::model::ReplicaStatus;
use rotation_testkit::{Fault, SharedClock, SimulatorStore};

use Step::{CreateSecret, FinishSecret};

const MINTED: Profile = Profile::minted("minted");
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn other_makers_are_judged_by_the_time_before_the_labels_were_read() {
    let bench = Bench::with_previous(MINTED);
    let before = bench.simulator.clock().now();
    bench.target.delay("test", 60 * SECOND);
    bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(bench.target.state().as_of, Some(before));
}

#[tokio::test]
async fn nobody_goes_back_to_a_credential_while_it_is_retired_as_falling_off() {
    let bench = Bench::with_previous(MINTED);
    let token = bench.start();
    bench.target.delay("test", 20 * SECOND);
    bench.target.during("test", bench.roll_back());
    let error = bench.step(&token, CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::LabelsMoved), "{error:?}");
    assert_eq!(bench.target.calls(), ["test k1"]);
}

#[tokio::test]
async fn a_test_that_took_its_time_leaves_enough_for_what_follows() {
    let bench = Bench::with_previous(MINTED);
    bench.target.delay("test", 8 * SECOND);
    let error = bench
        .step_within(&bench.start(), CreateSecret, 11 * SECOND)
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), Kind::OutOfTime { .. }), "{error:?}");
    assert_eq!(bench.target.calls(), ["test k1"]);
}

#[tokio::test]
async fn what_an_overlapping_invocation_stored_meanwhile_is_not_made_again() {
    let bench = Bench::with_previous(MINTED);
    let token = bench.start();
    let (simulator, arn, of) = (bench.simulator.clone(), bench.arn.clone(), token.clone());
    bench.target.delay("test", 20 * SECOND);
    bench.target.during("test", move || {
        put_pending(&simulator, &arn, &of, document("winner"));
    });
    let report = bench.step(&token, CreateSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::AlreadyStored);
    assert_eq!(bench.target.calls(), ["test k1"]);
}

#[tokio::test]
async fn a_chosen_value_that_took_its_time_is_not_put_on_old_labels() {
    for (delay, put) in [(Duration::ZERO, true), (2 * SECOND, false)] {
        let bench = Bench::new(Profile::chosen("chosen"));
        let token = bench.start();
        bench.target.delay("create", delay);
        let (operator, arn) = (bench.simulator.operator(), bench.arn.clone());
        bench.target.during("create", move || {
            operator.tag(&arn, "unrelated", "to the labels").unwrap();
            operator.add_label(&arn, "PINNED", &token).unwrap();
        });
        let result = bench.step(&bench.version_with("AWSPENDING"), CreateSecret).await;
        assert_eq!(result.is_ok(), put, "{result:?}");
        assert_eq!(bench.actions().contains(&"PutSecretValue".to_owned()), put);
    }
}

#[tokio::test]
async fn nothing_is_written_after_the_time_is_up() {
    let bench = Bench::new(MINTED);
    let clock = bench.simulator.clock();
    bench.target.during("create", move || {
        rotation_testkit::TestClock::skip(&clock, 1000 * SECOND);
    });
    let error = bench
        .step_within(&bench.start(), CreateSecret, 30 * SECOND)
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), Kind::OutOfTime { .. }), "{error:?}");
    assert!(!bench.actions().contains(&"PutSecretValue".to_owned()));
    let error = bench
        .step_within(&bench.start_again(), CreateSecret, Duration::ZERO)
        .await;
    assert!(error.is_err() && bench.actions().is_empty());
}

#[tokio::test]
async fn a_lost_race_whose_winner_is_not_to_be_seen_ends_neither() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let (simulator, arn, of) = (bench.simulator.clone(), bench.arn.clone(), token.clone());
    bench.target.during("create", move || {
        put_pending(&simulator, &arn, &of, document("winner"));
    });
    for read in 4..=8 {
        bench
            .simulator
            .faults()
            .at_nth("GetSecretValue", read, Fault::Stale);
    }
    let error = bench.step(&token, CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::LostRace { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert_eq!(bench.target.calls(), ["create current=k1 previous=none"]);
}

#[tokio::test]
async fn a_winner_that_is_seen_late_is_seen() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let (simulator, arn, of) = (bench.simulator.clone(), bench.arn.clone(), token.clone());
    bench.target.during("create", move || {
        put_pending(&simulator, &arn, &of, document("winner"));
    });
    bench.simulator.faults().at_nth("GetSecretValue", 4, Fault::Stale);
    let report = bench.step(&token, CreateSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::AlreadyStored);
    assert_eq!(bench.target.calls().last().unwrap(), "retire k2 NotStored");
}

#[tokio::test]
async fn an_old_version_that_may_not_be_read_does_not_block() {
    let bench = Bench::with_previous(MINTED);
    // By its label in the first round, and then by its id.
    for read in [3, 4] {
        bench
            .simulator
            .faults()
            .at_nth("GetSecretValue", read, Fault::Deny);
    }
    let report = bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert!(bench.simulator.faults().all_struck());
    assert_eq!((report.outcome, report.endings.len()), (Outcome::Created, 1));
    assert_eq!(bench.target.calls(), ["create current=k1 previous=none"]);
}

#[tokio::test]
async fn a_pending_value_that_may_not_be_read_is_not_one_that_is_not_there() {
    for (fault, class) in [
        (Fault::Deny, ErrorClass::Misconfigured),
        (Fault::Throttle, ErrorClass::Unavailable),
    ] {
        let bench = Bench::new(MINTED);
        bench.simulator.faults().at_nth("GetSecretValue", 2, fault);
        let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Store { .. }), "{error:?}");
        assert_eq!(error.class(), class);
        assert_eq!(bench.target.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn a_label_that_was_taken_away_during_the_reads_is_seen() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    bench.put_pending(&token, document("k2"));
    let operator = bench.simulator.operator();
    operator.remove_label(&bench.arn, "AWSPENDING", &token).unwrap();
    // The description is from before that; the value's version exists, without the label.
    bench.simulator.faults().at_nth("DescribeSecret", 1, Fault::Stale);
    let error = bench.step(&token, CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::LabelsMoved), "{error:?}");
    assert_eq!(bench.target.calls(), [""; 0]);
}

#[tokio::test]
async fn a_lost_put_and_another_winner_end_ours() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let (simulator, arn, of) = (bench.simulator.clone(), bench.arn.clone(), token.clone());
    bench.target.during("create", move || {
        put_pending(&simulator, &arn, &of, document("winner"));
    });
    bench
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::LoseRequest);
    let report = bench.step(&token, CreateSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::AlreadyStored);
    assert_eq!(bench.target.calls().last().unwrap(), "retire k2 NotStored");
}

#[tokio::test]
async fn a_profile_that_reads_previous_still_protects_every_labelled_version() {
    let bench = Bench::with_previous(MINTED.activated_in_set().reads_previous());
    bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(bench.target.state().live, ["k0", "k1"]);
}

#[tokio::test]
async fn a_current_credential_without_an_id_may_be_the_previous_one() {
    // The same key again, without its id: a person took it out of the document.
    let without_id = SecretValue::text(r#"{"key":"s3ntinel-k1"}"#);
    let bench = Bench::starting_with(MINTED, &[document("k1"), without_id]);
    let report = bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(bench.target.calls(), ["create current=without-id previous=k1"]);
    let [kept] = report.endings.as_slice() else {
        panic!("{report:?}")
    };
    assert!(kept.result.to_string().contains("may be this one"), "{kept:?}");
}

/// Takes 20 seconds to hand out `AWSPREVIOUS`, in which something happens.
struct Slow {
    inner: SimulatorStore,
    clock: SharedClock,
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Slow {
    fn rotator(bench: &Bench, then: impl FnOnce() + Send + 'static) -> Rotator<Target, Self> {
        let slow = Self {
            inner: bench.simulator.store(),
            clock: bench.simulator.clock(),
            then: Mutex::new(Some(Box::new(then))),
        };
        Rotator::new(bench.target.clone(), slow).with_clock(bench.simulator.clock())
    }
}

impl std::fmt::Debug for Slow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slow")
    }
}

#[async_trait]
impl SecretStore for Slow {
    async fn describe(&self, secret: &str) -> Result<SecretDescription, StoreError> {
        self.inner.describe(secret).await
    }

    async fn read(&self, secret: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        let read = self.inner.read(secret, version).await;
        if let VersionRef::Stage("AWSPREVIOUS") | VersionRef::IdAndStage(_, "AWSPREVIOUS") = version {
            let then = self.then.lock().unwrap().take();
            if let Some(then) = then {
                self.clock.sleep(20 * SECOND).await;
                then();
            }
        }
        read
    }

    async fn put_pending(
        &self,
        secret: &str,
        token: &str,
        value: &SecretValue,
        rotation_token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        self.inner.put_pending(secret, token, value, rotation_token).await
    }

    async fn promote(&self, secret: &str, to: &str, from: &str) -> Result<(), StoreError> {
        self.inner.promote(secret, to, from).await
    }

    async fn release_pending(&self, secret: &str, version: &str) -> Result<(), StoreError> {
        self.inner.release_pending(secret, version).await
    }
}

#[tokio::test]
async fn a_round_that_took_long_is_an_old_look() {
    let bench = Bench::with_previous(MINTED);
    let token = bench.start();
    let rotator = Slow::rotator(&bench, bench.roll_back());
    let event = RotationEvent::new(&bench.arn, &token, CreateSecret).unwrap();
    let error = rotator.rotate(&event, MINUTES).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::LabelsMoved), "{error:?}");
    assert_eq!(bench.target.calls(), ["test k1"]);
}

#[tokio::test]
async fn going_back_while_the_superseded_value_is_read_keeps_it() {
    let bench = Bench::new(MINTED);
    let token = bench.start_until(FinishSecret).await;
    let (operator, arn) = (bench.simulator.operator(), bench.arn.clone());
    let (to, from) = (bench.version_with("AWSCURRENT"), token.clone());
    let go_back = move || operator.move_label(&arn, "AWSCURRENT", &to, &from).unwrap();
    let rotator = Slow::rotator(&bench, go_back).with_grace(Grace::None);
    let event = RotationEvent::new(&bench.arn, &token, FinishSecret).unwrap();
    let error = rotator.rotate(&event, MINUTES).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::LabelsMoved), "{error:?}");
    assert_eq!(bench.target.calls(), [""; 0]);
}

#[tokio::test]
async fn what_an_overlapping_call_stored_and_may_be_the_same_is_not_undone() {
    for twin in [
        document("k2"),
        SecretValue::text(r#"{"key":"without-id"}"#),
        SecretValue::text("{"),
    ] {
        not_undone(twin).await;
    }
}

async fn not_undone(twin: SecretValue) {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let (simulator, arn, of) = (bench.simulator.clone(), bench.arn.clone(), token.clone());
    let current = bench.version_with("AWSCURRENT");
    bench.target.during("create", move || {
        // A target that hands out one credential per token, and a twin that was faster.
        put_pending(&simulator, &arn, &of, twin);
        let operator = simulator.operator();
        operator.move_label(&arn, "AWSCURRENT", &of, &current).unwrap();
    });
    bench.step(&token, CreateSecret).await.unwrap_err();
    assert_eq!(bench.target.calls(), ["create current=k1 previous=none"]);
}

/// Two users that alternate, with no grace.
async fn alternating() -> Bench {
    let mut bench = Bench::with_previous(Profile::chosen("alternating").reads_previous());
    bench.rotator = bench.rotator.with_grace(Grace::None);
    bench.target.state().next_id = Some("k0".into());
    bench
}

#[tokio::test]
async fn a_late_finish_leaves_alone_what_the_next_rotation_brings_in() {
    let bench = alternating().await;
    let first = bench.rotate().await;
    bench.target.state().next_id = Some("k1".into());
    let second = bench.start_until(FinishSecret).await;
    let error = bench.step(&first, FinishSecret).await.unwrap_err();
    let Kind::SupersededStillLive { cause } = error.kind() else {
        panic!("{error:?}")
    };
    assert!(matches!(cause, StillLive::NextUnderWay), "{error:?}");
    assert_eq!(bench.target.calls(), [""; 0]);
    bench.step(&second, FinishSecret).await.unwrap();
    assert_eq!(bench.target.calls(), ["test k1", "retire k0 Superseded"]);
}

#[tokio::test]
async fn going_back_while_replicas_are_waited_for_keeps_what_was_gone_back_to() {
    let mut bench = Bench::new(MINTED);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let operator = bench.simulator.operator();
    operator.replicate(&bench.arn, "us-east-1").unwrap();
    let old = bench.version_with("AWSCURRENT");
    let token = bench.start_until(FinishSecret).await;
    operator
        .set_replica_status(&bench.arn, "us-east-1", ReplicaStatus::InProgress)
        .unwrap();
    let later = async {
        bench.simulator.clock().sleep(10 * SECOND).await;
        operator
            .move_label(&bench.arn, "AWSCURRENT", &old, &token)
            .unwrap();
        operator
            .set_replica_status(&bench.arn, "us-east-1", ReplicaStatus::InSync)
            .unwrap();
    };
    let (result, ()) = tokio::join!(bench.step_within(&token, FinishSecret, MINUTES), later);
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), Kind::LabelsMoved), "{error:?}");
    assert_eq!(bench.target.calls(), [""; 0]);
}
