//! The store over the real SDK, against the simulator's socket.
use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::{Client, Config};
use aws_smithy_http_client::tls;
use rotation_core::{
    Effect, Outcome, ReplicaStatus, Rotate, RotationEvent, Rotator, SecretStore, SecretString, SecretValue,
    Step, StoreErrorKind, VersionRef,
};
use rotation_secretsmanager::SecretsManagerStore;
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::model::ReplicaStatus as Simulated;
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Fault, Simulator};

const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const FUNCTION_KEY: &str = "AKIAFUNCTION";

struct Scene {
    simulator: Simulator,
    store: SecretsManagerStore,
    arn: String,
    endpoint: String,
    _server: SimulatorServer,
}

impl Scene {
    /// A secret with a first value, and a rotation of it under way.
    async fn new() -> Self {
        let simulator = Simulator::new();
        let server = SimulatorServer::builder(simulator.clone())
            .function_access_key(FUNCTION_KEY)
            .start()
            .await
            .unwrap();
        let arn = simulator
            .operator()
            .create_secret("crm", SecretValue::text("first"))
            .unwrap();
        simulator.operator().rotate_with_token(&arn, TOKEN).unwrap();
        simulator.clear_calls();
        let endpoint = server.endpoint_url();
        let store = SecretsManagerStore::new(client(&endpoint));
        Self {
            simulator,
            store,
            arn,
            endpoint,
            _server: server,
        }
    }

    fn current(&self) -> String {
        self.simulator
            .labels(&self.arn)
            .version_with("AWSCURRENT")
            .unwrap()
            .to_owned()
    }

    async fn put(&self, value: &str) -> Result<(), rotation_core::StoreError> {
        self.store
            .put_pending(&self.arn, TOKEN, &SecretValue::text(value), None)
            .await
    }

    /// How often an action reached the service.
    fn calls(&self, action: &str) -> usize {
        self.simulator
            .calls()
            .iter()
            .filter(|call| call.action == action)
            .count()
    }
}

fn client(endpoint: &str) -> Client {
    let credentials = Credentials::new(FUNCTION_KEY, "sentinel-signing-key", None, None, "test");
    Client::from_conf(config(endpoint).credentials_provider(credentials).build())
}

fn config(endpoint: &str) -> aws_sdk_secretsmanager::config::Builder {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .http_client(http)
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_secs(5))
                .build(),
        )
}

#[tokio::test]
async fn four_steps_over_the_wire_rotate_a_secret() {
    let scene = Scene::new().await;
    let first = Login::new("app", "first-password");
    let target = PasswordTarget::new(first.clone(), scene.simulator.faults());
    let arn = scene
        .simulator
        .operator()
        .create_secret("app", first.to_value())
        .unwrap();
    scene.simulator.operator().rotate_with_token(&arn, TOKEN).unwrap();
    let rotator = Rotator::new(PasswordBackend::new(target.clone()), scene.store.clone());
    let mut outcomes = Vec::new();
    for step in Step::ALL {
        let event = RotationEvent::new(&arn, TOKEN, step).unwrap();
        outcomes.push(
            rotator
                .rotate(&event, Duration::from_secs(60))
                .await
                .unwrap()
                .outcome,
        );
    }
    assert_eq!(
        outcomes,
        [Outcome::Created, Outcome::Set, Outcome::Tested, Outcome::Promoted]
    );
    let current: Login = scene
        .simulator
        .operator()
        .value(&arn, "AWSCURRENT")
        .unwrap()
        .decode()
        .unwrap();
    assert!(target.authenticates(&current) && !target.authenticates(&first));
    assert_eq!(
        scene.simulator.labels(&arn).version_with("AWSCURRENT"),
        Some(TOKEN)
    );
}

