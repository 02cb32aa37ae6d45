//! What the function reports when a step fails, and that no secret is in what it prints.

use std::time::Duration;

use rotation_lambda_host::{Function, Invoked};
use rotation_testkit::{Fault, Faults};
use serde_json::{Value, json};

use crate::support::{Scene, Setting};

/// What goes wrong: a name, what to do about it, the `error_type`, a part of the message.
struct Failure {
    name: &'static str,
    step: &'static str,
    plan: Box<dyn Fn(&Scene)>,
    announces: Option<Duration>,
    error_type: &'static str,
    class: &'static str,
    says: &'static str,
}

const UNAVAILABLE: (&str, &str) = ("Rotation.Unavailable", "unavailable");
const MISCONFIGURED: (&str, &str) = ("Rotation.Misconfigured", "misconfigured");

fn failure(
    name: &'static str,
    step: &'static str,
    (error_type, class): (&'static str, &'static str),
    says: &'static str,
    plan: impl Fn(&Scene) + 'static,
) -> Failure {
    Failure {
        name,
        step,
        plan: Box::new(plan),
        announces: None,
        error_type,
        class,
        says,
    }
}

/// The SDK makes three tries of a call.
fn thrice(faults: &Faults, action: &str, fault: Fault) {
    for occurrence in 1..=3 {
        faults.at_nth(action, occurrence, fault);
    }
}

fn failures() -> Vec<Failure> {
    let create = "createSecret";
    let mut failures = vec![
        failure("a 500 of the provider", create, UNAVAILABLE, "500", |scene| {
            scene
                .provider
                .force_next("POST /api-keys", 500.try_into().unwrap());
        }),
        failure("a wrong admin token", create, MISCONFIGURED, "401", |scene| {
            scene.provider.replace_admin_token("another");
        }),
        failure(
            "throttled in createSecret",
            create,
            UNAVAILABLE,
            "Rate exceeded",
            |scene| {
                thrice(&scene.simulator.faults(), "PutSecretValue", Fault::Throttle);
            },
        ),
        failure(
            "throttled in finishSecret",
            "finishSecret",
            UNAVAILABLE,
            "Rate exceeded",
            |scene| {
                thrice(
                    &scene.simulator.faults(),
                    "UpdateSecretVersionStage",
                    Fault::Throttle,
                );
            },
        ),
        failure(
            "an internal error at the put",
            create,
            UNAVAILABLE,
            "not known",
            |scene| {
                thrice(&scene.simulator.faults(), "PutSecretValue", Fault::InternalError);
            },
        ),
        failure(
            "no answer to the put",
            create,
            UNAVAILABLE,
            "not known",
            |scene| {
                thrice(&scene.simulator.faults(), "PutSecretValue", Fault::LoseRequest);
            },
        ),
    ];
    for (action, step) in [
        ("DescribeSecret", create),
        ("GetSecretValue", create),
        ("PutSecretValue", create),
        ("UpdateSecretVersionStage", "finishSecret"),
    ] {
        let deny = move |scene: &Scene| scene.simulator.operator().deny(action);
        failures.push(failure(
            action,
            step,
            MISCONFIGURED,
            "is denied; the policies",
            deny,
        ));
    }
    failures.push(Failure {
        announces: Some(Duration::ZERO),
        ..failure(
            "a deadline that has passed",
            create,
            UNAVAILABLE,
            "no time left",
            |_| {},
        )
    });
    failures
}

/// The step that is due, invoked with the event that the service would send; reported to it.
async fn step(scene: &Scene) -> (Value, Invoked) {
    let invocation = scene.simulator.next_invocation().unwrap();
    let event = &invocation.event;
    let payload = json!({
        "Step": event.step().as_str(), "SecretId": event.secret_id(),
        "ClientRequestToken": event.client_request_token(),
        "RotationToken": event.rotation_token().unwrap().expose_secret(),
    });
    let invoked = scene.function.invoke(&payload).await;
    let result = match invoked.failed {
        true => rotation_testkit::model::InvocationResult::Failed("failed".to_owned()),
        false => rotation_testkit::model::InvocationResult::Succeeded,
    };
    scene.simulator.report(&invocation, result);
    (payload, invoked)
}

/// A scene in which the test is the service, under a role that has to send the RotationToken back.
async fn by_hand(announces: Option<Duration>) -> Scene {
    let plain = Setting::default();
    let setting = Setting {
        driven: false,
        function: Box::new(move |function| {
            let function = (plain.function)(function);
            match announces {
                Some(remaining) => function.announces(remaining),
                None => function,
            }
        }),
        provider: plain.provider,
        ..Setting::default()
    };
    let scene = Scene::with(setting).await;
    scene.simulator.configure(|options| {
        options.function_assumes_role = true;
        options.replays = 0;
    });
    scene
}

/// Every secret that this scene's function was given or made.
fn secrets(scene: &Scene, current: &Value, events: &[Value]) -> Vec<String> {
    let mut secrets = vec![
        crate::support::ADMIN_TOKEN.to_owned(),
        scene.first_key.clone(),
        "sentinel-note".to_owned(),
        current["api_key"].as_str().unwrap().to_owned(),
    ];
    secrets.extend(
        events
            .iter()
            .map(|event| event["RotationToken"].as_str().unwrap().to_owned()),
    );
    let operator = scene.simulator.operator();
    if let Ok(pending) = operator.value(&scene.arn, "AWSPENDING") {
        let pending: Value = pending.decode().unwrap();
        secrets.push(pending["api_key"].as_str().unwrap().to_owned());
    }
    secrets
}

