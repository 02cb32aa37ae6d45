//! From a rotation to the application's next request: the event as the simulator emits it, the built function
//! as in Lambda, a double of SNS and SQS, the consumer.

use rotation_core::Grace;
use serde_json::{Value, json};

use crate::support::api_key::Scene;
use crate::support::relay::{Relay, To, function};

async fn chain(to: To, event: fn(&Relay) -> Value) {
    let scene = Scene::new(to).await;
    let application = scene.application();
    let first = application.request().await.unwrap();
    let running = application.run();
    let second = scene.rotate(Grace::UntilNextRotation).await;
    running.more(20).await;
    assert_eq!(application.request().await.unwrap(), first, "nobody has told it");
    scene.relay.deliver(&event(&scene.relay)).await;
    assert_eq!(scene.hear().await, 1);
    assert_eq!(application.request().await.unwrap(), second);
    running.more(20).await;
    assert_eq!(running.failed().await, 0);
    assert_eq!((scene.cache.stats().refusals, scene.cache.stats().reads), (0, 2));
    assert_eq!(
        scene.relay.messaging.messages().len(),
        0,
        "what was heard is deleted"
    );
    scene.relay.assert_nothing_printed();
}

#[tokio::test]
async fn the_next_request_after_the_event_uses_the_new_key() {
    for to in [To::Topic, To::Queue] {
        chain(to, Relay::label_updated).await;
        chain(to, Relay::rotation_succeeded).await;
    }
}

/// The key that is in use dies at the promotion, before any event can come.
#[tokio::test]
async fn without_grace_no_request_fails_before_the_event_comes() {
    let scene = Scene::new(To::Topic).await;
    let application = scene.application();
    let running = application.run();
    running.more(20).await;
    for _ in 0..3 {
        let version = scene.rotate(Grace::None).await;
        running.more(20).await;
        assert_eq!(application.request().await.unwrap(), version);
        scene.relay.deliver(&scene.relay.label_updated()).await;
        let reads = scene.cache.stats().reads;
        assert_eq!(scene.hear().await, 1);
        running.more(20).await;
        assert_eq!(scene.cache.stats().reads, reads, "it knew that already");
    }
    assert_eq!(running.failed().await, 0);
    assert!(scene.cache.stats().refusals >= 3);
    scene.relay.assert_nothing_printed();
}

/// Events come more than once, both kinds of each rotation, and in any order.
#[tokio::test]
async fn duplicate_and_late_events_are_harmless() {
    let scene = Scene::new(To::Topic).await;
    let application = scene.application();
    let running = application.run();
    running.more(10).await;
    let mut events = Vec::new();
    let mut last = String::new();
    for _ in 0..3 {
        last = scene.rotate(Grace::UntilNextRotation).await;
        events.extend([scene.relay.label_updated(), scene.relay.rotation_succeeded()]);
    }
    for event in events.iter().chain(events.iter().rev()) {
        scene.relay.deliver(event).await;
        while scene.hear().await > 0 {}
        running.more(4).await;
        assert_eq!(application.request().await.unwrap(), last);
    }
    assert_eq!(running.failed().await, 0);
    assert_eq!(application.request().await.unwrap(), last);
}

/// What it does not know is answered with success: Lambda would send it again.
#[tokio::test]
async fn an_event_that_is_not_understood_is_done_with() {
    let scene = Scene::new(To::Queue).await;
    for (event, outcome) in [
        (json!({"Records": []}), "not_understood"),
        (
            json!({"source": "aws.secretsmanager", "detail-type": "Secret Label Updated", "id": "1", "detail": {}}),
            "not_understood",
        ),
        (json!(null), "not_understood"),
        (
            json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "id": "1", "detail": {}}),
            "ignored",
        ),
    ] {
        let invoked = scene.relay.function.invoke(&event).await;
        assert!(!invoked.failed, "{event}: {invoked:?}");
        assert_eq!(invoked.payload["outcome"], outcome, "{event}");
    }
    assert!(scene.relay.messaging.messages().is_empty());
    let warnings = scene
        .relay
        .function
        .output()
        .lines()
        .filter(|line| line.contains(r#""level":"WARN""#))
        .count();
    assert_eq!(warnings, 3, "{}", scene.relay.function.output());
}

/// News that could not be sent is a failure, so that Lambda tries again.
#[tokio::test]
async fn news_that_is_not_sent_fails_the_invocation() {
    for to in [To::Topic, To::Queue] {
        let scene = Scene::new(to).await;
        scene.rotate(Grace::UntilNextRotation).await;
        scene.relay.messaging.deny();
        let invoked = scene.relay.function.invoke(&scene.relay.label_updated()).await;
        assert_eq!(
            invoked.error_type(),
            Some("CacheInvalidator.NotSent"),
            "{invoked:?}"
        );
        assert!(
            invoked.error_message().unwrap().contains("not allowed"),
            "{invoked:?}"
        );
        assert!(
            scene.relay.function.output().contains(r#""outcome":"not_sent""#),
            "{}",
            scene.relay.function.output()
        );
    }
}

/// A message that the consumer does not understand is not received for ever.
#[tokio::test]
async fn a_message_that_is_not_understood_is_deleted() {
    let scene = Scene::new(To::Queue).await;
    scene.application().request().await.unwrap();
    scene.relay.messaging.put("{}");
    scene.relay.messaging.put("sentinel");
    assert_eq!(scene.hear().await, 2);
    assert_eq!(scene.hear().await, 0);
    assert_eq!(scene.cache.stats().reads, 1);
}

#[tokio::test]
async fn a_target_that_is_none_is_told_at_the_start() {
    let function = function().env("TARGET", "rotated").start().await.unwrap();
    assert!(function.invoke(&json!({})).await.failed);
    assert!(
        function.output().contains("TARGET is neither"),
        "{}",
        function.output()
    );
}
