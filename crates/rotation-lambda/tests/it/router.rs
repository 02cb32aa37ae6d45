//! Which secret goes where.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotation_core::{
    Outcome, Rotate, RotationError, RotationErrorKind, RotationEvent, SecretDescription, SecretStore,
    SecretString, SecretValue, Step, StepReport, StoreError, StoredVersion, VersionRef, async_trait,
};
use rotation_lambda::Router;
use rotation_testkit::{Fault, Simulator, SimulatorStore};

const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const MINUTE: Duration = Duration::from_secs(60);

/// Notes by name what it is asked to do.
#[derive(Clone)]
struct Noting {
    name: &'static str,
    seen: Arc<Mutex<Vec<&'static str>>>,
}

#[async_trait]
impl Rotate for Noting {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        assert_eq!(event.client_request_token(), TOKEN);
        assert!(remaining <= MINUTE && remaining > Duration::from_secs(30));
        self.seen.lock().unwrap().push(self.name);
        Ok(StepReport::new(Outcome::Tested, Vec::new()))
    }
}

struct Scene {
    simulator: Simulator,
    router: Router<SimulatorStore>,
    seen: Arc<Mutex<Vec<&'static str>>>,
}

impl Scene {
    fn new() -> Self {
        let (simulator, seen) = (Simulator::new(), Arc::default());
        let to = |name| Noting {
            name,
            seen: Arc::clone(&seen),
        };
        let router = Router::new(simulator.store())
            .by_name("crm/", to("crm"))
            .by_tag("rotation:backend", "mail", to("mail"))
            .by_tag("rotation:backend", "api", to("api"))
            .by_name("mail", to("mail by name"));
        Self {
            router,
            simulator,
            seen,
        }
    }

    /// A secret with this tag, and its ARN.
    fn secret(&self, name: &str, tag: Option<&str>) -> String {
        let operator = self.simulator.operator();
        let arn = operator.create_secret(name, SecretValue::text("v")).unwrap();
        if let Some(tag) = tag {
            operator.tag(&arn, "rotation:backend", tag).unwrap();
        }
        self.simulator.clear_calls();
        arn
    }

    async fn send(&self, secret_id: &str) -> Result<&'static str, RotationError> {
        let event = RotationEvent::new(secret_id, TOKEN, Step::TestSecret).unwrap();
        self.router.rotate(&event, MINUTE).await?;
        Ok(self.seen.lock().unwrap().pop().unwrap())
    }
}

#[tokio::test]
async fn the_first_route_that_matches_has_the_secret() {
    let scene = Scene::new();
    for (name, tag, expected, calls) in [
        ("crm/app", None, "crm", 0),
        ("crm/other", Some("mail"), "crm", 0),
        ("relay", Some("mail"), "mail", 1),
        ("keys", Some("api"), "api", 1),
        ("mail/tagged", Some("api"), "api", 1),
        ("mail/untagged", None, "mail by name", 1),
    ] {
        let arn = scene.secret(name, tag);
        assert_eq!(scene.send(&arn).await.unwrap(), expected, "{name}");
        assert_eq!(scene.simulator.calls().len(), calls, "{name}");
        assert_eq!(scene.send(name).await.unwrap(), expected, "{name}, by its name");
    }
}

#[tokio::test]
async fn a_secret_without_a_route_is_refused() {
    let scene = Scene::new();
    for (name, tag) in [("crm", None), ("other", Some("Mail")), ("x/crm/", None)] {
        let arn = scene.secret(name, tag);
        let error = scene.send(&arn).await.unwrap_err();
        assert!(matches!(error.kind(), RotationErrorKind::NoBackend), "{error}");
        assert!(error.to_string().contains("add a route"), "{error}");
        assert!(scene.seen.lock().unwrap().is_empty());
        assert_eq!(
            scene.simulator.calls().len(),
            1,
            "nothing but the tags was looked at"
        );
    }
}

#[tokio::test]
async fn tags_that_cannot_be_read_fail_the_step() {
    let scene = Scene::new();
    let arn = scene.secret("relay", Some("mail"));
    scene.simulator.operator().deny("DescribeSecret");
    let error = scene.send(&arn).await.unwrap_err();
    assert!(matches!(error.kind(), RotationErrorKind::Store { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn tags_that_do_not_come_in_time_fail_the_step() {
    let scene = Scene::new();
    let arn = scene.secret("relay", Some("mail"));
    scene.simulator.faults().at_nth("DescribeSecret", 1, Fault::Hang);
    let error = scene.send(&arn).await.unwrap_err();
    assert!(
        matches!(error.kind(), RotationErrorKind::OutOfTime { .. }),
        "{error}"
    );
}

/// Takes ten seconds to describe, and does nothing else.
#[derive(Debug)]
struct Slow;

#[async_trait]
impl SecretStore for Slow {
    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let mut secret = SecretDescription::new(secret_id);
        secret.tags.insert("backend".to_owned(), "slow".to_owned());
        Ok(secret)
    }

    async fn read(&self, _: &str, _: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        panic!("the router read a value")
    }

    async fn put_pending(
        &self,
        _: &str,
        _: &str,
        _: &SecretValue,
        _: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        panic!("the router wrote a value")
    }

    async fn promote(&self, _: &str, _: &str, _: &str) -> Result<(), StoreError> {
        panic!("the router moved a label")
    }

    async fn release_pending(&self, _: &str, _: &str) -> Result<(), StoreError> {
        panic!("the router moved a label")
    }
}

/// Fails, and says how much time it was given.
struct Stopwatch;

#[async_trait]
impl Rotate for Stopwatch {
    async fn rotate(&self, _: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        assert_eq!(remaining, MINUTE - Duration::from_secs(10));
        Ok(StepReport::new(Outcome::Tested, Vec::new()))
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_tags_took_is_taken_off_the_steps() {
    let router = Router::new(Slow).by_tag("backend", "slow", Stopwatch);
    let event = RotationEvent::new("arn", TOKEN, Step::TestSecret).unwrap();
    router.rotate(&event, MINUTE).await.unwrap();
}

#[tokio::test]
async fn no_time_means_no_call() {
    let scene = Scene::new();
    let arn = scene.secret("relay", Some("mail"));
    let event = RotationEvent::new(&arn, TOKEN, Step::TestSecret).unwrap();
    let error = scene.router.rotate(&event, Duration::ZERO).await.unwrap_err();
    assert!(
        matches!(error.kind(), RotationErrorKind::OutOfTime { .. }),
        "{error}"
    );
    assert!(scene.simulator.calls().is_empty());
}

#[test]
fn debug_says_the_routes() {
    let text = format!("{:?}", Scene::new().router);
    assert!(
        text.contains("name crm/*") && text.contains("tag rotation:backend=mail"),
        "{text}"
    );
}
