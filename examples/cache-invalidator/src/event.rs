//! What an event of EventBridge says about a secret: a pure function.

use serde::Deserialize;
use serde_json::Value;

const SOURCE: &str = "aws.secretsmanager";

/// That a version of a secret is `AWSCURRENT` now.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct News {
    pub(crate) secret_arn: String,
    /// Not there if the event does not say it.
    pub(crate) version_id: Option<String>,
    /// What told it: `Secret Label Updated` or `RotationSucceeded`.
    pub(crate) event: &'static str,
    pub(crate) event_id: String,
}

/// What to do about an event.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    News(News),
    /// It is about something else, which is no fault: `RotationStarted`.
    Other(String),
    /// It is none that is known. Says which field is wrong and quotes nothing but names.
    NotUnderstood(String),
}

#[derive(Deserialize)]
struct Envelope {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    id: String,
    #[serde(default)]
    resources: Vec<String>,
    detail: Value,
}

/// The detail of a `Secret Label Updated`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Label {
    label_updated: String,
    version_id: String,
}

/// The detail of an event of the service itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceEvent {
    event_name: String,
    #[serde(rename = "requestID")]
    request_id: Option<String>,
    additional_event_data: Option<Additional>,
    service_event_details: Option<Details>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Additional {
    secret_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    secret_id: Option<String>,
}

/// Reads an event.
pub(crate) fn read(event: &Value) -> Heard {
    let envelope = match Envelope::deserialize(event) {
        Ok(envelope) => envelope,
        Err(error) => return Heard::NotUnderstood(wrong("the event", &error)),
    };
    match (envelope.source.as_str(), envelope.detail_type.as_str()) {
        (SOURCE, "Secret Label Updated") => label(envelope),
        (SOURCE, "AWS Service Event via CloudTrail") => service_event(envelope),
        (source, detail_type) => Heard::Other(format!("{} of {}", quoted(detail_type), quoted(source))),
    }
}

fn label(envelope: Envelope) -> Heard {
    let label = match Label::deserialize(envelope.detail) {
        Ok(label) => label,
        Err(error) => return Heard::NotUnderstood(wrong("detail", &error)),
    };
    if label.label_updated != "AWSCURRENT" {
        return Heard::Other(format!("the label {}", quoted(&label.label_updated)));
    }
    match envelope.resources.into_iter().next() {
        Some(secret_arn) => Heard::News(News {
            secret_arn,
            version_id: Some(label.version_id),
            event: "Secret Label Updated",
            event_id: envelope.id,
        }),
        None => Heard::NotUnderstood("resources: there is no ARN in it".to_owned()),
    }
}

fn service_event(envelope: Envelope) -> Heard {
    let detail = match ServiceEvent::deserialize(envelope.detail) {
        Ok(detail) => detail,
        Err(error) => return Heard::NotUnderstood(wrong("detail", &error)),
    };
    if detail.event_name != "RotationSucceeded" {
        return Heard::Other(format!("the service event {}", quoted(&detail.event_name)));
    }
    let additional = detail.additional_event_data.and_then(|data| data.secret_id);
    let details = detail.service_event_details.and_then(|details| details.secret_id);
    let Some(secret_arn) = additional.or(details) else {
        let missing = "detail: neither additionalEventData.SecretId nor serviceEventDetails.secretId";
        return Heard::NotUnderstood(missing.to_owned());
    };
    // Rotation-ARN-TOKEN, and the token is the version's id.
    let version = detail.request_id.as_deref().and_then(|id| {
        let token = id
            .strip_prefix("Rotation-")?
            .strip_prefix(&secret_arn)?
            .strip_prefix('-')?;
        (!token.is_empty()).then(|| token.to_owned())
    });
    Heard::News(News {
        secret_arn,
        version_id: version,
        event: "RotationSucceeded",
        event_id: envelope.id,
    })
}

/// The beginning of a text, in quotation marks. (A precision does not shorten what `{:?}` writes.)
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}

