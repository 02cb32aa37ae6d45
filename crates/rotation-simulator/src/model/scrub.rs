//! Other people's texts, rid of the values of secrets.

use rotation_core::SecretValue;
use serde_json::Value;

use super::state::Model;

/// Shorter texts are words of their own, and guessed anyway.
const SHORTEST: usize = 8;

impl Model {
    /// `text` without what stands in any value that is stored here.
    pub(super) fn scrub(&self, text: &str) -> String {
        let versions = self.secrets.values().flat_map(|it| it.secret.versions.values());
        let values = versions.filter_map(|version| version.value.as_ref());
        let mut known: Vec<String> = values.flat_map(texts).collect();
        known.retain(|known| known.len() >= SHORTEST);
        // The longest first: one may be a part of another.
        known.sort_by_key(|known| std::cmp::Reverse(known.len()));
        known
            .iter()
            .fold(text.to_owned(), |text, known| text.replace(known, "[REDACTED]"))
    }
}

/// The value as a text, and the texts of a document.
fn texts(value: &SecretValue) -> Vec<String> {
    let whole = match value {
        SecretValue::Text(text) => text.expose_secret().to_owned(),
        SecretValue::Binary(bytes) => String::from_utf8_lossy(bytes.expose_secret()).into_owned(),
    };
    let mut texts = Vec::new();
    if let Ok(document) = serde_json::from_str(&whole) {
        leaves(document, &mut texts);
    }
    texts.push(whole);
    texts
}

fn leaves(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.into_iter().for_each(|item| leaves(item, texts)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, field)| leaves(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
