//! finishSecret, against the simulator.

use std::time::Duration;

use crate::common::{Bench, MINUTES};
use rotation_core::{
    BackendError, Clock, ErrorClass, Grace, Outcome, Profile, RotationError, RotationErrorKind as Kind,
    SecretValue, Step, StillLive,
};
use rotation_testkit::Fault;
use rotation_testkit::model::ReplicaStatus;

use Step::FinishSecret;

const MINTED: Profile = Profile::minted("minted");

#[tokio::test]
async fn moves_current_and_leaves_pending_to_the_service() {
    let bench = Bench::new(MINTED);
    let old = bench.version_with("AWSCURRENT");
    let token = bench.start_until(FinishSecret).await;
    assert_eq!(
        bench.step(&token, FinishSecret).await.unwrap().outcome,
        Outcome::Promoted
    );
    assert_eq!(bench.labels(&token), ["AWSCURRENT", "AWSPENDING"]);
    assert_eq!(bench.labels(&old), ["AWSPREVIOUS"]);
    assert_eq!(
        bench.target.calls(),
        [""; 0],
        "the superseded credential lives on"
    );
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    for (fault, moved) in [(Fault::LoseResponse, true), (Fault::LoseRequest, false)] {
        let bench = Bench::new(MINTED);
        let token = bench.start_until(FinishSecret).await;
        bench
            .simulator
            .faults()
            .at_nth("UpdateSecretVersionStage", 1, fault);
        let result = bench.step(&token, FinishSecret).await;
        assert_eq!(result.is_ok(), moved, "{fault:?}: {result:?}");
        let lost = |error: &RotationError| matches!(error.kind(), Kind::Store { .. });
        assert!(result.as_ref().err().is_none_or(lost), "{result:?}");
        bench.step(&token, FinishSecret).await.unwrap();
        assert!(bench.labels(&token).contains(&"AWSCURRENT".to_owned()));
    }
}

#[tokio::test]
async fn a_denied_move_is_for_a_person() {
    let bench = Bench::new(MINTED);
    let token = bench.start_until(FinishSecret).await;
    bench
        .simulator
        .faults()
        .at_nth("UpdateSecretVersionStage", 1, Fault::Deny);
    let error = bench.step(&token, FinishSecret).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(error.to_string().contains("permission"), "{error}");
}

#[tokio::test]
async fn a_move_on_old_labels_does_not_happen() {
    let bench = Bench::with_previous(MINTED);
    let token = bench.start_until(FinishSecret).await;
    let (current, previous) = (
        bench.version_with("AWSCURRENT"),
        bench.version_with("AWSPREVIOUS"),
    );
    // Somebody goes back to the previous version, and the description is from before that.
    bench
        .simulator
        .operator()
        .move_label(&bench.arn, "AWSCURRENT", &previous, &current)
        .unwrap();
    bench.simulator.faults().at_nth("DescribeSecret", 1, Fault::Stale);
    let error = bench.step(&token, FinishSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::LabelsMoved), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert_eq!(bench.labels(&previous), ["AWSCURRENT"]);
}

#[tokio::test]
async fn with_no_grace_the_superseded_credential_is_retired() {
    let mut bench = Bench::new(MINTED);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let token = bench.start_until(FinishSecret).await;
    let report = bench.step(&token, FinishSecret).await.unwrap();
    assert_eq!((report.outcome, report.endings.len()), (Outcome::Promoted, 1));
    assert_eq!(bench.target.calls(), ["test k2", "retire k1 Superseded"]);
}

#[tokio::test]
async fn the_tag_of_one_secret_overrides_the_grace() {
    for (tag, default, retired) in [
        ("none", Grace::UntilNextRotation, true),
        ("until-next-rotation", Grace::None, false),
    ] {
        let mut bench = Bench::new(MINTED);
        bench.rotator = bench.rotator.with_grace(default);
        let token = bench.start_until(FinishSecret).await;
        bench
            .simulator
            .operator()
            .tag(&bench.arn, "rotation:grace", tag)
            .unwrap();
        bench.step(&token, FinishSecret).await.unwrap();
        let asked = bench.target.calls();
        assert_eq!(
            asked.iter().any(|call| call.starts_with("retire")),
            retired,
            "{tag}"
        );
    }
}

#[tokio::test]
async fn a_misspelt_tag_is_refused_before_any_effect() {
    let profiles = [Profile::chosen("chosen"), MINTED];
    for (step, profile) in [Step::CreateSecret, FinishSecret]
        .into_iter()
        .flat_map(|s| profiles.map(|p| (s, p)))
    {
        let bench = Bench::with_previous(profile);
        let token = bench.start_until(step).await;
        bench
            .simulator
            .operator()
            .tag(&bench.arn, "rotation:grace", "nine")
            .unwrap();
        let error = bench.step(&token, step).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::BadGraceTag), "{error:?}");
        assert_eq!(bench.target.calls(), [""; 0]);
        assert_eq!(bench.labels(&token), ["AWSPENDING"]);
    }
}

