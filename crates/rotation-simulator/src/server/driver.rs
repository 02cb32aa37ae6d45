//! The service's side of a rotation, over the wire: the twin of [`Simulator::run`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rotation_core::Clock;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::invoke::Invoker;
use crate::model::{DescribeSecret, Invocation, InvocationResult, Principal};
use crate::simulator::Simulator;

/// How soon it is seen that the simulator's clock was put forward.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Invokes the function of every rotation whose next step is due and acts on the result as the
/// service does, for ever: several secrets at once, each secret one step at a time.
///
/// Whoever changes a rotation calls `wake`'s [`notify_one`](Notify::notify_one). The simulator's
/// clock is to be one of real time, such as [`TravelClock`](crate::TravelClock). When this future is
/// dropped, the invocations under way are given up.
pub(crate) async fn drive(simulator: Simulator, invoker: Invoker, wake: Arc<Notify>) -> Infallible {
    let invoker = Arc::new(invoker);
    let mut running = JoinSet::new();
    loop {
        while let Some(invocation) = due(&simulator) {
            running.spawn(run(simulator.clone(), Arc::clone(&invoker), invocation));
        }
        tokio::select! {
            () = wake.notified() => {}
            () = until_due(&simulator) => {}
            Some(_) = running.join_next() => {}
        }
    }
}

fn due(simulator: &Simulator) -> Option<Invocation> {
    let now = simulator.clock().now();
    simulator.model().next_invocation(now)
}

async fn until_due(simulator: &Simulator) {
    loop {
        let (clock, due) = (simulator.clock(), simulator.model().next_due());
        let Some(due) = due else {
            return std::future::pending().await;
        };
        match due.duration_since(clock.now()) {
            Ok(left) if !left.is_zero() => clock.sleep(left.min(LOOK_AGAIN)).await,
            _ => return,
        }
    }
}

async fn run(simulator: Simulator, invoker: Arc<Invoker>, invocation: Invocation) {
    let result = match function(&simulator, &invocation) {
        Some(function) => invoker.invoke(&function, &invocation.event).await,
        None => InvocationResult::Failed("the secret has no rotation function".to_owned()),
    };
    let now = simulator.clock().now();
    simulator.model().report(&invocation, result, now);
}

/// The secret's rotation function, as it is at this moment.
fn function(simulator: &Simulator, invocation: &Invocation) -> Option<String> {
    let request = DescribeSecret::new(invocation.event.secret_id());
    let now = simulator.clock().now();
    let described = simulator.model().handle(Principal::Operator, request, now);
    described.ok()?.rotation_function
}
