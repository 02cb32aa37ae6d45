//! What the function does, and how the tests call it.

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::net::TcpListener;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rotation_lambda_host::{Function, FunctionBuilder, Invoked};
use serde_json::{Value, json};

use crate::acting::{self, ACTING, Reply, request, runtime_api};

/// How the function's start goes, if not well.
pub(crate) const START: &str = "START";

#[test]
fn the_function_itself() {
    let Some(runtime_api) = runtime_api() else {
        return;
    };
    match env::var(START).as_deref() {
        Ok("exit") => {
            println!("no configuration");
            process::exit(1);
        }
        Ok("error") => {
            let error = json!({"errorType": "Config", "errorMessage": "ADMIN_TOKEN is not set"});
            let line = "POST /2018-06-01/runtime/init/error";
            let accepted = request(&runtime_api, line, &error.to_string()).unwrap();
            process::exit(i32::from(accepted.status != 202));
        }
        _ => acting::act(&runtime_api, handle),
    }
}

fn handle(next: &Reply, event: Value) -> Result<Value, String> {
    let peer = event["peer"].as_str().unwrap_or_default();
    match event["do"].as_str() {
        Some("fail") => return Err("as told".to_owned()),
        Some("exit") => {
            println!("about to exit");
            process::exit(3);
        }
        Some("answer and exit") => {
            let id = next.header("lambda-runtime-aws-request-id").unwrap();
            let line = format!("POST /2018-06-01/runtime/invocation/{id}/response");
            request(&runtime_api().unwrap(), &line, "null").unwrap();
            thread::sleep(Duration::from_millis(50));
            println!("and exit");
            process::exit(0);
        }
        Some("hang") => {
            println!("pid {}", process::id());
            loop {
                thread::park();
            }
        }
        Some("print") => {
            print!("on stdout\nunfinished");
            std::io::stdout().flush().unwrap();
            eprint!(", then on stderr\n{}", "noise\n".repeat(20_000));
        }
        Some("call") => drop(request(peer, "POST /effect", "")),
        _ => {}
    }
    Ok(json!({
        "event": event,
        "pid": process::id(),
        "env": env::vars().collect::<BTreeMap<_, _>>(),
        "head": next.head,
        "deadline": next.header("lambda-runtime-deadline-ms").unwrap().parse::<u64>().unwrap(),
        "now": u64::try_from(now().as_millis()).unwrap(),
    }))
}

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

pub(crate) fn builder() -> FunctionBuilder {
    Function::builder(env::current_exe().unwrap())
        .arg("bench::the_function_itself")
        .arg("--exact")
        .arg("--nocapture")
        .env(ACTING, "1")
}

pub(crate) async fn function() -> Function {
    builder().start().await.unwrap()
}

pub(crate) fn to_do(what: &str) -> Value {
    json!({ "do": what })
}

pub(crate) fn succeeded(invoked: Invoked) -> Value {
    assert!(!invoked.failed, "{invoked:?}");
    invoked.payload
}

pub(crate) fn assert_failed(invoked: &Invoked, error_type: &str, message: &str) {
    assert_eq!(invoked.error_type(), Some(error_type), "{invoked:?}");
    let said = invoked.error_message().unwrap();
    assert!(said.ends_with(message), "{said}");
}

/// Waits until there is no such process.
pub(crate) async fn gone(pid: &Value) {
    until(|| !signalled("-0", pid)).await;
}

pub(crate) fn signalled(signal: &str, pid: &Value) -> bool {
    let kill = format!("kill {signal} {pid} 2>/dev/null");
    Command::new("sh").arg("-c").arg(kill).status().unwrap().success()
}

/// Waits for it, a minute at most.
pub(crate) async fn until(come: impl Fn() -> bool) {
    let wait = async {
        while !come() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap();
}

/// Listens for `calls` of the function, and answers none before all have come.
pub(crate) fn meeting(calls: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let callers: Vec<_> = (0..calls).map(|_| listener.accept().unwrap().0).collect();
        for mut caller in callers {
            caller.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        }
    });
    address
}