/// What serde says names fields and types; a text that it quotes is an event's, which holds no secret, but
/// may be long.
fn wrong(place: &str, error: &serde_json::Error) -> String {
    format!("{place}: {:.200}", error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/api-key-a1b2c3";
    const VERSION: &str = "a1b2c3d4-5678-90ab-cdef-111111111111";

    fn recorded(name: &str) -> Value {
        let text = match name {
            "label" => include_str!("../tests/events/secret-label-updated.json"),
            "rotation" => include_str!("../tests/events/rotation-succeeded.json"),
            "details" => include_str!("../tests/events/rotation-succeeded-service-event-details.json"),
            _ => include_str!("../tests/events/put-secret-value.json"),
        };
        serde_json::from_str(text).unwrap()
    }

    /// The recorded event with what stands at this place replaced, or taken away.
    fn changed(name: &str, pointer: &str, value: Option<Value>) -> Value {
        let mut event = recorded(name);
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(parent.insert(key.to_owned(), value)),
            None => drop(parent.remove(key).unwrap()),
        }
        event
    }

    fn news(event: &Value) -> News {
        match read(event) {
            Heard::News(news) => news,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn recorded_events_are_news_of_the_same_version() {
        for (name, version, event) in [
            ("label", Some(VERSION), "Secret Label Updated"),
            ("rotation", Some(VERSION), "RotationSucceeded"),
            ("details", None, "RotationSucceeded"),
        ] {
            let news = news(&recorded(name));
            assert_eq!(
                (news.secret_arn.as_str(), news.version_id.as_deref()),
                (ARN, version),
                "{name}"
            );
            assert_eq!(
                (news.event, news.event_id),
                (event, recorded(name)["id"].as_str().unwrap().to_owned())
            );
        }
    }

    #[test]
    fn a_version_that_cannot_be_told_is_left_out() {
        for id in [
            json!("5c9b4a4e-0000-4000-8000-000000000000"),
            json!(format!("Rotation-{ARN}-")),
            json!(null),
        ] {
            assert_eq!(
                news(&changed("rotation", "/detail/requestID", Some(id))).version_id,
                None
            );
        }
        assert_eq!(
            news(&changed("rotation", "/detail/requestID", None)).version_id,
            None
        );
    }

    #[test]
    fn other_events_are_no_fault() {
        for (event, part) in [
            (recorded("put"), "AWS API Call via CloudTrail"),
            (
                changed("label", "/detail/labelUpdated", Some(json!("blue"))),
                "blue",
            ),
            (changed("label", "/source", Some(json!("mine"))), "mine"),
            (
                changed("rotation", "/detail/eventName", Some(json!("RotationStarted"))),
                "RotationStarted",
            ),
            (
                changed("rotation", "/detail/eventName", Some(json!("RotationFailed"))),
                "RotationFailed",
            ),
            (
                changed(
                    "rotation",
                    "/detail/eventName",
                    Some(json!("TestRotationSucceeded")),
                ),
                "TestRotationSucceeded",
            ),
            (
                changed("rotation", "/detail-type", Some(json!("Scheduled Event"))),
                "Scheduled Event",
            ),
        ] {
            match read(&event) {
                Heard::Other(what) => assert!(what.contains(part), "{what}"),
                heard => panic!("{part}: {heard:?}"),
            }
        }
    }

    #[test]
    fn what_is_malformed_is_told_by_its_field() {
        for (event, part) in [
            (json!(null), "the event"),
            (json!([]), "the event"),
            (json!({}), "source"),
            (json!("text"), "the event"),
            (changed("label", "/detail-type", None), "detail-type"),
            (changed("label", "/detail", Some(json!(null))), "detail"),
            (changed("label", "/detail/versionId", None), "versionId"),
            (changed("label", "/detail/labelUpdated", Some(json!(7))), "detail"),
            (changed("label", "/resources", Some(json!([]))), "resources"),
            (changed("label", "/resources", None), "resources"),
            (
                changed("rotation", "/detail/additionalEventData", None),
                "additionalEventData.SecretId",
            ),
            (
                changed(
                    "rotation",
                    "/detail/additionalEventData/SecretId",
                    Some(json!(null)),
                ),
                "additionalEventData",
            ),
            (changed("rotation", "/detail/eventName", None), "eventName"),
        ] {
            match read(&event) {
                Heard::NotUnderstood(why) => assert!(why.contains(part), "{part}: {why}"),
                heard => panic!("{part}: {heard:?}"),
            }
        }
        let long = changed("label", "/detail", Some(json!("x".repeat(100_000))));
        assert!(matches!(read(&long), Heard::NotUnderstood(why) if why.len() < 300));
    }
}
