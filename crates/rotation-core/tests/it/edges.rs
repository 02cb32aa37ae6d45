//! What lies exactly on a limit, and what the public types print.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Bench, Key, MINUTES, SENTINEL, document};
use rotation_core::{
    BackendError, ErrorClass, Grace, Live, LiveIds, Outcome, PasswordPolicy, Profile, Rotate, RotationError,
    RotationErrorKind as Kind, RotationEvent, Rotator, SecretValue, Step, StoreError, StoreErrorKind,
};
use rotation_testkit::model::ReplicaStatus;
use rotation_testkit::{Fault, SeededRandom};

const MINTED: Profile = Profile::minted("minted");
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn exactly_the_budget_is_enough_time_to_mint() {
    let bench = Bench::new(MINTED);
    let report = bench
        .step_within(&bench.start(), Step::CreateSecret, 10 * SECOND)
        .await;
    assert_eq!(report.unwrap().outcome, Outcome::Created);
    let bench = Bench::new(MINTED);
    let less = 10 * SECOND - Duration::from_nanos(1);
    let error = bench.step_within(&bench.start(), Step::CreateSecret, less).await;
    assert!(matches!(error.unwrap_err().kind(), Kind::OutOfTime { .. }));
}

#[tokio::test]
async fn a_look_that_is_just_fresh_is_not_repeated() {
    let bench = Bench::new(Profile::chosen("chosen"));
    let token = bench.start();
    bench.target.delay("create", SECOND);
    bench.step(&token, Step::CreateSecret).await.unwrap();
    let looks = bench
        .actions()
        .into_iter()
        .filter(|action| action == "DescribeSecret");
    assert_eq!(looks.count(), 1);
}

/// An old version that may never be read does not block; one that cannot be read now does.
#[tokio::test]
async fn only_a_previous_version_that_will_not_be_handed_out_is_passed_over() {
    for (fault, passes) in [
        (Fault::Deny, true),
        (Fault::Throttle, false),
        (Fault::LoseRequest, false),
    ] {
        let bench = Bench::with_previous(MINTED);
        let token = bench.start();
        // Current, pending, previous.
        bench.simulator.faults().at_nth("GetSecretValue", 3, fault);
        let result = bench.step(&token, Step::CreateSecret).await;
        assert!(bench.simulator.faults().all_struck());
        match result {
            Ok(report) => assert!(passes && report.endings.len() == 1, "{fault:?}: {report:?}"),
            Err(error) => assert!(!passes && error.class() == ErrorClass::Unavailable, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn labels_that_are_not_to_be_seen_yet_after_the_promotion_are_waited_for() {
    let mut bench = Bench::new(MINTED);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let token = bench.start_until(Step::FinishSecret).await;
    bench.simulator.faults().at_nth("GetSecretValue", 1, Fault::Stale);
    let report = bench.step(&token, Step::FinishSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::Promoted);
    assert_eq!(bench.target.calls(), ["test k2", "retire k1 Superseded"]);
}

#[tokio::test]
async fn a_previous_label_that_moves_while_replicas_are_waited_for_keeps_what_it_left() {
    let mut bench = Bench::with_previous(MINTED);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let operator = bench.simulator.operator();
    operator.replicate(&bench.arn, "us-east-1").unwrap();
    let other = bench.version_with("AWSPREVIOUS");
    let token = bench.start_until(Step::FinishSecret).await;
    operator
        .set_replica_status(&bench.arn, "us-east-1", ReplicaStatus::InProgress)
        .unwrap();
    let later = async {
        rotation_core::Clock::sleep(&bench.simulator.clock(), 10 * SECOND).await;
        let previous = bench.version_with("AWSPREVIOUS");
        operator
            .move_label(&bench.arn, "AWSPREVIOUS", &other, &previous)
            .unwrap();
    };
    let (result, ()) = tokio::join!(bench.step_within(&token, Step::FinishSecret, MINUTES), later);
    assert!(matches!(result.unwrap_err().kind(), Kind::LabelsMoved));
    assert_eq!(bench.target.calls(), [""; 0]);
}

/// A promotion that arrived late: the current credential has been ended since, the superseded one is the last.
#[tokio::test]
async fn the_superseded_credential_is_kept_if_the_current_one_does_not_work() {
    let mut bench = Bench::new(MINTED);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let token = bench.start_until(Step::FinishSecret).await;
    bench
        .target
        .fail("test", || BackendError::unavailable("not known"));
    let error = bench.step(&token, Step::FinishSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::CurrentBroken { .. }), "{error:?}");
    assert_eq!(bench.version_with("AWSCURRENT"), token);
    assert_eq!(bench.target.calls(), ["test k2"]);
    bench.target.mend("test");
    bench.step(&token, Step::FinishSecret).await.unwrap();
    assert_eq!(bench.target.calls(), ["test k2", "retire k1 Superseded"]);
}

#[tokio::test]
async fn a_shared_store_is_a_store() {
    let bench = Bench::new(MINTED);
    let store = Arc::new(bench.simulator.store());
    let rotator = Rotator::new(bench.target.clone(), store).with_clock(bench.simulator.clock());
    let token = bench.start();
    for step in Step::ALL {
        let event = RotationEvent::new(&bench.arn, &token, step).unwrap();
        rotator.rotate(&event, MINUTES).await.unwrap();
    }
    assert_eq!(bench.version_with("AWSCURRENT"), token);

    let bench = Bench::new(Profile::chosen("chosen"));
    let store = Arc::new(bench.simulator.store());
    let rotator = Rotator::new(bench.target.clone(), store).with_clock(bench.simulator.clock());
    let token = bench.start_until(Step::SetSecret).await;
    bench.target.fail("set", || {
        BackendError::rejected("never", rotation_core::Applied::Nothing)
    });
    let event = RotationEvent::new(&bench.arn, &token, Step::SetSecret).unwrap();
    let error = rotator.rotate(&event, MINUTES).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::PendingRejected { .. }), "{error:?}");
    assert!(bench.labels(&token).is_empty());
}

#[test]
fn any_character_of_a_password_may_stand_anywhere() {
    let variables = |name: &str| (name == "PASSWORD_LENGTH").then(|| "4".to_owned());
    let policy = PasswordPolicy::from_variables(variables, "").unwrap();
    let mut first_is = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let password = policy.generate(&SeededRandom::new(seed)).unwrap();
        let first = password.expose_secret().chars().next().unwrap();
        first_is.insert(match first {
            'a'..='z' => "lower",
            'A'..='Z' => "upper",
            '0'..='9' => "digit",
            _ => "punctuation",
        });
    }
    // Each type is put in once, in this order, and then shuffled.
    assert_eq!(first_is.len(), 4, "{first_is:?}");
}

