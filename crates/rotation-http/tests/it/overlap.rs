//! Two invocations of createSecret with the same token that overlap: the one that read the secret
//! before the other stored its key must not take this key for an orphan, however late it goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use rotation_core::{AWSCURRENT, AWSPREVIOUS, Grace, RotationEvent, Rotator, Step};
use rotation_http::HttpBackend;
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::{Simulator, SimulatorStore, StepRun};
use tower_service::Service;

use crate::support::Keys;
use crate::support::scene::Scene;

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;
type Function = Rotator<HttpBackend<Slow>, SimulatorStore>;

const HOUR: Duration = Duration::from_secs(3600);
/// A label's deadline is over so long after it, and a bit.
const PAST_THE_MARGIN: Duration = Duration::from_secs(65);

/// The provider, whose first list takes as long as something else takes.
#[derive(Clone)]
struct Slow {
    provider: KeyProvider,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl Service<Request<Bytes>> for Slow {
    type Response = Response<Bytes>;
    type Error = rotation_test_servers::http::NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let mut slow = self.clone();
        Box::pin(async move {
            if request.method() == Method::GET && request.uri().path() == "/api-keys" {
                let meanwhile = slow.meanwhile.lock().unwrap().take();
                if let Some(meanwhile) = meanwhile {
                    meanwhile.await;
                }
            }
            slow.provider.call(request).await
        })
    }
}

/// A rotation that has begun, of a secret with a previous key.
struct Overlap {
    scene: Scene,
    event: RotationEvent,
}

impl Overlap {
    async fn new(keys: Keys) -> Self {
        let scene = Scene::of(keys, Grace::UntilNextRotation);
        scene.rotate().await;
        scene.simulator.skip(HOUR);
        let token = scene.simulator.operator().rotate(&scene.arn).unwrap();
        let event = RotationEvent::new(&scene.arn, &token, Step::CreateSecret).unwrap();
        Self { scene, event }
    }

    /// The function, whose first list takes as long as `meanwhile`.
    fn function(&self, meanwhile: impl Future<Output = ()> + Send + 'static) -> Function {
        let slow = Slow {
            provider: self.scene.provider.clone(),
            meanwhile: Arc::new(Mutex::new(Some(Box::pin(meanwhile)))),
        };
        let backend = self.scene.backend().with_transport(slow);
        Rotator::new(backend, self.scene.simulator.store()).with_clock(self.scene.simulator.clock())
    }

    fn simulator(&self) -> Simulator {
        self.scene.simulator.clone()
    }

    /// The first invocation's key became current, and nobody ended it, nor the one before.
    fn check(&self) {
        let labels = self.scene.simulator.labels(&self.scene.arn);
        let token = self.event.client_request_token();
        assert_eq!(labels.version_with(AWSCURRENT), Some(token), "{labels}");
        for label in [AWSCURRENT, AWSPREVIOUS] {
            let document = self.scene.document(label).unwrap();
            let key = document["api_key"].as_str().unwrap();
            assert!(
                self.scene.provider.authenticates(key),
                "{label} was ended: {:?}",
                self.scene.alive()
            );
        }
        let requests = self.scene.provider.requests();
        let lists = requests
            .iter()
            .filter(|request| request.starts_with("GET /api-keys"));
        assert_eq!(lists.count(), 3, "both went on to their lists: {requests:?}");
    }
}

/// Done in one poll each: nothing waits but for the other invocation.
async fn rest_of_the_rotation(simulator: &Simulator, function: &Function, timeout: Duration) {
    while let Some(run) = simulator.step(function, timeout).await {
        assert!(run.result.is_done(), "{run:?}");
    }
}

const KEYS: [Keys; 3] = [Keys::Minted, Keys::Activated, Keys::Uploaded];

#[tokio::test]
async fn a_key_stored_by_a_short_invocation_survives_a_long_one_that_began_before() {
    for keys in KEYS {
        short_within_long(keys).await;
    }
}

async fn short_within_long(keys: Keys) {
    let overlap = Overlap::new(keys).await;
    let short = Duration::from_secs(60);
    let (simulator, first) = (overlap.simulator(), overlap.function(async {}));
    let late = overlap.function(async move {
        rest_of_the_rotation(&simulator, &first, short).await;
        simulator.skip(short + PAST_THE_MARGIN);
    });
    let long = Duration::from_secs(300);
    _ = overlap.scene.simulator.invoke(&late, &overlap.event, long).await;
    overlap.check();
}

#[tokio::test]
async fn a_key_stored_at_the_end_of_its_makers_time_survives_one_that_began_just_before() {
    for keys in KEYS {
        one_after_the_other(keys).await;
    }
}

async fn one_after_the_other(keys: Keys) {
    const TIMEOUT: Duration = Duration::from_secs(300);
    let overlap = Overlap::new(keys).await;
    let goes_on = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&goes_on);
    let first = overlap.function(std::future::poll_fn(move |_| match gate.load(Ordering::SeqCst) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    }));
    let (first, simulator) = (Arc::new(first), overlap.simulator());
    let mut create = first_step(&simulator, &first, TIMEOUT);
    // The first has read the secret, and hangs before it makes its key: for almost all its time.
    assert!(
        create
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    simulator.skip(Duration::from_secs(240));
    let late = overlap.function(async move {
        goes_on.store(true, Ordering::SeqCst);
        assert!(create.await.result.is_done());
        rest_of_the_rotation(&simulator, &first, TIMEOUT).await;
        simulator.skip(Duration::from_secs(60) + PAST_THE_MARGIN);
    });
    _ = overlap
        .scene
        .simulator
        .invoke(&late, &overlap.event, TIMEOUT)
        .await;
    overlap.check();
}

fn first_step(
    simulator: &Simulator,
    function: &Arc<Function>,
    timeout: Duration,
) -> Pin<Box<dyn Future<Output = StepRun> + Send>> {
    let (simulator, function) = (simulator.clone(), Arc::clone(function));
    Box::pin(async move { simulator.step(function.as_ref(), timeout).await.unwrap() })
}
