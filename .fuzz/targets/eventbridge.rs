//! Events of EventBridge, as the cache invalidator reads them. The input is the event.

use serde_json::Value;

use crate::event::{Heard, News, read};

/// Reading never panics; news says what stands in the event; all else is told in a short line.
pub(crate) fn run(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    match read(&event) {
        Heard::News(news) => stands_in(&news, &event),
        Heard::Other(text) | Heard::NotUnderstood(text) => {
            assert!(!text.is_empty() && text.len() < 1000, "{} bytes", text.len());
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}

fn stands_in(news: &News, event: &Value) {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    assert_eq!(text("/source"), Some("aws.secretsmanager"));
    assert_eq!(text("/id"), Some(news.event_id.as_str()));
    let arn = Some(news.secret_arn.as_str());
    let version = news.version_id.as_deref();
    match news.event {
        "Secret Label Updated" => {
            assert_eq!(text("/detail/labelUpdated"), Some("AWSCURRENT"));
            assert_eq!((text("/resources/0"), text("/detail/versionId")), (arn, version));
        }
        "RotationSucceeded" => {
            assert_eq!(text("/detail/eventName"), Some("RotationSucceeded"));
            let places = [
                "/detail/additionalEventData/SecretId",
                "/detail/serviceEventDetails/secretId",
            ];
            assert_eq!(places.iter().find_map(|place| text(place)), arn);
            let id = text("/detail/requestID").unwrap_or_default();
            let told = version.is_none_or(|version| !version.is_empty() && id.ends_with(version));
            assert!(told, "{version:?} of {id:?}");
        }
        other => assert_eq!(other, "one of the two"),
    }
}