#[test]
fn what_the_public_types_print() {
    let bench = Bench::new(MINTED);
    assert!(format!("{:?}", bench.rotator).starts_with("Rotator { grace: UntilNextRotation"));
    let key = Key {
        id: Some("k1".into()),
        key: SENTINEL.into(),
    };
    let ids = LiveIds::new([Some("k1".to_owned())]);
    let live = format!("{:?}", Live::new(&key, None, &ids));
    assert!(
        live.starts_with("Live { ids:") && live.contains("k1") && !live.contains(SENTINEL),
        "{live}"
    );
    assert_eq!(format!("{:?}", document("k1")), "Text([REDACTED])");
    assert_eq!(
        format!("{:?}", SecretValue::binary(vec![1])),
        "Binary([REDACTED])"
    );

    let kind = |kind| Kind::Store {
        operation: "hand it out",
        source: StoreError::not_applied(kind, "why"),
    };
    let denied = RotationError::new(Step::SetSecret, "a-version", kind(StoreErrorKind::Encryption));
    assert_eq!((denied.version(), denied.kind().as_str()), ("a-version", "store"));
    assert!(denied.to_string().contains("KMS key's state"), "{denied}");
    let words = format!("{:?}", denied.kind());
    assert!(
        words.starts_with("Secrets Manager did not hand it out") && words.ends_with("why"),
        "{words}"
    );
    for (kind, word) in [
        (Kind::NoCurrentValue, "no_current_value"),
        (Kind::NotWrittenYet, "not_written_yet"),
        (Kind::LabelsMoved, "labels_moved"),
        (Kind::DryRunLeftover, "dry_run_leftover"),
    ] {
        assert_eq!(kind.as_str(), word);
    }
}