#[tokio::test]
async fn a_description_comes_whole() {
    let scene = Scene::new().await;
    let operator = scene.simulator.operator();
    operator.tag(&scene.arn, "rotation:grace", "none").unwrap();
    operator.replicate(&scene.arn, "us-east-1").unwrap();
    operator.replicate(&scene.arn, "us-east-2").unwrap();
    operator
        .set_replica_status(&scene.arn, "us-east-2", Simulated::InSync)
        .unwrap();
    let secret = scene.store.describe("crm").await.unwrap();
    assert_eq!(
        (secret.arn.as_str(), secret.rotation_enabled),
        (scene.arn.as_str(), Some(true))
    );
    assert_eq!(secret.version_with("AWSPENDING"), Some(TOKEN));
    assert_eq!(secret.version_with("AWSCURRENT"), Some(scene.current().as_str()));
    assert_eq!(secret.tags["rotation:grace"], "none");
    assert_eq!(secret.primary_region.as_deref(), Some("eu-west-1"));
    let status: Vec<_> = secret.replicas.iter().map(|replica| replica.status).collect();
    assert_eq!(status, [ReplicaStatus::Behind, ReplicaStatus::InSync]);

    let managed = operator.create_secret("rds", SecretValue::text("v")).unwrap();
    operator.make_managed(&managed, "rds").unwrap();
    assert_eq!(
        scene
            .store
            .describe(&managed)
            .await
            .unwrap()
            .owning_service
            .as_deref(),
        Some("rds")
    );
    let never = operator.create_secret("never", SecretValue::text("v")).unwrap();
    assert_eq!(scene.store.describe(&never).await.unwrap().rotation_enabled, None);
    let missing = scene.store.describe("no-such-secret").await.unwrap_err();
    assert_eq!(missing.kind(), StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_value_is_read_under_its_label_only() {
    let scene = Scene::new().await;
    let current = scene.current();
    let pending = VersionRef::IdAndStage(TOKEN, "AWSPENDING");
    let read = |version| scene.store.read(&scene.arn, version);
    assert_eq!(read(pending).await.unwrap_err().kind(), StoreErrorKind::NotFound);
    assert_eq!(
        read(VersionRef::Id(TOKEN)).await.unwrap_err().kind(),
        StoreErrorKind::NotFound
    );
    let elsewhere = VersionRef::IdAndStage(&current, "AWSPENDING");
    assert_eq!(
        read(elsewhere).await.unwrap_err().kind(),
        StoreErrorKind::StageMismatch
    );
    scene.put("next").await.unwrap();
    let stored = read(pending).await.unwrap();
    assert!(stored.version_id == TOKEN && stored.value == SecretValue::text("next"));
    let stored = read(VersionRef::Stage("AWSCURRENT")).await.unwrap();
    assert!(stored.version_id == current && stored.value == SecretValue::text("first"));
    assert!(read(VersionRef::Id(&current)).await.unwrap().value == SecretValue::text("first"));
}

#[tokio::test]
async fn a_put_is_idempotent_and_never_replaces() {
    let scene = Scene::new().await;
    scene.put("next").await.unwrap();
    scene.put("next").await.unwrap();
    let conflict = scene.put("other").await.unwrap_err();
    assert_eq!(
        (conflict.kind(), conflict.effect()),
        (StoreErrorKind::Conflict, Effect::NotApplied)
    );
    assert!(conflict.to_string().contains("already in use"), "{conflict}");
    assert!(
        scene
            .simulator
            .operator()
            .value(&scene.arn, "AWSPENDING")
            .unwrap()
            == SecretValue::text("next")
    );

    let other = Scene::new().await;
    let bytes = SecretValue::binary(vec![0, 255, 7]);
    other
        .store
        .put_pending(&other.arn, TOKEN, &bytes, None)
        .await
        .unwrap();
    let stored = other
        .store
        .read(&other.arn, VersionRef::Stage("AWSPENDING"))
        .await
        .unwrap();
    assert!(stored.value == bytes);
}

#[tokio::test]
async fn labels_move_by_compare_and_swap() {
    let scene = Scene::new().await;
    let first = scene.current();
    scene.put("next").await.unwrap();
    let wrong = scene.store.promote(&scene.arn, TOKEN, TOKEN).await.unwrap_err();
    assert_eq!(
        (wrong.kind(), wrong.effect()),
        (StoreErrorKind::StageMismatch, Effect::NotApplied)
    );
    scene.store.promote(&scene.arn, TOKEN, &first).await.unwrap();
    assert_eq!(scene.current(), TOKEN);
    scene.store.release_pending(&scene.arn, TOKEN).await.unwrap();
    let gone = scene.store.release_pending(&scene.arn, TOKEN).await.unwrap_err();
    assert_eq!(gone.kind(), StoreErrorKind::StageMismatch);
    assert_eq!(scene.simulator.labels(&scene.arn).of(&first), ["AWSPREVIOUS"]);
}

#[tokio::test]
async fn the_rotation_token_proves_whose_write_it_is() {
    let scene = Scene::new().await;
    scene
        .simulator
        .configure(|options| options.function_assumes_role = true);
    let invocation = scene.simulator.next_invocation().unwrap();
    let rotation_token: SecretString = invocation.event.rotation_token().unwrap().clone();
    let value = SecretValue::text("next");
    scene
        .store
        .put_pending(&scene.arn, TOKEN, &value, Some(&rotation_token))
        .await
        .unwrap();
    let done = rotation_testkit::model::InvocationResult::Succeeded;
    scene.simulator.report(&invocation, done);
    let next = scene.simulator.next_invocation().unwrap();
    assert_eq!(
        next.event.step(),
        Step::SetSecret,
        "createSecret was not taken for somebody else's"
    );
}

#[tokio::test]
async fn a_throttled_call_is_repeated() {
    let scene = Scene::new().await;
    scene
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::Throttle);
    scene.put("next").await.unwrap();
    assert_eq!(scene.calls("PutSecretValue"), 2);
}

/// The first try stored the value and its answer was lost; the second finds it stored.
#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let scene = Scene::new().await;
    let first = scene.current();
    scene
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::LoseResponse);
    scene.put("next").await.unwrap();
    assert_eq!(scene.calls("PutSecretValue"), 2);

    scene
        .simulator
        .faults()
        .at_nth("UpdateSecretVersionStage", 1, Fault::LoseResponse);
    let moved = scene.store.promote(&scene.arn, TOKEN, &first).await.unwrap_err();
    assert_eq!(
        moved.effect(),
        Effect::Unknown,
        "the second try found the label moved: {moved}"
    );
    assert_eq!(scene.current(), TOKEN);
}

