//! The service's side of a rotation over the wire, against a host whose processes leave the work to an in-process
//! rotator.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, Rotate, RotationEvent, Rotator, Step};
use rotation_lambda_host::{Function, Loopback};
use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend};
use rotation_testkit::model::RotationEventName::{self, RotationFailed, RotationStarted, RotationSucceeded};
use rotation_testkit::model::{ActivityKind, InvocationResult};
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Fault, Simulator, TravelClock};
use serde_json::Value;
use tokio::sync::{Barrier, mpsc};

use crate::acting::{self, ACTING, request, runtime_api};

const LIMIT: Duration = Duration::from_secs(60);
/// Where a process that is the function finds what it is to do.
const RELAY: &str = "RELAY";

/// A function that leaves the work to the test's own process, and dies as any other.
#[test]
fn the_function_itself() {
    let Some(runtime_api) = runtime_api() else {
        return;
    };
    let relay = env::var(RELAY).unwrap();
    acting::act(&runtime_api, |_, event| {
        let reply = request(&relay, "POST /", &event.to_string()).ok_or("no answer")?;
        (reply.status == 200).then_some(Value::Null).ok_or(reply.body)
    });
}

/// What the service saw: step, attempt, and the failure if it is one.
type Told = (Step, u32, Option<String>);

struct Bench {
    simulator: Simulator,
    target: MintedKeys,
    told: mpsc::UnboundedReceiver<Told>,
    function: Function,
    _relay: Loopback,
    _server: SimulatorServer,
}

impl Bench {
    /// A simulator, its driver, and a function. In each createSecret that many meet first.
    async fn new(meeting: usize) -> Self {
        let simulator = Simulator::with_clock(TravelClock::new());
        let target = MintedKeys::new(simulator.faults());
        let rotator = Rotator::new(MintingBackend::new(target.clone()), simulator.store());
        let rotator = Arc::new(rotator.with_clock(simulator.clock()));
        let barrier = Arc::new(Barrier::new(meeting));
        let relay = Loopback::serve(move |request| {
            let event = serde_json::from_slice(request.body()).unwrap();
            rotate(Arc::clone(&rotator), event, Arc::clone(&barrier))
        });
        let relay = relay.await.unwrap();
        let function = Function::builder(env::current_exe().unwrap())
            .arg("driver::the_function_itself")
            .arg("--exact")
            .arg("--nocapture")
            .env(ACTING, "1")
            .env(RELAY, relay.address().to_string())
            .faults(simulator.faults())
            .start();
        let function = function.await.unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        simulator.observe(move |activity| {
            if let ActivityKind::Returned { invocation, result } = &activity.kind {
                let failure = match result {
                    InvocationResult::Succeeded => None,
                    InvocationResult::Failed(text) => Some(text.clone()),
                    other => panic!("{other:?}"),
                };
                let told = (invocation.event.step(), invocation.attempt, failure);
                tell.send(told).unwrap();
            }
        });
        let server = SimulatorServer::builder(simulator.clone())
            .invoke_url(function.invoke_url())
            .function_timeout(LIMIT);
        let server = server.start().await.unwrap();
        // It finds nothing to do, and waits to be woken.
        tokio::task::yield_now().await;
        Self {
            simulator,
            target,
            told,
            function,
            _relay: relay,
            _server: server,
        }
    }

    fn secret(&self, name: &str) -> String {
        let first = self.target.mint("by hand").to_value();
        self.simulator.operator().create_secret(name, first).unwrap()
    }

    fn rotate(&self, arn: &str) -> String {
        self.simulator.operator().rotate(arn).unwrap()
    }

    async fn told(&mut self) -> Told {
        tokio::time::timeout(LIMIT, self.told.recv())
            .await
            .unwrap()
            .unwrap()
    }

    fn records(&self) -> Vec<RotationEventName> {
        self.simulator
            .records()
            .iter()
            .map(|record| record.name)
            .collect()
    }
}

async fn rotate(
    rotator: Arc<impl Rotate>,
    event: RotationEvent,
    barrier: Arc<Barrier>,
) -> Response<Full<Bytes>> {
    if event.step() == Step::CreateSecret {
        barrier.wait().await;
    }
    match rotator.rotate(&event, LIMIT).await {
        Ok(_) => Response::default(),
        Err(error) => {
            let reply = Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR);
            reply.body(Full::new(error.to_string().into())).unwrap()
        }
    }
}

