//! createSecret, against the simulator.

use std::time::Duration;

use crate::common::{Bench, SENTINEL, document, put_pending};
use rotation_core::{
    BackendError, ErrorClass, Grace, Outcome, Profile, RotationErrorKind as Kind, SecretValue, Step, chain,
};
use rotation_testkit::Fault;

use Step::CreateSecret;

const MINTED: Profile = Profile::minted("minted");
const CHOSEN: Profile = Profile::chosen("chosen");

#[tokio::test]
async fn stores_what_the_backend_made_and_keeps_the_rest_of_the_document() {
    let bench = Bench::with_previous(MINTED);
    let token = bench.start();
    let report = bench.step(&token, CreateSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::Created);
    assert_eq!(bench.labels(&token), ["AWSPENDING"]);
    assert_eq!(
        bench.value("AWSPENDING"),
        format!(r#"{{"note":1.10,"id":"k2","key":"{SENTINEL}-made-2"}}"#)
    );
    assert_eq!(
        bench.value("AWSCURRENT"),
        format!(r#"{{"note":1.10,"id":"k1","key":"{SENTINEL}-k1"}}"#)
    );
}

#[tokio::test]
async fn a_replay_after_the_value_was_stored_makes_nothing() {
    let bench = Bench::with_previous(MINTED);
    let token = bench.start();
    bench.step(&token, CreateSecret).await.unwrap();
    let stored = bench.value("AWSPENDING");
    bench.target.calls();
    let report = bench.step(&token, CreateSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::AlreadyStored);
    assert_eq!(bench.target.calls(), [""; 0]);
    assert_eq!(bench.value("AWSPENDING"), stored);
}

#[tokio::test]
async fn what_falls_off_is_retired_once_current_has_proved_that_it_works() {
    let bench = Bench::with_previous(MINTED);
    let report = bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(
        bench.target.calls(),
        ["test k1", "retire k0 FallingOff", "create current=k1 previous=k0"]
    );
    let [retired] = report.endings.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(retired.id.as_deref(), Some("k0"));
}

#[tokio::test]
async fn a_broken_current_keeps_the_way_back() {
    let bench = Bench::with_previous(MINTED);
    bench.target.fail("test", || BackendError::unavailable("401"));
    let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::CurrentBroken { .. }), "{error:?}");
    assert_eq!(bench.target.calls(), ["test k1"]);
}

#[tokio::test]
async fn a_chosen_credential_retires_nothing_in_create() {
    for profile in [CHOSEN, CHOSEN.reads_previous()] {
        let bench = Bench::with_previous(profile);
        bench.step(&bench.start(), CreateSecret).await.unwrap();
        assert_eq!(bench.target.calls(), ["create current=k1 previous=none"]);
    }
}

#[tokio::test]
async fn with_no_grace_create_resumes_what_finish_may_have_left() {
    let mut bench = Bench::with_previous(CHOSEN);
    bench.rotator = bench.rotator.with_grace(Grace::None);
    bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(
        bench.target.calls(),
        ["test k1", "retire k0 FallingOff", "create current=k1 previous=k0"]
    );
}

#[tokio::test]
async fn a_previous_version_that_cannot_be_retired_does_not_block() {
    let without_id = SecretValue::text(r#"{"key":"x"}"#);
    let rows = [
        ("no id", without_id, "it has no id"),
        ("malformed", SecretValue::text("{"), "cannot be read"),
        ("of another form", SecretValue::text("plain"), "cannot be read"),
        ("the current one again", document("k1"), "of the same id"),
    ];
    for (row, previous, why) in rows {
        let bench = Bench::starting_with(MINTED, &[previous, document("k1")]);
        let report = bench.step(&bench.start(), CreateSecret).await.unwrap();
        assert_eq!(bench.target.calls().len(), 1, "{row}: create alone");
        let [kept] = report.endings.as_slice() else {
            panic!("{row}: {report:?}")
        };
        assert!(kept.result.to_string().contains(why), "{row}: {}", kept.result);
    }
}

#[tokio::test]
async fn a_version_with_a_label_of_its_own_does_not_fall_off_and_is_live() {
    let bench = Bench::starting_with(MINTED, &[document("custom"), document("k0"), document("k1")]);
    let operator = bench.simulator.operator();
    operator
        .add_label(&bench.arn, "PINNED", &bench.version_with("AWSPREVIOUS"))
        .unwrap();
    bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(bench.target.calls(), ["create current=k1 previous=k0"]);
    assert_eq!(bench.target.state().live, ["k0", "k1"]);
}

#[tokio::test]
async fn a_previous_credential_that_another_label_holds_too_is_kept() {
    let bench = Bench::starting_with(MINTED, &[document("k0"), document("k0b"), document("k1")]);
    // k0 again in the version that is AWSPREVIOUS, and in one with a label of the operator's.
    let operator = bench.simulator.operator();
    let older = operator.put(&bench.arn, document("k0")).unwrap();
    operator.add_label(&bench.arn, "PINNED", &older).unwrap();
    operator.put(&bench.arn, document("k0").clone()).unwrap();
    operator.put(&bench.arn, document("k1")).unwrap();
    bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(bench.target.calls(), ["create current=k1 previous=k0"]);
}

#[tokio::test]
async fn a_current_value_that_cannot_be_used_is_refused_before_any_effect() {
    let bench = Bench::starting_with(MINTED, &[SecretValue::text(r#"{"key":"hunter2", oops"#)]);
    let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(chain(&error).contains("line 1, column 19"), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    assert_eq!(bench.target.calls(), [""; 0]);
}

#[tokio::test]
async fn the_leftover_of_a_failed_dry_run_is_released() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let current = bench
        .simulator
        .operator()
        .value(&bench.arn, "AWSCURRENT")
        .unwrap();
    bench.put_pending(&token, current);
    let error = bench.step(&token, CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::DryRunLeftover), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Rejected);
    assert_eq!(bench.labels(&token), [""; 0]);
    assert_eq!(bench.target.calls(), [""; 0]);
    bench.rotate().await;
}

#[tokio::test]
async fn what_certainly_was_not_stored_is_retired() {
    for (fault, class) in [
        (Fault::Throttle, ErrorClass::Unavailable),
        (Fault::Deny, ErrorClass::Misconfigured),
    ] {
        let bench = Bench::new(MINTED);
        bench.simulator.faults().at_nth("PutSecretValue", 1, fault);
        let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Store { .. }), "{error:?}");
        assert_eq!(error.class(), class);
        assert_eq!(bench.target.calls().last().unwrap(), "retire k2 NotStored");
        assert!(bench.simulator.faults().all_struck());
    }
}

#[tokio::test]
async fn what_could_not_be_retired_either_is_said() {
    let bench = Bench::new(MINTED);
    bench
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::Throttle);
    bench.target.fail("retire", || BackendError::unavailable("503"));
    let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::NotCompensated { .. }), "{error:?}");
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_found_out() {
    let bench = Bench::new(MINTED);
    bench
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::LoseResponse);
    let report = bench.step(&bench.start(), CreateSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::Created);
    assert_eq!(bench.target.calls(), ["create current=k1 previous=none"]);
}

