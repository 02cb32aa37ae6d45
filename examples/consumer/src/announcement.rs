//! What a push says: that a version is `AWSCURRENT` now.

use std::fmt;

use rotation_core::AWSCURRENT;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cache::SecretCache;

/// That a version of a secret has become `AWSCURRENT`. Holds no value, and need not be kept secret.
///
/// Whoever can send one can make the application read its secret, at most ten times a second, and nothing
/// else. So it needs no signature.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Announcement {
    /// The secret's ARN.
    pub secret_arn: String,
    /// The version's id; nothing if the event that told of it does not say.
    pub version_id: Option<String>,
}

/// A message that is no announcement. Repeating it does not help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotUnderstood;

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither an announcement nor a Secret Label Updated event of AWSCURRENT")
    }
}

impl std::error::Error for NotUnderstood {}

impl Announcement {
    /// Reads a message: what `cache-invalidator` sends, or EventBridge's `Secret Label Updated` of
    /// `AWSCURRENT`, as a rule sends it to a queue; each as it is, or in the envelope of SNS.
    ///
    /// # Errors
    ///
    /// [`NotUnderstood`]: anything else. Of its text nothing is quoted.
    pub fn parse(message: &str) -> Result<Self, NotUnderstood> {
        let shape = match Shape::read(message)? {
            Shape::Sns { message } => Shape::read(&message)?,
            bare => bare,
        };
        match shape {
            Shape::Own {
                secret_arn,
                version_id,
            } => Ok(Self {
                secret_arn,
                version_id,
            }),
            Shape::Event(event) => event.announced().ok_or(NotUnderstood),
            // An envelope in an envelope.
            Shape::Sns { .. } => Err(NotUnderstood),
        }
    }

    /// Tells the cache of its secret: [`announce`](SecretCache::announce), or where there is no version,
    /// [`flush`](SecretCache::flush).
    pub fn tell<T: DeserializeOwned>(&self, cache: &SecretCache<T>) {
        match &self.version_id {
            Some(version) => _ = cache.announce(version),
            None => cache.flush(),
        }
    }

    /// Whether it is about this secret, by its ARN or its name.
    #[must_use]
    pub fn is_of(&self, secret_id: &str) -> bool {
        if self.secret_arn == secret_id {
            return true;
        }
        // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-6chars
        let name = self.secret_arn.splitn(7, ':').nth(6);
        name.and_then(|name| name.rsplit_once('-'))
            .is_some_and(|(name, _)| name == secret_id)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Shape {
    Own {
        secret_arn: String,
        version_id: Option<String>,
    },
    Event(Event),
    Sns {
        #[serde(rename = "Message")]
        message: String,
    },
}

impl Shape {
    fn read(message: &str) -> Result<Self, NotUnderstood> {
        serde_json::from_str(message).map_err(|_| NotUnderstood)
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    resources: Vec<String>,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    label_updated: String,
    version_id: String,
}

impl Event {
    fn announced(self) -> Option<Announcement> {
        let is_it = self.source == "aws.secretsmanager"
            && self.detail_type == "Secret Label Updated"
            && self.detail.label_updated == AWSCURRENT;
        let secret_arn = self.resources.into_iter().next()?;
        let version_id = Some(self.detail.version_id);
        is_it.then_some(Announcement {
            secret_arn,
            version_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/api-key-a1b2c3";

    fn event(label: &str) -> String {
        json!({
            "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "Secret Label Updated",
            "source": "aws.secretsmanager", "account": "111122223333", "time": "2026-01-01T00:00:00Z",
            "region": "eu-west-1", "resources": [ARN],
            "detail": {"name": "crm/api-key", "labelUpdated": label, "versionId": "v2"},
        })
        .to_string()
    }

    fn sns(message: &str) -> String {
        json!({"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": message}).to_string()
    }

    #[test]
    fn each_shape_is_understood() {
        let own = json!({"secret_arn": ARN, "version_id": "v2", "event": "RotationSucceeded"}).to_string();
        for message in [
            own.clone(),
            sns(&own),
            event("AWSCURRENT"),
            sns(&event("AWSCURRENT")),
        ] {
            let announced = Announcement::parse(&message).unwrap();
            assert_eq!(
                (announced.secret_arn.as_str(), announced.version_id.as_deref()),
                (ARN, Some("v2"))
            );
        }
    }

    #[test]
    fn an_announcement_without_a_version_is_one() {
        for message in [
            json!({"secret_arn": ARN}),
            json!({"secret_arn": ARN, "version_id": null}),
        ] {
            let announced = Announcement::parse(&message.to_string()).unwrap();
            assert_eq!(announced.version_id, None);
        }
    }

    #[test]
    fn anything_else_is_not() {
        for message in [
            "",
            "{",
            "[]",
            "{}",
            "null",
            "\"v2\"",
            r#"{"secret_arn": 1, "version_id": "v2"}"#,
        ] {
            assert_eq!(Announcement::parse(message), Err(NotUnderstood), "{message}");
        }
        assert_eq!(Announcement::parse(&event("AWSPREVIOUS")), Err(NotUnderstood));
        assert_eq!(
            Announcement::parse(&event("AWSCURRENT").replace("aws.secretsmanager", "mine")),
            Err(NotUnderstood)
        );
        assert_eq!(
            Announcement::parse(&sns(&sns(&event("AWSCURRENT")))),
            Err(NotUnderstood)
        );
    }

    #[test]
    fn a_secret_is_known_by_arn_and_by_name() {
        let announced = Announcement::parse(&event("AWSCURRENT")).unwrap();
        for (id, expected) in [
            (ARN, true),
            ("crm/api-key", true),
            ("crm/api", false),
            ("api-key", false),
            ("", false),
        ] {
            assert_eq!(announced.is_of(id), expected, "{id}");
        }
    }
}
