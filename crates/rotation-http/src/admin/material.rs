//! What the admin secret holds.

use rotation_core::{BackendError, SecretJson, SecretString, SecretValue};
use serde_json::Value;

use crate::document::ApiKeyDocument;

/// The text of the admin secret.
pub(super) struct Material(SecretString);

impl Material {
    /// The value of the admin secret, which has to be a text.
    pub(super) fn of(value: SecretValue) -> Result<Self, BackendError> {
        match value {
            SecretValue::Text(text) => Ok(Self(text)),
            _ => Err(wrong("is binary; store it as text")),
        }
    }

    /// The part at the pointer, or the whole text. Never empty.
    pub(super) fn text(&self, pointer: Option<&str>) -> Result<SecretString, BackendError> {
        let text = match pointer {
            Some(pointer) => self.at(pointer)?,
            None if self.0.expose_secret().starts_with('{') => {
                return Err(wrong(
                    "is a JSON document; say with json_pointer where it holds the token",
                ));
            }
            None => self.0.clone(),
        };
        if text.expose_secret().is_empty() {
            let place = pointer.map(|at| format!(" at {at:?}")).unwrap_or_default();
            return Err(wrong(&format!("is empty{place}; store the token")));
        }
        Ok(text)
    }

    fn at(&self, pointer: &str) -> Result<SecretString, BackendError> {
        let document: ApiKeyDocument = SecretValue::Text(self.0.clone()).decode()?;
        let json = serde_json::to_value(document)
            .map(SecretJson::from)
            .map_err(|_| wrong("is no JSON document; correct it"))?;
        match json.expose_secret().pointer(pointer).and_then(Value::as_str) {
            Some(text) => Ok(text.into()),
            None => Err(wrong(&format!(
                "has no text at {pointer:?}; correct the pointer or the secret"
            ))),
        }
    }
}

/// What is wrong with the admin secret's value.
pub(super) fn wrong(why: &str) -> BackendError {
    BackendError::misconfigured(format!("the admin secret's value {why}"))
}
