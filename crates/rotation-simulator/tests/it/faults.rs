//! Each kind of fault does what it says, through the store's door.

use std::time::Duration;

use rotation_core::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, Effect, Rotate, RotationError, RotationEvent, SecretStore,
    SecretValue, StepReport, StoreErrorKind, VersionRef, async_trait,
};
use rotation_simulator::model::RotationEventName::{RotationFailed, RotationStarted};
use rotation_simulator::{Fault, Simulator, SimulatorStore, StepResult};

const LIMIT: Duration = Duration::from_secs(30);

/// A simulator with a secret whose rotation has begun, so that a pending value can be put.
fn rotating() -> (Simulator, String, String) {
    let simulator = Simulator::new();
    let arn = simulator
        .operator()
        .create_secret("crm", SecretValue::text("v1"))
        .unwrap();
    let token = simulator.operator().rotate(&arn).unwrap();
    (simulator, arn, token)
}

/// Puts a pending value as the rotation function does.
struct Put {
    store: SimulatorStore,
}

#[async_trait]
impl Rotate for Put {
    async fn rotate(&self, event: &RotationEvent, _: Duration) -> Result<StepReport, RotationError> {
        let (secret, token) = (event.secret_id(), event.client_request_token());
        let (value, proof) = (SecretValue::text("v2"), event.rotation_token());
        self.store
            .put_pending(secret, token, &value, proof)
            .await
            .unwrap();
        panic!("the process should have died")
    }
}

#[tokio::test]
async fn a_write_is_applied_or_not_and_the_error_says_what_the_caller_can_know() {
    let unavailable = StoreErrorKind::Unavailable;
    let rows = [
        (
            Fault::LoseRequest,
            false,
            unavailable,
            Effect::Unknown,
            "PutSecretValue: no answer",
        ),
        (
            Fault::LoseResponse,
            true,
            unavailable,
            Effect::Unknown,
            "PutSecretValue: no answer",
        ),
        (
            Fault::Throttle,
            false,
            unavailable,
            Effect::NotApplied,
            "ThrottlingException: Rate exceeded",
        ),
        (
            Fault::Deny,
            false,
            StoreErrorKind::Denied,
            Effect::NotApplied,
            "secretsmanager:PutSecretValue",
        ),
        (
            Fault::InternalError,
            false,
            unavailable,
            Effect::Unknown,
            "InternalServiceError: ",
        ),
    ];
    for (fault, applied, kind, effect, text) in rows {
        let (simulator, arn, token) = rotating();
        let (faults, store) = (simulator.faults(), simulator.store());
        faults.at(1, fault);
        let value = SecretValue::text("v2");
        let error = store.put_pending(&arn, &token, &value, None).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, effect), "{fault:?}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(
            simulator.operator().value(&arn, AWSPENDING).is_ok(),
            applied,
            "{fault:?}"
        );
        assert!(faults.all_struck());
        // Once only.
        store.put_pending(&arn, &token, &value, None).await.unwrap();
        assert_eq!(faults.struck().len(), 1);
    }
}

#[tokio::test]
async fn a_crash_ends_the_process_before_or_after_the_effect() {
    for (fault, applied) in [(Fault::CrashBefore, false), (Fault::CrashAfter, true)] {
        let (simulator, arn, _) = rotating();
        simulator.faults().at_nth("PutSecretValue", 1, fault);
        let run = simulator
            .step(
                &Put {
                    store: simulator.store(),
                },
                LIMIT,
            )
            .await
            .unwrap();
        assert!(matches!(run.result, StepResult::Crashed), "{run:?}");
        assert_eq!(run.duration, Duration::ZERO, "time stands still in a crash");
        assert_eq!(
            simulator.operator().value(&arn, AWSPENDING).is_ok(),
            applied,
            "{fault:?}"
        );
        let names: Vec<_> = simulator.records().iter().map(|record| record.name).collect();
        assert_eq!(names, [RotationStarted, RotationFailed]);
        assert!(!simulator.faults().take_crash(), "the driver has taken it");
    }
}

#[tokio::test]
async fn an_invocation_that_hangs_is_cut_off_before_or_after_the_effect() {
    for (fault, applied) in [(Fault::Hang, false), (Fault::HangAfter, true)] {
        let (simulator, arn, _) = rotating();
        simulator.faults().at(1, fault);
        let store = simulator.store();
        let run = simulator.step(&Put { store }, LIMIT).await.unwrap();
        assert!(matches!(run.result, StepResult::TimedOut), "{run:?}");
        assert_eq!(run.duration, LIMIT + Duration::from_secs(1));
        let stored = simulator.operator().value(&arn, AWSPENDING).is_ok();
        assert_eq!(stored, applied, "{fault:?}");
    }
}

#[tokio::test]
async fn every_kind_of_fault_is_among_all() {
    let kinds: std::collections::BTreeSet<_> = Fault::ALL.into_iter().collect();
    assert_eq!(kinds.len(), Fault::ALL.len());
    assert!(kinds.contains(&Fault::HangAfter));
}

