//! The host drives a process as Lambda does: starts, answers, errors, crashes, time-outs, overlaps.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rotation_lambda_host::{Function, Invoked, KillSwitch};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::acting::{ACTING, request};
use crate::bench::{
    START, assert_failed, builder, function, gone, meeting, now, signalled, succeeded, to_do, until,
};

#[tokio::test]
async fn a_process_is_started_by_the_first_invocation_and_used_again() {
    let function = function().await;
    assert_eq!(function.cold_starts(), 0);
    let first = succeeded(function.invoke(&json!({"round": 1})).await);
    let second = succeeded(function.invoke(&json!({"round": 2})).await);
    assert_eq!(first["event"], json!({"round": 1}));
    assert_eq!(second["event"], json!({"round": 2}));
    assert_eq!(first["pid"], second["pid"]);
    assert_eq!(function.cold_starts(), 1);
}

#[tokio::test]
async fn a_function_finds_the_environment_and_the_headers_of_lambda_and_no_others() {
    let function = builder()
        .name("crm-key")
        .env("AWS_REGION", "us-east-1")
        .env("ADMIN", "told")
        .start()
        .await
        .unwrap();
    let told = succeeded(function.invoke(&json!({})).await);

    let env = told["env"].as_object().unwrap();
    let names: BTreeSet<&str> = env.keys().map(String::as_str).collect();
    let expected = BTreeSet::from([
        "_HANDLER",
        ACTING,
        "ADMIN",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "PATH",
        "TZ",
    ]);
    assert_eq!(names, expected);
    assert_eq!(env["AWS_LAMBDA_FUNCTION_NAME"], "crm-key");
    assert_eq!(env["AWS_REGION"], "us-east-1");
    assert_eq!(env["ADMIN"], "told");
    assert_eq!(env["AWS_ACCESS_KEY_ID"], Function::ACCESS_KEY_ID);

    let head = told["head"].as_str().unwrap();
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:crm-key";
    assert_eq!(function.arn(), arn);
    for line in [
        "content-type: application/json",
        &format!("lambda-runtime-invoked-function-arn: {arn}"),
        "lambda-runtime-trace-id: root=1-",
    ] {
        assert!(head.contains(line), "no {line} in {head}");
    }
}

#[tokio::test]
async fn a_variable_that_is_set_later_is_for_the_processes_that_start_later() {
    let function = builder().env("ENDPOINT", "one").start().await.unwrap();
    for (expected, next) in [("two", "three"), ("three", "four")] {
        function.set_env("ENDPOINT", expected);
        let told = succeeded(function.invoke(&json!({})).await);
        assert_eq!(told["env"]["ENDPOINT"], expected);
        function.set_env("ENDPOINT", next);
        let told = succeeded(function.invoke(&json!({})).await);
        assert_eq!(told["env"]["ENDPOINT"], expected);
        function.kill().await;
    }
}

#[tokio::test]
async fn the_deadline_is_what_was_announced() {
    let limit = Duration::from_secs(30);
    let rows = [
        (None, limit),
        (Some(Duration::from_secs(3600)), Duration::from_secs(3600)),
        (Some(Duration::ZERO), Duration::ZERO),
    ];
    for (announced, expected) in rows {
        let builder = match announced {
            Some(announced) => builder().announces(announced),
            None => builder(),
        };
        let function = builder.start().await.unwrap();
        let before = now().as_millis();
        let told = succeeded(function.invoke(&json!({})).await);
        let (deadline, heard) = (told["deadline"].as_u64().unwrap(), told["now"].as_u64().unwrap());
        assert!(
            u128::from(deadline) >= before + expected.as_millis(),
            "{announced:?}"
        );
        assert!(
            u128::from(deadline) <= u128::from(heard) + expected.as_millis(),
            "{announced:?}"
        );
    }
}

#[tokio::test]
async fn an_error_that_the_function_reports_is_a_function_error_and_the_process_lives_on() {
    let function = function().await;
    let failed = function.invoke(&to_do("fail")).await;
    assert_failed(&failed, "Acting", "as told");
    succeeded(function.invoke(&json!({})).await);
    assert_eq!(function.cold_starts(), 1);
}

#[tokio::test]
async fn a_process_that_exits_answers_with_its_exit_and_another_follows() {
    let function = function().await;
    let failed = function.invoke(&to_do("exit")).await;
    let message = "Error: Runtime exited with error: exit status 3";
    assert_failed(&failed, "Runtime.ExitError", message);
    assert!(function.output().contains("about to exit\n"));
    succeeded(function.invoke(&json!({})).await);
    assert_eq!(function.cold_starts(), 2);
}

