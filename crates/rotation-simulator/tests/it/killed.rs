//! A crash among the faults kills the processes of a function.

use rotation_lambda_host::{Function, Invoked};
use rotation_simulator::{Fault, Faults};
use serde_json::{Value, json};

use crate::acting::{self, ACTING, request, runtime_api};

/// A function that calls the peer that its event names, if it names one.
#[test]
fn the_function_itself() {
    let Some(runtime_api) = runtime_api() else {
        return;
    };
    acting::act(&runtime_api, |_, event| {
        let peer = event["peer"].as_str();
        _ = peer.map(|peer| request(peer, "POST /effect", ""));
        Ok(Value::Null)
    });
}

async fn function(faults: Faults) -> Function {
    let builder = Function::builder(std::env::current_exe().unwrap())
        .arg("killed::the_function_itself")
        .arg("--exact")
        .env(ACTING, "1");
    builder.faults(faults).start().await.unwrap()
}

fn assert_killed(invoked: &Invoked) {
    assert_eq!(invoked.error_type(), Some("Runtime.ExitError"), "{invoked:?}");
    let said = invoked.error_message().unwrap();
    let message = "Error: Runtime exited with error: signal: killed";
    assert!(said.ends_with(message), "{said}");
}

#[tokio::test]
async fn a_crash_fault_kills_the_process_in_mid_invocation() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let faults = Faults::new();
        faults.at_nth("POST /effect", 1, fault);
        let function = function(faults.clone()).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap().to_string();
        let struck = faults.clone();
        let effect = tokio::spawn(async move {
            let (_caller, _) = listener.accept().await.unwrap();
            struck.pass("POST /effect", || ()).await.unwrap();
        });

        assert_killed(&function.invoke(&json!({"do": "call", "peer": peer})).await);
        assert!(faults.all_struck() && !faults.take_crash());
        effect.abort();
        let invoked = function.invoke(&json!({})).await;
        assert!(!invoked.failed, "{invoked:?}");
        assert_eq!(function.cold_starts(), 2);
    }
}