#[tokio::test]
async fn a_lost_answer_and_then_a_refusal_leave_a_write_uncertain() {
    let scene = Scene::new().await;
    let faults = scene.simulator.faults();
    faults.at_nth("PutSecretValue", 1, Fault::LoseResponse);
    faults.at_nth("PutSecretValue", 2, Fault::Deny);
    let error = scene.put("next").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (StoreErrorKind::Unavailable, Effect::Unknown),
        "{error}"
    );
    assert!(
        scene
            .simulator
            .operator()
            .value(&scene.arn, "AWSPENDING")
            .unwrap()
            == SecretValue::text("next")
    );
}

/// The client's own time-out ends the call while a try of it is under way.
#[tokio::test]
async fn a_call_that_is_given_up_leaves_a_write_uncertain() {
    let scene = Scene::new().await;
    let impatient = TimeoutConfig::builder()
        .operation_timeout(Duration::from_millis(300))
        .build();
    let config = scene.store.client().config().to_builder();
    let store = SecretsManagerStore::new(Client::from_conf(config.timeout_config(impatient).build()));
    scene
        .simulator
        .faults()
        .at_nth("PutSecretValue", 1, Fault::HangAfter);
    let value = SecretValue::text("next");
    let error = store
        .put_pending(&scene.arn, TOKEN, &value, None)
        .await
        .unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown, "{error}");
    scene.simulator.faults().at_nth("DescribeSecret", 1, Fault::Hang);
    let error = store.describe(&scene.arn).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (StoreErrorKind::Unavailable, Effect::NotApplied)
    );
}

#[tokio::test]
async fn denial_names_the_permission() {
    let scene = Scene::new().await;
    for action in [
        "DescribeSecret",
        "GetSecretValue",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    ] {
        scene.simulator.operator().deny(action);
    }
    let (first, store) = (scene.current(), &scene.store);
    let errors = [
        ("DescribeSecret", store.describe(&scene.arn).await.unwrap_err()),
        (
            "GetSecretValue",
            store
                .read(&scene.arn, VersionRef::Stage("AWSCURRENT"))
                .await
                .unwrap_err(),
        ),
        ("PutSecretValue", scene.put("next").await.unwrap_err()),
        (
            "UpdateSecretVersionStage",
            store.promote(&scene.arn, TOKEN, &first).await.unwrap_err(),
        ),
    ];
    for (action, error) in errors {
        assert_eq!(
            (error.kind(), error.effect()),
            (StoreErrorKind::Denied, Effect::NotApplied)
        );
        assert!(
            error
                .to_string()
                .starts_with(&format!("secretsmanager:{action} is denied")),
            "{error}"
        );
        assert_eq!(scene.calls(action), 1);
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_says_where_to_look() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = SecretsManagerStore::new(client(&format!("http://{address}")));
    let error = store.describe("crm").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (StoreErrorKind::Unavailable, Effect::NotApplied)
    );
    assert!(error.to_string().contains("interface endpoint"), "{error}");
    let value = SecretValue::text("sentinel-value");
    let error = store.put_pending("crm", TOKEN, &value, None).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    assert!(!format!("{error:?}").contains("sentinel"), "{error:?}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let scene = Scene::new().await;
    let store = SecretsManagerStore::new(Client::from_conf(config(&scene.endpoint).build()));
    let value = SecretValue::text("next");
    let error = store
        .put_pending(&scene.arn, TOKEN, &value, None)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (StoreErrorKind::Invalid, Effect::NotApplied),
        "{error}"
    );
    assert!(error.to_string().contains("credentials"), "{error}");
    assert_eq!(scene.calls("PutSecretValue"), 0);
}
