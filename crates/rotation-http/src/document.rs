//! The secret's document, whole.

use std::borrow::Cow;
use std::fmt;

use rotation_core::SecretJson;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reply::is_whole;

/// The JSON document that holds an API key, with all its top-level fields.
///
/// Which field holds the key and which the key's id is said by the [`Provider`]: `api_key` and
/// `key_id` unless set otherwise. All other fields are the team's own; a template reads them as
/// `{secret.NAME}`, and they survive a rotation untouched.
///
/// `Debug` prints the fields' names only. The texts in it are overwritten when it is dropped.
/// `Serialize` writes the document **in clear**, because this is how it gets into the secret.
///
/// [`Provider`]: crate::Provider
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ApiKeyDocument(Map<String, Value>);

impl ApiKeyDocument {
    /// The field as a text: a text as it is, a whole number of at most 64 bits or a truth value as
    /// JSON writes it. `None` if it is absent, empty, or anything else: of any other number digits
    /// may be lost.
    pub(crate) fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        match self.0.get(field)? {
            Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
            Value::Number(number) if is_whole(number) => Some(Cow::Owned(number.to_string())),
            Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
            _ => None,
        }
    }

    /// The field as it is.
    pub(crate) fn value(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// The same document with another value in one field.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        wipe(self.0.insert(field.to_owned(), value));
        self
    }

    /// The same document without one field.
    pub(crate) fn without(mut self, field: &str) -> Self {
        wipe(self.0.remove(field));
        self
    }

    /// The id in the JSON type that the field has now: a text stays a text where the provider
    /// answers with a number.
    pub(crate) fn in_type_of(&self, field: &str, id: Value) -> Value {
        match (self.0.get(field), id) {
            (Some(Value::String(_)), Value::Number(number)) => Value::String(number.to_string()),
            (_, id) => id,
        }
    }
}

/// Overwrites the texts in these values.
fn wipe(values: impl IntoIterator<Item = Value>) {
    values.into_iter().map(SecretJson::from).for_each(drop);
}

impl Drop for ApiKeyDocument {
    fn drop(&mut self) {
        wipe(self.0.values_mut().map(std::mem::take));
    }
}

impl fmt::Debug for ApiKeyDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyDocument")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use rotation_core::SecretValue;
    use serde_json::json;

    use super::*;

    fn document(value: Value) -> ApiKeyDocument {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn fields_read_as_text() {
        let document = document(
            json!({"text": "a", "number": 7, "truth": true, "empty": "", "null": null, "list": [], "float": 1.5, "big": 1e30}),
        );
        let read = |field| document.text(field).map(Cow::into_owned);
        assert_eq!(read("text").as_deref(), Some("a"));
        assert_eq!(read("number").as_deref(), Some("7"));
        assert_eq!(read("truth").as_deref(), Some("true"));
        for absent in ["empty", "null", "list", "float", "big", "nowhere"] {
            assert_eq!(read(absent), None, "{absent}");
        }
    }

    #[test]
    fn debug_prints_names_and_no_values() {
        let text = format!(
            "{:?}",
            document(json!({"api_key": "SENTINEL", "deep": {"inner": "SENTINEL"}}))
        );
        assert_eq!(text, r#"ApiKeyDocument{"api_key", "deep"}"#);
    }

    #[test]
    fn an_id_keeps_the_documents_type() {
        let texts = document(json!({"key_id": "1"}));
        assert_eq!(texts.in_type_of("key_id", json!(2)), json!("2"));
        let numbers = document(json!({"key_id": 1}));
        assert_eq!(numbers.in_type_of("key_id", json!(2)), json!(2));
        assert_eq!(document(json!({})).in_type_of("key_id", json!(2)), json!(2));
    }

    #[test]
    fn only_the_replaced_fields_of_the_stored_text_change() {
        let stored = SecretValue::text(
            r#"{"zone": 1.50, "api_key": "old", "big": 12345678901234567890123, "key_id": "a"}"#,
        );
        let before: ApiKeyDocument = stored.decode().unwrap();
        let after = before
            .clone()
            .with("api_key", json!("new"))
            .with("key_id", json!("b"));
        let expected = r#"{"zone":1.50,"api_key":"new","big":12345678901234567890123,"key_id":"b"}"#;
        assert!(stored.overlay(&before, &after).unwrap() == SecretValue::text(expected));
    }

    #[test]
    fn a_field_that_was_taken_out_is_not_stored() {
        let stored = SecretValue::text(r#"{"key_id": "a", "api_key": "old", "zone": 1.50}"#);
        let before: ApiKeyDocument = stored.decode().unwrap();
        let after = before.clone().with("api_key", json!("new")).without("key_id");
        assert_eq!(after.text("key_id"), None);
        let expected = r#"{"api_key":"new","zone":1.50}"#;
        assert!(stored.overlay(&before, &after).unwrap() == SecretValue::text(expected));
    }

    #[test]
    fn plain_text_is_no_document() {
        assert!(
            SecretValue::text("just-a-key")
                .decode::<ApiKeyDocument>()
                .is_err()
        );
    }
}
