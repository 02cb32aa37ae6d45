//! setSecret and testSecret, against the simulator.

use crate::common::{Bench, document};
use rotation_core::{Applied, BackendError, ErrorClass, Outcome, Profile, RotationErrorKind as Kind, Step};
use rotation_testkit::Fault;

use Step::{CreateSecret, SetSecret, TestSecret};

const MINTED: Profile = Profile::minted("minted");
const ACTIVATED: Profile = MINTED.activated_in_set();
const CHOSEN: Profile = Profile::chosen("chosen");

fn rejected() -> BackendError {
    BackendError::rejected("not in my life", Applied::Nothing)
}

#[tokio::test]
async fn set_gets_what_the_profile_asks_for() {
    let rows = [
        (CHOSEN, vec!["set k2 current=k1 previous=none"], Outcome::Set),
        (
            CHOSEN.reads_previous(),
            vec!["set k2 current=k1 previous=k0"],
            Outcome::Set,
        ),
        (ACTIVATED, vec!["set k2 current=k1 previous=none"], Outcome::Set),
        (MINTED, vec![], Outcome::NothingToSet),
    ];
    for (profile, calls, outcome) in rows {
        let bench = Bench::with_previous(profile);
        let token = bench.start_until(SetSecret).await;
        assert_eq!(
            bench.step(&token, SetSecret).await.unwrap().outcome,
            outcome,
            "{profile:?}"
        );
        assert_eq!(bench.target.calls(), calls, "{profile:?}");
    }
}

#[tokio::test]
async fn a_pending_value_that_was_never_written_is_waited_for_briefly_and_said() {
    for step in [SetSecret, TestSecret] {
        for profile in [MINTED, CHOSEN] {
            let bench = Bench::new(profile);
            let error = bench.step(&bench.start(), step).await.unwrap_err();
            assert!(matches!(error.kind(), Kind::NotWrittenYet), "{error:?}");
            assert_eq!(error.class(), ErrorClass::Unavailable);
            assert_eq!(bench.target.calls(), [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_read_that_does_not_see_the_write_before_it_is_repeated() {
    let bench = Bench::new(CHOSEN);
    let token = bench.start_until(SetSecret).await;
    for read in 1..=3 {
        bench
            .simulator
            .faults()
            .at_nth("GetSecretValue", read, Fault::Stale);
    }
    assert_eq!(bench.step(&token, SetSecret).await.unwrap().outcome, Outcome::Set);
    assert!(bench.simulator.faults().all_struck());
}

#[tokio::test]
async fn a_pending_value_rejected_for_good_is_retired_and_released() {
    for (step, method) in [(SetSecret, "set"), (TestSecret, "test")] {
        let bench = Bench::new(ACTIVATED);
        let token = bench.start_until(step).await;
        bench.target.fail(method, rejected);
        let error = bench.step(&token, step).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::PendingRejected { .. }), "{error:?}");
        assert_eq!(error.class(), ErrorClass::Rejected);
        assert!(error.to_string().contains("start a new rotation"));
        assert_eq!(bench.target.calls().last().unwrap(), "retire k2 Rejected");
        assert_eq!(bench.labels(&token), [""; 0]);

        bench.target.mend(method);
        bench.target.state().next_id = Some("k3".into());
        bench.rotate().await;
    }
}

#[tokio::test]
async fn what_may_have_been_applied_is_kept() {
    let failures: [fn() -> BackendError; 3] = [
        || BackendError::rejected("half done", Applied::Maybe),
        || BackendError::unavailable("401"),
        || BackendError::misconfigured("no such host"),
    ];
    for failure in failures {
        let bench = Bench::new(ACTIVATED);
        let token = bench.start_until(SetSecret).await;
        bench.target.fail("set", failure);
        let error = bench.step(&token, SetSecret).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Backend { .. }), "{error:?}");
        assert_eq!(error.class(), failure().class());
        assert_eq!(bench.labels(&token), ["AWSPENDING"]);
        assert_eq!(bench.target.calls().len(), 1, "set alone");
    }
}

#[tokio::test]
async fn a_credential_changed_in_place_is_never_released() {
    for (id, why) in [
        (Some("k1"), "same id as current"),
        (Some("k0"), "same id as previous"),
        (None, "no id"),
    ] {
        let bench = Bench::with_previous(CHOSEN);
        bench.target.state().next_id = id.map(str::to_owned);
        let token = bench.start_until(SetSecret).await;
        bench.target.fail("set", rejected);
        let error = bench.step(&token, SetSecret).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Backend { .. }), "{why}: {error:?}");
        assert_eq!(error.class(), ErrorClass::Rejected, "{why}");
        assert_eq!(bench.labels(&token), ["AWSPENDING"], "{why}");
        assert_eq!(bench.target.calls().len(), 1, "{why}: set alone");
    }
}

