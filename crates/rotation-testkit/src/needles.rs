//! What is secret among the values of a simulator, to look for in output.

use std::collections::BTreeSet;

use rotation_core::SecretValue;
use serde_json::Value;

use crate::Simulator;
use crate::watched::Made;

/// Shorter texts occur by chance.
const SHORTEST: usize = 6;

/// The texts that must not be printed: of the secret itself those that changed from version to version,
/// which a key or a password does and a host does not; of what was `made` those that are in no version; of
/// every other secret those whose keys say so. `ids` are public. An opaque value is secret as a whole.
pub(crate) fn needles(
    simulator: &Simulator,
    arn: &str,
    made: &[Made],
    ids: &BTreeSet<String>,
) -> BTreeSet<String> {
    let model = simulator.model();
    let (mut ours, mut others) = (Vec::new(), BTreeSet::new());
    for (of, value) in model.every_value() {
        let texts = texts(value);
        if of == arn {
            ours.push(texts);
        } else {
            let named = texts.into_iter().filter(|(key, _)| names_a_secret(key));
            others.extend(named.map(|(_, text)| text));
        }
    }
    let common = ours
        .iter()
        .cloned()
        .reduce(|common, texts| &common & &texts)
        .unwrap_or_default();
    let mut fresh = BTreeSet::new();
    made.iter()
        .for_each(|made| collect("", &made.credential, &mut fresh));
    let changed = ours.into_iter().flatten().chain(fresh).filter(|text| {
        let (key, _) = text;
        !common.contains(text) || names_a_secret(key)
    });
    let mut needles: BTreeSet<_> = changed.map(|(_, text)| text).chain(others).collect();
    let of_made: BTreeSet<_> = made.iter().filter_map(|made| made.id.as_deref()).collect();
    needles.retain(|text| text.len() >= SHORTEST && !ids.contains(text) && !of_made.contains(text.as_str()));
    needles
}

/// The texts of the secret's own values that stand under a key that says so.
pub(crate) fn named_secret(simulator: &Simulator, arn: &str) -> BTreeSet<String> {
    let model = simulator.model();
    let ours = model.every_value().filter(|(of, _)| *of == arn);
    let named = ours.flat_map(|(_, value)| texts(value));
    named
        .filter(|(key, _)| names_a_secret(key))
        .map(|(_, text)| text)
        .collect()
}

/// A secret of these that stands in the text.
pub(crate) fn find<'n>(needles: &'n BTreeSet<String>, text: &str) -> Option<&'n str> {
    needles
        .iter()
        .map(String::as_str)
        .find(|needle| text.contains(needle))
}

fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let public = key.ends_with("_id") || key.ends_with("arn") || key.ends_with("name");
    // An opaque value has no key.
    let telling = ["password", "secret", "token", "key"];
    key.is_empty() || !public && telling.iter().any(|part| key.contains(part))
}

/// The texts of a value, with the key that each stands under.
fn texts(value: &SecretValue) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    match value.decode::<Value>() {
        Ok(document) => collect("", &document, &mut found),
        Err(_) => {
            if let SecretValue::Binary(bytes) = value {
                let text = String::from_utf8_lossy(bytes.expose_secret()).into_owned();
                found.insert((String::new(), text));
            }
        }
    }
    found
}

fn collect(key: &str, value: &Value, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::String(text) => _ = found.insert((key.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| collect(key, item, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| collect(key, value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_or_is_named_so_is_secret() {
        let simulator = Simulator::new();
        let operator = simulator.operator();
        let value = |key: &str, id: &str| {
            SecretValue::text(format!(
                r#"{{"host":"relay.example","key_id":"{id}","api_key":"{key}"}}"#
            ))
        };
        let arn = operator
            .create_secret("crm", value("first-key", "key-001"))
            .unwrap();
        let admin = SecretValue::text(r#"{"username":"administrator","password":"hunter22"}"#);
        operator.create_secret("admin", admin).unwrap();
        operator
            .create_secret("opaque", SecretValue::text("opaque-token"))
            .unwrap();
        let needles_of = |ids: &[&str]| {
            needles(
                &simulator,
                &arn,
                &[],
                &ids.iter().map(|&id| id.to_owned()).collect(),
            )
        };
        let once = needles_of(&["key-001"]);
        assert_eq!(
            once,
            ["first-key", "hunter22", "opaque-token"]
                .map(str::to_owned)
                .into()
        );
        operator.put(&arn, value("second-key", "key-002")).unwrap();
        let both = needles_of(&["key-001", "key-002"]);
        let expected = ["first-key", "hunter22", "opaque-token", "second-key"];
        assert_eq!(both, expected.map(str::to_owned).into());
        assert_eq!(find(&both, "it was second-key all along"), Some("second-key"));
        assert_eq!(find(&both, "relay.example, key-001"), None);
    }
}
