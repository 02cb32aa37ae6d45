//! The handler over a real rotator: its answers, its time, its failures.
use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use rotation_core::{
    BackendError, CredentialBackend, Live, Outcome, Profile, Retire, Retirement, Rotate, RotationError,
    RotationErrorKind, RotationEvent, Rotator, SecretValue, StepContext, StepReport, async_trait,
};
use rotation_lambda::Handler;
use rotation_testkit::Simulator;
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use serde_json::{Value, json};

const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn event(step: &str, secret_id: &str) -> Value {
    json!({"Step": step, "SecretId": secret_id, "ClientRequestToken": TOKEN, "RotationToken": "sentinel-rotation-token"})
}

fn in_a_minute() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

/// Says how much time it was given.
struct Stopwatch;

#[async_trait]
impl Rotate for Stopwatch {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        assert_eq!(
            event.rotation_token().unwrap().expose_secret(),
            "sentinel-rotation-token"
        );
        assert!(
            remaining > Duration::from_secs(50) && remaining <= Duration::from_secs(59),
            "{remaining:?}"
        );
        Ok(StepReport::new(Outcome::Tested, Vec::new()))
    }
}

#[tokio::test]
async fn the_runtimes_deadline_less_the_reserve_is_the_steps_time() {
    let mut context = Context::default();
    let deadline = in_a_minute().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = u64::try_from(deadline.as_millis()).unwrap();
    let event = LambdaEvent::new(event("testSecret", "arn"), context);
    let answer = Handler::new(Stopwatch).handle(event).await.unwrap();
    assert_eq!(answer, json!({"outcome": "tested"}));
}

#[tokio::test]
async fn four_steps_through_the_handler_rotate_a_secret() {
    let simulator = Simulator::new();
    let first = Login::new("app", "first-password");
    let target = PasswordTarget::new(first.clone(), simulator.faults());
    let arn = simulator
        .operator()
        .create_secret("crm", first.to_value())
        .unwrap();
    let rotator = Rotator::new(PasswordBackend::new(target.clone()), simulator.store());
    let handler = Handler::new(rotator);
    simulator.operator().rotate_with_token(&arn, TOKEN).unwrap();
    let mut outcomes = Vec::new();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        outcomes.push(
            handler
                .step(&event(step, &arn), in_a_minute())
                .await
                .unwrap()
                .outcome,
        );
    }
    assert_eq!(
        outcomes,
        [Outcome::Created, Outcome::Set, Outcome::Tested, Outcome::Promoted]
    );
    let current: Login = simulator
        .operator()
        .value(&arn, "AWSCURRENT")
        .unwrap()
        .decode()
        .unwrap();
    assert!(target.authenticates(&current));
}

#[tokio::test]
async fn no_time_means_no_call() {
    let simulator = Simulator::new();
    let value = Login::new("app", "first-password");
    let target = PasswordTarget::new(value.clone(), simulator.faults());
    let arn = simulator
        .operator()
        .create_secret("crm", value.to_value())
        .unwrap();
    simulator.operator().rotate_with_token(&arn, TOKEN).unwrap();
    simulator.clear_calls();
    let handler = Handler::new(Rotator::new(PasswordBackend::new(target), simulator.store()));
    for deadline in [SystemTime::now() - Duration::from_secs(9), SystemTime::now()] {
        let failure = handler
            .step(&event("createSecret", &arn), deadline)
            .await
            .unwrap_err();
        assert_eq!(failure.error_type(), "Rotation.Unavailable");
        assert!(
            matches!(
                failure.rotation().unwrap().kind(),
                RotationErrorKind::OutOfTime { .. }
            ),
            "{failure}"
        );
    }
    assert!(simulator.calls().is_empty());
}

#[tokio::test]
async fn what_is_no_event_is_refused_by_name_and_never_quoted() {
    let handler = Handler::new(Stopwatch);
    let mut other = event("createSecret", "arn");
    other["RotationToken"] = json!("sentinel\nrotation-token");
    for (payload, text) in [
        (json!(null), "event"),
        (json!({"Step": "createSecret"}), "SecretId"),
        (event("create_secret", "arn"), "Step"),
        (other, "RotationToken"),
    ] {
        let failure = handler.step(&payload, in_a_minute()).await.unwrap_err();
        assert_eq!(failure.error_type(), "Rotation.BadEvent");
        let Diagnostic { error_message, .. } = failure.into();
        assert!(
            error_message.contains(text) && !error_message.contains("sentinel"),
            "{error_message}"
        );
    }
}

/// Panics in each method, with the credential in the message.
struct Panicking;

#[async_trait]
impl CredentialBackend for Panicking {
    type Credential = String;

    fn profile(&self) -> Profile {
        Profile::chosen("panicking")
    }

    fn id(&self, _: &String) -> Option<String> {
        None
    }

    async fn create(&self, _: &StepContext<'_>, live: Live<'_, String>) -> Result<String, BackendError> {
        panic!("{}", live.current())
    }

    async fn set(&self, _: &StepContext<'_>, _: &String, live: Live<'_, String>) -> Result<(), BackendError> {
        panic!("{}", live.current())
    }

    async fn test(&self, _: &StepContext<'_>, pending: &String) -> Result<(), BackendError> {
        panic!("{pending}")
    }

    async fn retire(&self, _: &StepContext<'_>, old: &String, _: Retire) -> Result<Retirement, BackendError> {
        panic!("{old}")
    }
}

#[tokio::test]
async fn a_panic_is_a_failure_that_does_not_say_what_the_panic_said() {
    let simulator = Simulator::new();
    let arn = simulator
        .operator()
        .create_secret("crm", SecretValue::text("sentinel-value"))
        .unwrap();
    simulator.operator().rotate_with_token(&arn, TOKEN).unwrap();
    let handler = Handler::new(Rotator::new(Panicking, simulator.store()));
    let failure = handler
        .step(&event("createSecret", &arn), in_a_minute())
        .await
        .unwrap_err();
    let text = format!("{failure} {failure:?}");
    assert_eq!(failure.error_type(), "Rotation.Panicked");
    assert!(text.contains("panicked") && !text.contains("sentinel"), "{text}");
}

#[test]
fn run_within_a_runtime_says_what_to_do() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime
        .block_on(async { rotation_lambda::run(Panicking) })
        .unwrap_err();
    assert!(format!("{error:?}").contains("run_with_client"), "{error}");
}