#[tokio::test]
async fn a_rejected_credential_that_could_not_be_retired_is_said() {
    let bench = Bench::new(ACTIVATED);
    let token = bench.start_until(SetSecret).await;
    bench.target.fail("set", rejected);
    bench.target.fail("retire", || BackendError::unavailable("503"));
    let error = bench.step(&token, SetSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::NotCompensated { .. }), "{error:?}");
    assert_eq!(bench.labels(&token), [""; 0]);
    bench.target.mend("set");
    bench.target.mend("retire");
    bench.target.state().next_id = Some("k3".into());
    bench.rotate().await;
}

#[tokio::test]
async fn a_rejected_credential_is_released_before_it_is_retired() {
    // A release that fails leaves everything as it was, and the replay does it again.
    let bench = Bench::new(ACTIVATED);
    let token = bench.start_until(SetSecret).await;
    bench.target.fail("set", rejected);
    bench
        .simulator
        .faults()
        .at_nth("UpdateSecretVersionStage", 1, Fault::Throttle);
    let error = bench.step(&token, SetSecret).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert_eq!(bench.target.calls().len(), 1, "set alone");
    let error = bench.step(&token, SetSecret).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::PendingRejected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_previous_version_that_may_not_be_read_does_not_block() {
    let bench = Bench::with_previous(CHOSEN.reads_previous());
    let token = bench.start_until(SetSecret).await;
    bench.simulator.faults().at_nth("GetSecretValue", 3, Fault::Deny);
    bench.step(&token, SetSecret).await.unwrap();
    assert_eq!(bench.target.calls(), ["set k2 current=k1 previous=none"]);
}

#[tokio::test]
async fn a_dry_run_passes_and_its_rejection_retires_nothing() {
    for reject in [false, true] {
        let bench = Bench::new(MINTED);
        let token = bench.simulator.operator().dry_run(&bench.arn).unwrap();
        if reject {
            bench.target.fail("test", rejected);
        }
        assert_eq!(bench.step(&token, TestSecret).await.is_err(), reject);
        assert_eq!(bench.target.calls(), ["test k1"]);
        assert_eq!(bench.labels(&token), ["AWSPENDING"], "left to the service");
    }
}

#[tokio::test]
async fn a_token_that_is_current_is_done() {
    let bench = Bench::new(CHOSEN);
    let token = bench.rotate().await;
    bench.target.calls();
    for step in [CreateSecret, SetSecret, TestSecret] {
        assert_eq!(
            bench.step(&token, step).await.unwrap().outcome,
            Outcome::AlreadyCurrent
        );
    }
    assert_eq!(bench.target.calls(), [""; 0]);
}

#[tokio::test]
async fn a_pending_value_that_is_no_credential_is_named_without_quoting_it() {
    let bench = Bench::new(CHOSEN);
    let token = bench.start();
    let value = rotation_core::SecretValue::text(r#"{"id":"k2","kee":"hunter2"}"#);
    bench.put_pending(&token, value);
    let error = bench.step(&token, SetSecret).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("AWSPENDING") && format!("{error:?}").contains(r#""key" is missing"#),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_late_delivery_of_an_older_token_is_refused() {
    let bench = Bench::new(MINTED);
    let old = bench.start_until(SetSecret).await;
    bench
        .simulator
        .operator()
        .put(&bench.arn, document("manual"))
        .unwrap();
    let new = bench.start_until(SetSecret).await;
    for step in Step::ALL {
        let error = bench.step(&old, step).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Refused(_)), "{error:?}");
    }
    assert_eq!(bench.target.calls(), [""; 0]);
    assert_eq!(bench.labels(&new), ["AWSPENDING"]);
}