#[tokio::test]
async fn a_rotation_that_succeeds_prints_no_secret_though_each_was_sent() {
    let scene = by_hand(None).await;
    scene.rotate().await;
    let mut events = Vec::new();
    for _ in 0..4 {
        let (event, invoked) = step(&scene).await;
        assert!(!invoked.failed, "{:?}", invoked.payload);
        events.push(event);
    }
    let current = scene.current().await;
    // The provider takes no other admin token, and knows the key by its bearer header only; the
    // service took the pending value for the function's own by the RotationToken only.
    assert!(
        scene
            .provider
            .requests()
            .iter()
            .any(|request| request == "POST /api-keys 201")
    );
    assert!(
        scene
            .provider
            .requests()
            .iter()
            .any(|request| request == "GET /health 200")
    );
    assert!(current["api_key"] != scene.first_key.as_str() && scene.current_works().await);
    let output = scene.function.output();
    assert!(
        output.contains(r#""level":"TRACE""#) || output.lines().count() >= 4,
        "{output}"
    );
    for secret in secrets(&scene, &current, &events) {
        assert!(!output.contains(&secret), "{secret:?} was printed:\n{output}");
    }
}

#[tokio::test]
async fn each_failure_is_reported_by_its_type_and_prints_no_secret() {
    for failure in failures() {
        let scene = by_hand(failure.announces).await;
        scene.rotate().await;
        (failure.plan)(&scene);
        let mut events = Vec::new();
        let invoked = loop {
            let (event, invoked) = step(&scene).await;
            events.push(event);
            if invoked.failed {
                break invoked;
            }
        };
        let name = failure.name;
        let message = invoked.error_message().unwrap();
        assert_eq!(events.last().unwrap()["Step"], failure.step, "{name}: {message}");
        assert_eq!(
            invoked.error_type(),
            Some(failure.error_type),
            "{name}: {message}"
        );
        assert!(message.contains(failure.says), "{name}: {message}");
        let lines = scene.closing_lines();
        let failed: Vec<_> = lines.iter().filter(|line| line["outcome"] == "failed").collect();
        let [failed] = failed.as_slice() else {
            panic!("{name}: {failed:?}")
        };
        assert_eq!(failed["class"], failure.class, "{name}");
        assert!(
            failed["reason"].is_string() && failed["error"].as_str().unwrap() == message,
            "{name}: {failed}"
        );
        assert_eq!((&failed["failed"], &failed["succeeded"]), (&json!(1), &json!(0)));

        assert!(scene.current_works().await, "{name}");
        let said = format!("{}{}", scene.function.output(), invoked.payload);
        for secret in secrets(&scene, &scene.current().await, &events) {
            assert!(!said.contains(&secret), "{name}: {secret:?} was printed:\n{said}");
        }
        if failure.announces.is_some() {
            let called = scene
                .simulator
                .calls()
                .iter()
                .any(|call| call.action == "PutSecretValue");
            assert!(
                !called && scene.provider.requests().is_empty(),
                "{name}: something was begun"
            );
        }
    }
}

/// A failed step as the service's own record tells of it.
#[tokio::test]
async fn the_service_records_which_step_failed() {
    let scene = Scene::new().await;
    scene
        .provider
        .force_next("POST /api-keys", 500.try_into().unwrap());
    let token = scene.rotate().await;
    let record = scene.record("RotationFailed", &token).await;
    assert!(
        record["errorMessage"]
            .as_str()
            .unwrap()
            .contains("during createSecret step"),
        "{record}"
    );
    assert_eq!(record["additionalEventData"]["SecretId"], scene.arn.as_str());
    scene.succeeded(&token).await;
}

#[tokio::test]
async fn what_is_no_rotation_event_is_refused_and_logged() {
    let scene = by_hand(None).await;
    let event =
        json!({"Step": "createSecret", "SecretId": "arn", "RotationToken": "sentinel\nrotation-token"});
    let invoked = scene.function.invoke(&event).await;
    assert_eq!(invoked.error_type(), Some("Rotation.BadEvent"));
    let lines = scene.closing_lines();
    let [line] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!(
        (&line["reason"], &line["class"]),
        (&json!("bad_event"), &json!("misconfigured"))
    );
    assert_eq!((&line["backend"], &line["failed"]), (&json!("none"), &json!(1)));
    assert!(
        !scene.function.output().contains("sentinel"),
        "{}",
        scene.function.output()
    );
}

/// Bad settings end the process at its start, and say which.
#[tokio::test]
async fn a_function_that_is_set_up_wrongly_says_how() {
    let function = Function::builder(env!("CARGO_BIN_EXE_api-key-rotator"));
    let function = function
        .env("ADMIN_TOKEN", crate::support::ADMIN_TOKEN)
        .start()
        .await
        .unwrap();
    let invoked = function.invoke(&json!({})).await;
    assert_eq!(invoked.error_type(), Some("Runtime.ExitError"));
    assert!(
        function.output().contains("ALLOWED_API_HOSTS"),
        "{}",
        function.output()
    );
    assert!(!function.output().contains(crate::support::ADMIN_TOKEN));
}

#[tokio::test]
async fn outside_of_lambda_it_says_so() {
    let binary = env!("CARGO_BIN_EXE_api-key-rotator");
    let mut command = tokio::process::Command::new(binary);
    command
        .env_clear()
        .env("ADMIN_TOKEN", crate::support::ADMIN_TOKEN)
        .env("ALLOWED_API_HOSTS", "api.vendor.com");
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        said.contains("AWS_LAMBDA_RUNTIME_API is not set") && said.contains("cargo lambda watch"),
        "{said}"
    );
}