#[tokio::test]
async fn a_stale_read_misses_the_last_write_and_a_write_cannot_be_stale() {
    let (simulator, arn, token) = rotating();
    let (faults, store) = (simulator.faults(), simulator.store());
    faults.at_nth("PutSecretValue", 1, Fault::Stale);
    store
        .put_pending(&arn, &token, &SecretValue::text("v2"), None)
        .await
        .unwrap();
    assert!(
        !faults.all_struck(),
        "a fault that cannot strike does not count as struck"
    );
    faults.clear();

    faults.at_nth("GetSecretValue", 1, Fault::Stale);
    faults.at_nth("DescribeSecret", 2, Fault::Stale);
    let pending = VersionRef::IdAndStage(&token, AWSPENDING);
    assert_eq!(
        store.read(&arn, pending).await.unwrap_err().kind(),
        StoreErrorKind::NotFound
    );
    assert!(store.read(&arn, pending).await.unwrap().value == SecretValue::text("v2"));

    let current = simulator
        .labels(&arn)
        .version_with(AWSCURRENT)
        .unwrap()
        .to_owned();
    store.promote(&arn, &token, &current).await.unwrap();
    assert_eq!(
        store.describe(&arn).await.unwrap().version_with(AWSCURRENT),
        Some(token.as_str())
    );
    assert_eq!(
        store.describe(&arn).await.unwrap().version_with(AWSCURRENT),
        Some(current.as_str())
    );
    assert!(faults.all_struck());
}

#[tokio::test]
async fn the_store_maps_codes_as_the_edge_does() {
    let (simulator, arn, token) = rotating();
    let (store, operator) = (simulator.store(), simulator.operator());
    let current = simulator
        .labels(&arn)
        .version_with(AWSCURRENT)
        .unwrap()
        .to_owned();
    let kind = |result: Result<(), rotation_core::StoreError>| {
        let error = result.unwrap_err();
        assert_eq!(error.effect(), Effect::NotApplied, "{error}");
        error.kind()
    };
    let read = |id, stage| {
        let store = &store;
        let arn = &arn;
        async move {
            store
                .read(arn, VersionRef::IdAndStage(id, stage))
                .await
                .map(|_| ())
        }
    };
    let value = SecretValue::text("v2");
    assert_eq!(kind(read(&token, AWSPENDING).await), StoreErrorKind::NotFound);
    assert_eq!(
        kind(read(&current, AWSPENDING).await),
        StoreErrorKind::StageMismatch
    );
    assert_eq!(
        kind(store.describe("none").await.map(|_| ())),
        StoreErrorKind::NotFound
    );
    assert_eq!(
        kind(store.promote(&arn, &current, &token).await),
        StoreErrorKind::StageMismatch
    );
    assert_eq!(
        kind(store.release_pending(&arn, &current).await),
        StoreErrorKind::StageMismatch
    );
    store.put_pending(&arn, &token, &value, None).await.unwrap();
    store.put_pending(&arn, &token, &value, None).await.unwrap();
    let conflict = store
        .put_pending(&arn, &token, &SecretValue::text("v3"), None)
        .await;
    assert_eq!(kind(conflict), StoreErrorKind::Conflict);
    operator.deny("DescribeSecret");
    assert_eq!(
        kind(store.describe(&arn).await.map(|_| ())),
        StoreErrorKind::Denied
    );
    operator.make_replica(&arn, "us-east-1").unwrap();
    assert_eq!(
        kind(store.release_pending(&arn, &token).await),
        StoreErrorKind::Invalid
    );
}

#[tokio::test]
async fn every_call_that_reached_the_service_is_logged_without_values() {
    let (simulator, arn, token) = rotating();
    simulator.clear_calls();
    let (faults, store) = (simulator.faults(), simulator.store());
    faults.at(1, Fault::LoseRequest);
    faults.at(2, Fault::Throttle);
    for _ in 0..3 {
        _ = store
            .put_pending(&arn, &token, &SecretValue::text("hunter2"), None)
            .await;
    }
    let calls = simulator.calls();
    let outcomes: Vec<_> = calls.iter().map(|call| (call.action, call.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("PutSecretValue", "ThrottlingException"),
            ("PutSecretValue", "ok")
        ]
    );
    assert_eq!(
        (calls[1].version.as_deref(), calls[1].stage.as_deref()),
        (Some(&*token), Some(AWSPENDING))
    );
    assert!(!format!("{calls:?} {simulator:?} {store:?} {faults:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_replica_is_in_sync_behind_or_failed() {
    use rotation_core::ReplicaStatus as Core;
    use rotation_simulator::model::ReplicaStatus::{Detached, Failed, InProgress, InSync, Pending};
    let (simulator, arn, _) = rotating();
    let (operator, store) = (simulator.operator(), simulator.store());
    operator.replicate(&arn, "us-east-1").unwrap();
    for (status, seen) in [
        (InSync, Core::InSync),
        (InProgress, Core::Behind),
        (Pending, Core::Behind),
        (Failed, Core::Failed),
        (Detached, Core::Failed),
    ] {
        operator.set_replica_status(&arn, "us-east-1", status).unwrap();
        let described = store.describe(&arn).await.unwrap();
        assert_eq!(described.replicas[0].status, seen, "{status:?}");
    }
}

#[tokio::test]
async fn the_table_of_labels_is_for_people() {
    let (simulator, arn, token) = rotating();
    let operator = simulator.operator();
    operator.remove_label(&arn, AWSPENDING, &token).unwrap();
    simulator.skip(Duration::from_secs(1));
    let two = operator.put(&arn, SecretValue::text("v2")).unwrap();
    let three = operator.rotate(&arn).unwrap();
    let table = simulator.labels(&arn);
    let one = table.version_with(AWSPREVIOUS).unwrap();
    let [one, two, three, token] = [one, &two, &three, &token].map(|id| &id[..8]);
    let expected = format!(
        "version   labels        holds\n\
         {two}  AWSCURRENT    value\n\
         {three}  AWSPENDING    empty\n\
         {one}  AWSPREVIOUS   value\n\
         {token}  (deprecated)  empty"
    );
    assert_eq!(table.to_string(), expected);
}
