//! The event that Secrets Manager invokes a rotation function with, parsed at the edge.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::secret::SecretString;

/// One invocation: which step of which rotation of which secret.
///
/// There is one only if every field is what the service could send: its `Debug` and its fields are
/// safe to put into a log line.
///
/// ```
/// use rotation_core::{RotationEvent, Step};
///
/// let event: RotationEvent = serde_json::from_str(r#"{
///     "Step": "createSecret",
///     "SecretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-abc123",
///     "ClientRequestToken": "0f8fad5b-d9cb-469f-a165-70867728950e",
///     "RotationToken": "a1b2c3d4-0000-0000-0000-000000000000"
/// }"#)?;
/// assert_eq!(event.step(), Step::CreateSecret);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Source of the fields: the user guide's "Lambda rotation functions".
#[derive(Clone, Debug)]
pub struct RotationEvent {
    secret_id: String,
    client_request_token: String,
    step: Step,
    rotation_token: Option<SecretString>,
}

impl RotationEvent {
    /// An event as the service would send it.
    ///
    /// # Errors
    ///
    /// An [`EventError`] that names the field, under the same rules as [`RotationEvent::parse`].
    pub fn new(secret_id: &str, client_request_token: &str, step: Step) -> Result<Self, EventError> {
        Ok(Self {
            secret_id: printable("SecretId", secret_id)?.to_owned(),
            client_request_token: token(client_request_token)?.to_owned(),
            step,
            rotation_token: None,
        })
    }

    /// The same event with a `RotationToken`, which the service needs back from a function that
    /// acts under an assumed role or from another account.
    ///
    /// # Errors
    ///
    /// An [`EventError`] when the token is empty or not printable ASCII; it does not quote it.
    pub fn with_rotation_token(mut self, token: &str) -> Result<Self, EventError> {
        self.rotation_token = Some(printable("RotationToken", token)?.into());
        Ok(self)
    }

    /// Reads an event from JSON. Fields that we do not know are ignored, as the service may add some.
    ///
    /// # Errors
    ///
    /// An [`EventError`] that names the field: missing, not a text, empty, not printable ASCII
    /// (such a field could forge log lines), a token whose length is not 32 to 64 characters, a
    /// step that is not one of the four.
    pub fn parse(event: &Value) -> Result<Self, EventError> {
        let fields = event.as_object().ok_or(EventError::NotAnObject)?;
        let step = text(fields, "Step")?;
        let event = Self::new(
            text(fields, "SecretId")?,
            text(fields, "ClientRequestToken")?,
            printable("Step", step)?.parse()?,
        )?;
        match fields.get("RotationToken") {
            None | Some(Value::Null) => Ok(event),
            Some(_) => event.with_rotation_token(text(fields, "RotationToken")?),
        }
    }

    /// The secret, as the service names it: its ARN. (Some emulators send its name.)
    #[must_use]
    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// The client request token, which is the version id of the version being rotated in.
    #[must_use]
    pub fn client_request_token(&self) -> &str {
        &self.client_request_token
    }

    /// The step to do.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// The service's proof that a write belongs to this rotation; sensitive, handed back with it.
    #[must_use]
    pub fn rotation_token(&self) -> Option<&SecretString> {
        self.rotation_token.as_ref()
    }
}

impl<'de> Deserialize<'de> for RotationEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The four steps of a rotation, in the order in which the service calls them.
#[allow(clippy::exhaustive_enums, reason = "the service's protocol has these four")]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// Make the next credential and store it under `AWSPENDING`.
    CreateSecret,
    /// Make the target accept the pending credential.
    SetSecret,
    /// Prove that the pending credential works.
    TestSecret,
    /// Move `AWSCURRENT` to the pending version.
    FinishSecret,
}

impl Step {
    /// All four, in order.
    pub const ALL: [Self; 4] = [
        Self::CreateSecret,
        Self::SetSecret,
        Self::TestSecret,
        Self::FinishSecret,
    ];

    /// The name on the wire, in camelCase: `createSecret`. (A page of the user guide prints
    /// `create_secret`; the service does not send that.)
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateSecret => "createSecret",
            Self::SetSecret => "setSecret",
            Self::TestSecret => "testSecret",
            Self::FinishSecret => "finishSecret",
        }
    }
}

impl FromStr for Step {
    type Err = EventError;