#[tokio::test]
async fn a_superseded_credential_that_still_lives_is_said_and_resumed() {
    let mut bench = Bench::new(MINTED);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let token = bench.start_until(FinishSecret).await;
    bench.target.fail("retire", || BackendError::unavailable("503"));
    let error = bench.step(&token, FinishSecret).await.unwrap_err();
    assert!(
        matches!(error.kind(), Kind::SupersededStillLive { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("the rotation is complete"));
    assert!(format!("{error:?}").ends_with("503"), "{error:?}");
    assert!(bench.labels(&token).contains(&"AWSCURRENT".to_owned()));
    bench.target.calls();

    bench.target.mend("retire");
    assert_eq!(
        bench.step(&token, FinishSecret).await.unwrap().outcome,
        Outcome::AlreadyCurrent
    );
    assert_eq!(bench.target.calls(), ["test k2", "retire k1 Superseded"]);
}

#[tokio::test]
async fn a_superseded_credential_without_an_id_is_said() {
    let mut bench = Bench::starting_with(MINTED, &[SecretValue::text(r#"{"key":"x"}"#)]);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let token = bench.start_until(FinishSecret).await;
    let error = bench.step(&token, FinishSecret).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            Kind::SupersededStillLive {
                cause: StillLive::Unidentified
            }
        ),
        "{error:?}"
    );
    assert_eq!(bench.target.calls(), [""; 0]);
}

#[tokio::test]
async fn a_credential_changed_in_place_is_not_retired_as_superseded() {
    let mut bench = Bench::new(Profile::chosen("chosen"));
    bench.rotator = bench.rotator.with_grace(Grace::None);
    bench.target.state().next_id = Some("k1".into());
    let token = bench.start_until(FinishSecret).await;
    bench.step(&token, FinishSecret).await.unwrap();
    assert_eq!(bench.target.calls(), [""; 0]);
}

#[tokio::test]
async fn replicas_keep_the_superseded_credential_until_they_are_in_sync() {
    for in_sync in [true, false] {
        let mut bench = Bench::new(MINTED);
        bench.rotator = bench.rotator.with_grace(Grace::None);
        let operator = bench.simulator.operator();
        operator.replicate(&bench.arn, "us-east-1").unwrap();
        let token = bench.start_until(FinishSecret).await;
        let status = if in_sync {
            ReplicaStatus::InSync
        } else {
            ReplicaStatus::InProgress
        };
        operator
            .set_replica_status(&bench.arn, "us-east-1", status)
            .unwrap();
        let before = bench.simulator.clock().elapsed();
        let result = bench.step(&token, FinishSecret).await;
        if in_sync {
            result.unwrap();
            assert_eq!(bench.target.calls(), ["test k2", "retire k1 Superseded"]);
            continue;
        }
        let error = result.unwrap_err();
        let Kind::SupersededStillLive { cause } = error.kind() else {
            panic!("{error:?}")
        };
        assert!(
            matches!(cause, StillLive::ReplicaBehind { region } if region == "us-east-1"),
            "{cause:?}"
        );
        assert_eq!(bench.target.calls(), [""; 0]);
        let waited = bench.simulator.clock().elapsed() - before;
        assert!(
            waited > MINUTES - Duration::from_secs(10) && waited < MINUTES,
            "{waited:?}"
        );
    }
}

#[tokio::test]
async fn a_replica_that_failed_is_not_waited_for() {
    let mut bench = Bench::new(MINTED);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    let operator = bench.simulator.operator();
    operator.replicate(&bench.arn, "us-east-1").unwrap();
    let token = bench.start_until(FinishSecret).await;
    operator
        .set_replica_status(&bench.arn, "us-east-1", ReplicaStatus::Failed)
        .unwrap();
    let before = bench.simulator.clock().elapsed();
    let error = bench.step(&token, FinishSecret).await.unwrap_err();
    assert!(error.class() == ErrorClass::Misconfigured, "{error:?}");
    assert!(format!("{error:?}").contains("us-east-1"));
    assert_eq!(bench.simulator.clock().elapsed(), before);
}

#[tokio::test]
async fn a_failure_after_the_move_says_that_the_rotation_is_complete() {
    let rows = [
        (Fault::Deny, ErrorClass::Misconfigured),
        (Fault::Throttle, ErrorClass::Unavailable),
    ];
    for (fault, class) in rows {
        let mut bench = Bench::new(MINTED);
        bench.rotator = bench.rotator.with_grace(Grace::None);
        let token = bench.start_until(FinishSecret).await;
        bench.simulator.faults().at_nth("GetSecretValue", 1, fault);
        let error = bench.step(&token, FinishSecret).await.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                Kind::SupersededStillLive {
                    cause: StillLive::Store(_)
                }
            ),
            "{error:?}"
        );
        assert_eq!(error.class(), class);
    }
}