#[tokio::test]
async fn a_process_that_exits_after_its_answer_has_answered() {
    let function = function().await;
    for round in 1..=2 {
        let invoked = function.invoke(&to_do("answer and exit")).await;
        assert_eq!(succeeded(invoked), Value::Null);
        assert_eq!(function.output().matches("and exit\n").count(), round);
        assert_eq!(function.cold_starts(), round);
    }
}

#[tokio::test]
async fn a_process_that_ended_while_idle_is_replaced() {
    let function = function().await;
    let pid = succeeded(function.invoke(&json!({})).await)["pid"].clone();
    assert!(signalled("-9", &pid));
    gone(&pid).await;
    succeeded(function.invoke(&json!({})).await);
    assert_eq!(function.cold_starts(), 2);
}

#[tokio::test]
async fn a_start_that_fails_is_the_answer() {
    let rows = [
        (
            "exit",
            "Runtime.ExitError",
            "Runtime exited with error: exit status 1",
        ),
        ("error", "Config", "ADMIN_TOKEN is not set"),
    ];
    for (how, error_type, message) in rows {
        let function = builder().env(START, how).start().await.unwrap();
        for round in 1..=2 {
            let failed = function.invoke(&json!({})).await;
            assert_failed(&failed, error_type, message);
            assert_eq!(function.cold_starts(), round);
        }
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_the_answer() {
    let function = Function::builder("/nonexistent/bootstrap").start().await.unwrap();
    let failed = function.invoke(&json!({})).await;
    assert_eq!(failed.error_type(), Some("Runtime.InvalidEntrypoint"));
    assert_eq!(function.cold_starts(), 0);
}

/// Wants the function to die once it was told to, and counts its deaths.
#[derive(Clone, Default)]
struct Trigger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    wanted: bool,
    killed: usize,
    waiting: Option<Waker>,
}

impl Trigger {
    fn pull(&self) {
        let mut state = self.0.lock().unwrap();
        state.wanted = true;
        state.waiting.take().unwrap().wake();
    }
}

impl KillSwitch for Trigger {
    fn poll_wanted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        if state.wanted {
            return Poll::Ready(());
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn killed(&self) {
        let mut state = self.0.lock().unwrap();
        state.wanted = false;
        state.killed += 1;
    }
}

#[tokio::test]
async fn a_kill_switch_kills_the_process_in_mid_invocation() {
    let trigger = Trigger::default();
    let function = Arc::new(builder().faults(trigger.clone()).start().await.unwrap());
    for deaths in 1..=2 {
        let busy = tokio::spawn({
            let function = Arc::clone(&function);
            async move { function.invoke(&to_do("hang")).await }
        });
        until(|| function.output().matches("pid ").count() == deaths).await;
        trigger.pull();
        let failed = busy.await.unwrap();
        let message = "Error: Runtime exited with error: signal: killed";
        assert_failed(&failed, "Runtime.ExitError", message);
        assert_eq!(trigger.0.lock().unwrap().killed, deaths);
        assert_eq!(function.cold_starts(), deaths);
    }
}

#[tokio::test]
async fn a_process_that_does_not_answer_in_time_is_killed() {
    let function = builder().timeout(Duration::from_secs(3)).start().await.unwrap();
    let failed = function.invoke(&to_do("hang")).await;
    assert_failed(
        &failed,
        "Sandbox.Timedout",
        "Error: Task timed out after 3.00 seconds",
    );
    let output = function.output();
    let pid = output.lines().find_map(|line| line.strip_prefix("pid ")).unwrap();
    gone(&json!(pid.parse::<u32>().unwrap())).await;
    succeeded(function.invoke(&json!({})).await);
    assert_eq!(function.cold_starts(), 2);
}

#[tokio::test]
async fn an_invocation_that_overlaps_gets_a_process_of_its_own() {
    let function = function().await;
    let event = json!({"do": "call", "peer": meeting(2)});
    let (one, other) = tokio::join!(function.invoke(&event), function.invoke(&event));
    let (one, other) = (succeeded(one), succeeded(other));
    assert_ne!(one["pid"], other["pid"]);
    succeeded(function.invoke(&json!({})).await);
    assert_eq!(function.cold_starts(), 2);
}

#[tokio::test]
async fn one_invocation_more_than_there_may_be_processes_is_throttled() {
    let function = Arc::new(function().await);
    let event = json!({"do": "call", "peer": meeting(10)});
    let mut invocations = JoinSet::new();
    for _ in 0..11 {
        let (function, event) = (Arc::clone(&function), event.clone());
        invocations.spawn(async move { function.invoke(&event).await });
    }
    let all = invocations.join_all().await;
    let refused: Vec<_> = all.iter().filter_map(Invoked::error_type).collect();
    assert_eq!(refused, ["TooManyRequestsException"]);
    assert_eq!(function.cold_starts(), 10);
}

#[tokio::test]
async fn what_was_printed_before_the_answer_is_there_with_the_answer() {
    let function = function().await;
    for round in 1..=5 {
        succeeded(function.invoke(&to_do("print")).await);
        let output = function.output();
        let printed = output.matches("on stdout\nunfinished, then on stderr\n").count();
        assert_eq!(printed, round);
        assert_eq!(output.matches("noise\n").count(), round * 20_000);
    }
}

#[tokio::test]
async fn kill_ends_every_process_and_the_next_invocation_starts_another() {
    let function = Arc::new(function().await);
    succeeded(function.invoke(&json!({})).await);
    let busy = tokio::spawn({
        let function = Arc::clone(&function);
        async move { function.invoke(&to_do("hang")).await }
    });
    until(|| function.output().contains("pid ")).await;
    function.kill().await;
    let failed = busy.await.unwrap();
    assert_failed(&failed, "Runtime.ExitError", "signal: killed");
    succeeded(function.invoke(&json!({})).await);
    assert_eq!(function.cold_starts(), 2);
}

#[tokio::test]
async fn a_function_that_is_dropped_leaves_no_process() {
    let builder = builder().timeout(Duration::from_secs(3600));
    let function = Arc::new(builder.start().await.unwrap());
    let peer = meeting(2);
    let event = json!({"do": "call", "peer": peer});
    let (one, other) = tokio::join!(function.invoke(&event), function.invoke(&event));
    let idle = [succeeded(one)["pid"].clone(), succeeded(other)["pid"].clone()];
    let hanging = tokio::spawn({
        let function = Arc::clone(&function);
        async move { function.invoke(&to_do("hang")).await }
    });
    until(|| function.output().contains("pid ")).await;
    hanging.abort();
    assert!(hanging.await.is_err());
    drop(Arc::into_inner(function).unwrap());
    for pid in idle {
        gone(&pid).await;
    }
}

#[tokio::test]
async fn the_invoke_api_answers_as_lambdas() {
    let function = function().await;
    let template = function.invoke_url();
    let url = template.strip_prefix("http://").unwrap();
    let (address, path) = url.split_once('/').unwrap();
    let invoke = async |method: &str, function: &str, body: Value| {
        let line = format!("{method} /{}", path.replace("{function}", function));
        let address = address.to_owned();
        let reply = tokio::task::spawn_blocking(move || request(&address, &line, &body.to_string()));
        reply.await.unwrap().unwrap()
    };

    let named_in_every_way = [
        "rotation".to_owned(),
        "rotation:PROD".to_owned(),
        function.arn(),
        function.arn().replace(':', "%3A"),
    ];
    for name in named_in_every_way {
        let reply = invoke("POST", &name, json!({"round": 1})).await;
        assert_eq!(
            (reply.status, reply.header("x-amz-function-error")),
            (200, None),
            "{name}"
        );
        assert_eq!(reply.header("x-amz-executed-version"), Some("$latest"));
        let payload: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(payload["event"], json!({"round": 1}));
    }

    let reply = invoke("POST", "rotation", to_do("fail")).await;
    assert_eq!(
        (reply.status, reply.header("x-amz-function-error")),
        (200, Some("unhandled"))
    );
    let payload: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(payload, json!({"errorType": "Acting", "errorMessage": "as told"}));

    let refusals = [
        ("POST", "another", 404, "resourcenotfoundexception"),
        ("GET", "rotation", 405, "unknownoperationexception"),
        ("POST", "rotation/of", 404, "unknownoperationexception"),
    ];
    for (method, name, status, code) in refusals {
        let reply = invoke(method, name, json!({})).await;
        assert_eq!(
            (reply.status, reply.header("x-amzn-errortype")),
            (status, Some(code))
        );
    }
}

#[tokio::test]
async fn a_name_that_no_function_can_have_is_refused() {
    let refused = builder().name("crm key").start().await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}
