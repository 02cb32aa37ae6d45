//! JSON that holds a secret.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroize;

use super::REDACTED;

/// Parsed JSON that holds a secret: a reply with a new key in it, a document to be stored.
///
/// `Debug` prints `[REDACTED]`. When it is dropped, every text in it is overwritten.
///
/// ```
/// use rotation_core::SecretJson;
///
/// let reply = SecretJson::from(serde_json::json!({"key": "correct horse"}));
/// assert_eq!(format!("{reply:?}"), "[REDACTED]");
/// assert_eq!(reply.expose_secret()["key"], "correct horse");
/// ```
pub struct SecretJson(Value);

impl SecretJson {
    /// The JSON in clear.
    #[must_use]
    pub fn expose_secret(&self) -> &Value {
        &self.0
    }
}

impl From<Value> for SecretJson {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_overwritten_at_any_depth() {
        let mut value = json!({"a": "s3cret", "b": [{"c": "s3cret"}, 1, null], "d": true});
        wipe(&mut value);
        assert_eq!(value, json!({"a": "", "b": [{"c": ""}, 1, null], "d": true}));
    }
}