fn all_steps(attempt: u32) -> [Told; 4] {
    Step::ALL.map(|step| (step, attempt, None))
}

#[tokio::test]
async fn a_rotation_moves_the_labels_in_four_steps() {
    let mut bench = Bench::new(1).await;
    let arn = bench.secret("crm");
    let token = bench.rotate(&arn);
    for expected in all_steps(1) {
        assert_eq!(bench.told().await, expected);
    }
    let versions = bench.simulator.operator().describe(&arn).unwrap().versions;
    assert_eq!(versions[&token], [AWSCURRENT]);
    assert!(
        versions.values().any(|labels| labels == &[AWSPREVIOUS]),
        "{versions:?}"
    );
    let current: MintedKey = bench
        .simulator
        .operator()
        .value(&arn, AWSCURRENT)
        .unwrap()
        .decode()
        .unwrap();
    assert!(bench.target.authenticates(&current));
    assert_eq!(bench.records(), [RotationStarted, RotationSucceeded]);
    assert_eq!(bench.function.cold_starts(), 1);
}

#[tokio::test]
async fn a_step_whose_process_is_killed_is_replayed_from_the_first() {
    let mut bench = Bench::new(1).await;
    let arn = bench.secret("crm");
    let faults = bench.simulator.faults();
    faults.at_nth("UpdateSecretVersionStage", 1, Fault::CrashBefore);
    let token = bench.rotate(&arn);
    for expected in &all_steps(1)[..3] {
        assert_eq!(&bench.told().await, expected);
    }
    let (step, attempt, failure) = bench.told().await;
    assert_eq!((step, attempt), (Step::FinishSecret, 1));
    let failure = failure.unwrap();
    assert!(failure.starts_with("Runtime.ExitError: RequestId: "), "{failure}");
    assert!(
        failure.ends_with("Runtime exited with error: signal: killed"),
        "{failure}"
    );
    assert!(faults.all_struck());
    let versions = bench.simulator.operator().describe(&arn).unwrap().versions;
    assert_eq!(versions[&token], [AWSPENDING]);

    // Nobody is told of it: the driver sees by itself that the clock was put forward.
    bench.simulator.skip(Duration::from_secs(3600));
    for expected in all_steps(2) {
        assert_eq!(bench.told().await, expected);
    }
    let versions = bench.simulator.operator().describe(&arn).unwrap().versions;
    assert_eq!(versions[&token], [AWSCURRENT]);
    let expected = [
        RotationStarted,
        RotationFailed,
        RotationStarted,
        RotationSucceeded,
    ];
    assert_eq!(bench.records(), expected);
    assert_eq!(bench.function.cold_starts(), 2);
}

#[tokio::test]
async fn an_error_of_the_function_is_the_cause_in_the_record() {
    let mut bench = Bench::new(1).await;
    let arn = bench.secret("crm");
    bench.simulator.operator().deny("PutSecretValue");
    bench.rotate(&arn);
    let (step, _, failure) = bench.told().await;
    assert_eq!(step, Step::CreateSecret);
    let failure = failure.unwrap();
    assert!(
        failure.starts_with("Acting: ") && failure.contains("permission"),
        "{failure}"
    );
    let records = bench.simulator.records();
    assert_eq!(records.last().unwrap().cause, Some(failure));
}

#[tokio::test]
async fn secrets_are_rotated_side_by_side_and_each_step_by_step() {
    let mut bench = Bench::new(2).await;
    let arns = ["crm", "erp"].map(|name| bench.secret(name));
    let tokens = arns.each_ref().map(|arn| bench.rotate(arn));
    let mut steps = Vec::new();
    for _ in 0..8 {
        let (step, attempt, failure) = bench.told().await;
        assert_eq!((attempt, failure), (1, None));
        steps.push(step);
    }
    for step in Step::ALL {
        assert_eq!(steps.iter().filter(|&&told| told == step).count(), 2, "{steps:?}");
    }
    for (arn, token) in arns.iter().zip(tokens) {
        let versions = bench.simulator.operator().describe(arn).unwrap().versions;
        assert_eq!(versions[&token], [AWSCURRENT]);
    }
    assert_eq!(bench.function.cold_starts(), 2);
}