    fn from_str(name: &str) -> Result<Self, EventError> {
        Self::ALL
            .into_iter()
            .find(|step| step.as_str() == name)
            .ok_or_else(|| {
                EventError::UnknownStep(name.chars().filter(char::is_ascii_graphic).take(32).collect())
            })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why an event was refused, before anything was done. Never quotes a token.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The event is not a JSON object.
    #[error(
        "the event is not a JSON object; invoke this function from Secrets Manager, or with an object of Step, SecretId and ClientRequestToken"
    )]
    NotAnObject,
    /// A field is absent.
    #[error("the event has no field {0}; Secrets Manager sends Step, SecretId and ClientRequestToken")]
    Missing(&'static str),
    /// A field is a number, an object or another non-text.
    #[error("the event's field {0} is not a text")]
    NotText(&'static str),
    /// A field is the empty text.
    #[error("the event's field {0} is empty")]
    Empty(&'static str),
    /// A field has a character that could forge a log line.
    #[error("the event's field {0} has a character that is not printable ASCII")]
    NotPrintableAscii(&'static str),
    /// The token's length is one that Secrets Manager does not make.
    #[error("the event's field ClientRequestToken has {0} characters; a version id has 32 to 64")]
    TokenLength(usize),
    /// The step is none of the four.
    #[error(
        "the event's field Step is {0:?}; it must be createSecret, setSecret, testSecret or finishSecret"
    )]
    UnknownStep(String),
}

fn text<'a>(fields: &'a Map<String, Value>, field: &'static str) -> Result<&'a str, EventError> {
    match fields.get(field) {
        None | Some(Value::Null) => Err(EventError::Missing(field)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(EventError::NotText(field)),
    }
}

fn printable<'a>(field: &'static str, text: &'a str) -> Result<&'a str, EventError> {
    if text.is_empty() {
        return Err(EventError::Empty(field));
    }
    if !text.chars().all(|c| matches!(c, ' '..='~')) {
        return Err(EventError::NotPrintableAscii(field));
    }
    Ok(text)
}

fn token(text: &str) -> Result<&str, EventError> {
    let token = printable("ClientRequestToken", text)?;
    match token.len() {
        32..=64 => Ok(token),
        length => Err(EventError::TokenLength(length)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    fn event(field: &str, value: Value) -> Value {
        let mut event = json!({"Step": "createSecret", "SecretId": "arn:x", "ClientRequestToken": TOKEN});
        event[field] = value;
        event
    }

    #[test]
    fn every_bad_field_is_named() {
        let rows = [
            (json!("text"), EventError::NotAnObject),
            (event("Step", Value::Null), EventError::Missing("Step")),
            (event("SecretId", Value::Null), EventError::Missing("SecretId")),
            (
                event("ClientRequestToken", Value::Null),
                EventError::Missing("ClientRequestToken"),
            ),
            (event("SecretId", json!(7)), EventError::NotText("SecretId")),
            (
                event("RotationToken", json!(7)),
                EventError::NotText("RotationToken"),
            ),
            (event("Step", json!("")), EventError::Empty("Step")),
            (event("SecretId", json!("")), EventError::Empty("SecretId")),
            (
                event("ClientRequestToken", json!("")),
                EventError::Empty("ClientRequestToken"),
            ),
            (
                event("RotationToken", json!("")),
                EventError::Empty("RotationToken"),
            ),
            (
                event("Step", json!("createSecret\n")),
                EventError::NotPrintableAscii("Step"),
            ),
            (
                event("SecretId", json!("arn\u{1b}[31m")),
                EventError::NotPrintableAscii("SecretId"),
            ),
            (
                event("SecretId", json!("ärn")),
                EventError::NotPrintableAscii("SecretId"),
            ),
            (
                event("ClientRequestToken", json!(format!("{TOKEN}\r\n"))),
                EventError::NotPrintableAscii("ClientRequestToken"),
            ),
            (
                event("RotationToken", json!("a\tb")),
                EventError::NotPrintableAscii("RotationToken"),
            ),
            (
                event("ClientRequestToken", json!("x".repeat(31))),
                EventError::TokenLength(31),
            ),
            (
                event("ClientRequestToken", json!("x".repeat(65))),
                EventError::TokenLength(65),
            ),
            (
                event("Step", json!("create_secret")),
                EventError::UnknownStep("create_secret".into()),
            ),
            (
                event("Step", json!("CREATESECRET")),
                EventError::UnknownStep("CREATESECRET".into()),
            ),
        ];
        for (event, expected) in rows {
            assert_eq!(RotationEvent::parse(&event).unwrap_err(), expected, "{event}");
        }
    }

    #[test]
    fn tokens_of_32_and_64_characters_pass() {
        for length in [32, 36, 64] {
            let event = event("ClientRequestToken", json!("x".repeat(length)));
            assert!(RotationEvent::parse(&event).is_ok(), "{length}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_the_rotation_token_is_never_printed() {
        let mut json = event("RotationToken", json!("sentinel-rotation-token"));
        json["Region"] = json!("eu-west-1");
        let event = RotationEvent::parse(&json).unwrap();
        assert_eq!(
            event.rotation_token().unwrap().expose_secret(),
            "sentinel-rotation-token"
        );
        assert!(!format!("{event:?}").contains("sentinel"));
    }

    #[test]
    fn steps_are_camel_case_on_the_wire() {
        for step in Step::ALL {
            assert_eq!(step.as_str().parse(), Ok(step));
            assert_eq!(serde_json::to_value(step).unwrap(), json!(step.as_str()));
        }
    }
}
