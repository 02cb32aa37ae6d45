//! What every step refuses before any effect.

use crate::common::{Bench, MINUTES, Target};
use rotation_core::Refusal;
use rotation_core::{ErrorClass, Profile, Rotate, RotationErrorKind as Kind, RotationEvent, Rotator, Step};
use rotation_testkit::Operator;
use rotation_testkit::model::ApiError;

const MINTED: Profile = Profile::minted("minted");
const CHOSEN: Profile = Profile::chosen("chosen");

/// What is done to the secret, and the refusal that every step then gives.
struct Row {
    name: &'static str,
    change: fn(&Operator, &str) -> Result<(), ApiError>,
    expected: fn(&Refusal) -> bool,
}

const ROWS: [Row; 4] = [
    Row {
        name: "rotation disabled",
        change: |operator, arn| operator.cancel(arn).map(drop),
        expected: |refusal| matches!(refusal, Refusal::RotationDisabled),
    },
    Row {
        name: "managed by another service",
        change: |operator, arn| operator.make_managed(arn, "rds"),
        expected: |refusal| matches!(refusal, Refusal::OwnedByService(service) if service == "rds"),
    },
    Row {
        name: "a replica",
        change: |operator, arn| operator.make_replica(arn, "us-east-1"),
        expected: |refusal| matches!(refusal, Refusal::Replica { primary_region } if primary_region == "us-east-1"),
    },
    Row {
        name: "abandoned",
        change: |operator, arn| operator.put(arn, crate::common::document("manual")).map(drop),
        expected: |refusal| matches!(refusal, Refusal::NoStages | Refusal::TokenUnknown),
    },
];

#[tokio::test]
async fn a_refused_step_only_reads() {
    for Row {
        name,
        change,
        expected,
    } in ROWS
    {
        for step in Step::ALL {
            let bench = Bench::with_previous(MINTED);
            let token = bench.start_until(step).await;
            change(&bench.simulator.operator(), &bench.arn).unwrap();
            bench.simulator.clear_calls();
            let error = bench.step(&token, step).await.unwrap_err();
            let Kind::Refused(refusal) = error.kind() else {
                panic!("{name}, {step}: {error:?}")
            };
            assert!(expected(refusal), "{name}, {step}: {refusal:?}");
            assert_ne!(error.class(), ErrorClass::Unavailable, "{name}");
            assert_eq!(bench.target.calls(), [""; 0], "{name}, {step}");
            let actions = bench.actions();
            assert!(
                actions
                    .iter()
                    .all(|action| action.starts_with("Get") || action == "DescribeSecret"),
                "{actions:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_for_a_person() {
    let bench = Bench::new(MINTED);
    let event = RotationEvent::new("no-such-secret", &bench.start(), Step::CreateSecret).unwrap();
    let error = bench.rotator.rotate(&event, MINUTES).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misconfigured);
    assert!(format!("{error:?}").contains("describe the secret"), "{error:?}");
}

#[test]
fn rotators_are_objects_that_several_threads_may_share() {
    fn assert<T: Send + Sync + 'static>(_: &T) {}
    let bench = Bench::new(CHOSEN);
    let routes: Vec<Box<dyn Rotate>> = vec![
        Box::new(Rotator::new(Target::new(CHOSEN), bench.simulator.store())),
        Box::new(bench.rotator),
    ];
    assert(&routes);
}