#[tokio::test]
async fn a_put_of_unknown_outcome_that_is_not_to_be_seen_retires_nothing() {
    let bench = Bench::new(MINTED);
    bench
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::LoseRequest);
    let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::StoreUnknown { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert_eq!(bench.target.calls(), ["create current=k1 previous=none"]);
}

#[tokio::test]
async fn who_loses_the_race_ends_its_own_and_keeps_the_stored_one() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let (simulator, arn, of) = (bench.simulator.clone(), bench.arn.clone(), token.clone());
    bench.target.during("create", move || {
        put_pending(&simulator, &arn, &of, document("winner"));
    });
    let report = bench.step(&token, CreateSecret).await.unwrap();
    assert_eq!(report.outcome, Outcome::AlreadyStored);
    assert_eq!(bench.target.calls().last().unwrap(), "retire k2 NotStored");
    assert!(bench.value("AWSPENDING").contains("winner"));
}

#[tokio::test]
async fn a_race_between_credentials_of_one_id_ends_neither() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let (simulator, arn, of) = (bench.simulator.clone(), bench.arn.clone(), token.clone());
    bench.target.during("create", move || {
        put_pending(&simulator, &arn, &of, document("k2"));
    });
    bench.step(&token, CreateSecret).await.unwrap();
    assert_eq!(bench.target.calls(), ["create current=k1 previous=none"]);
}

#[tokio::test]
async fn labels_that_moved_while_it_was_made_stop_the_put() {
    let bench = Bench::new(MINTED);
    let token = bench.start();
    let (operator, arn) = (bench.simulator.operator(), bench.arn.clone());
    bench.target.during("create", move || {
        _ = operator.put(&arn, document("manual")).unwrap();
    });
    let error = bench.step(&token, CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Refused(_)), "{error:?}");
    assert_eq!(bench.target.calls().last().unwrap(), "retire k2 NotStored");
    assert!(!bench.actions().contains(&"PutSecretValue".to_owned()));
}

#[tokio::test]
async fn nothing_that_cannot_be_undone_starts_when_too_little_time_is_left() {
    let bench = Bench::with_previous(MINTED);
    let error = bench
        .step_within(&bench.start(), CreateSecret, Duration::from_secs(9))
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), Kind::OutOfTime { .. }), "{error:?}");
    assert_eq!(bench.target.calls(), [""; 0]);
}

#[tokio::test]
async fn a_step_that_hangs_fails_in_time_and_says_in_what() {
    let bench = Bench::new(MINTED);
    bench.target.hang_in("create");
    let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
    assert_eq!(
        error.to_string().split_once(": ").unwrap().1,
        "no time left to make the next credential; raise the function's time-out if this recurs"
    );
}

#[tokio::test]
async fn the_current_credential_returned_as_the_next_is_a_bug_that_is_named() {
    let bench = Bench::starting_with(
        CHOSEN,
        &[SecretValue::text(format!(
            r#"{{"id":"k2","key":"{SENTINEL}-made-2"}}"#
        ))],
    );
    let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
    assert!(
        chain(&error).contains("returned the current credential"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_current_version_without_a_value_is_refused() {
    let bench = Bench::new(MINTED);
    let (operator, arn) = (bench.simulator.operator(), bench.arn.as_str());
    // The empty version of a rotation that never wrote, made current by hand.
    let empty = bench.start();
    operator
        .move_label(arn, "AWSCURRENT", &empty, &bench.version_with("AWSCURRENT"))
        .unwrap();
    let error = bench.step(&bench.start(), CreateSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::NoCurrentValue), "{error:?}");
    assert_eq!(bench.target.calls(), [""; 0]);
}
