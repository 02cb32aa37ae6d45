//! What is secret among the values of a simulator, to look for in output.

use std::collections::BTreeSet;

use rotation_core::SecretValue;
use rotation_simulator::Simulator;
use serde_json::Value;

use crate::faulty_backend::Made;

/// Shorter texts occur by chance.
const SHORTEST: usize = 6;

/// A line of a secret of several lines that is a secret by itself.
const A_LINE: usize = 16;

/// What stands for a secret in a report.
const REDACTED: &str = "<THE SECRET>";

/// The texts that must not be printed, with each form in which they may be.
///
/// Of the secret itself these are the texts that changed from version to version: a key or a password does, and
/// a host does not. Of what was `made` they are those that are in no version, and of every other secret those
/// whose keys say so. `ids` are public. An opaque value is secret as a whole.
pub(crate) fn needles(
    simulator: &Simulator,
    arn: &str,
    made: &[Made],
    ids: &BTreeSet<String>,
) -> BTreeSet<String> {
    let (mut ours, mut others) = (Vec::new(), BTreeSet::new());
    for stored in simulator.stored_values() {
        let texts = texts(&stored.value);
        if stored.secret_arn == arn {
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
    needles.retain(|text| !ids.contains(text) && !of_made.contains(text.as_str()));
    forms(needles)
}

/// The texts of the secret's own values that stand under a key that says so.
pub(crate) fn named_secret(simulator: &Simulator, arn: &str) -> BTreeSet<String> {
    let stored = simulator.stored_values().into_iter();
    let ours = stored.filter(|stored| stored.secret_arn == arn);
    let named = ours.flat_map(|stored| texts(&stored.value));
    named
        .filter(|(key, _)| names_a_secret(key))
        .map(|(_, text)| text)
        .collect()
}

/// Everything that a report of the suite or the explorer must not hand on: an id, too, if a key says that it
/// is secret.
pub(crate) fn to_hide(
    simulator: &Simulator,
    arn: &str,
    made: &[Made],
    ids: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut hidden = needles(simulator, arn, made, ids);
    let mut named = named_secret(simulator, arn);
    let mut fresh = BTreeSet::new();
    made.iter()
        .for_each(|made| collect("", &made.credential, &mut fresh));
    let fresh = fresh.into_iter().filter(|(key, _)| names_a_secret(key));
    named.extend(fresh.map(|(_, text)| text));
    hidden.extend(forms(named));
    hidden
}

/// Each text as it is, as `Debug` and JSON escape it, and line by line.
fn forms(texts: BTreeSet<String>) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for text in texts {
        forms.insert(text.escape_debug().to_string());
        let json = serde_json::to_string(&text).unwrap_or_default();
        forms.extend(json.get(1..json.len().saturating_sub(1)).map(str::to_owned));
        // Of a key in PEM form the first and the last line are public.
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"));
        forms.extend(lines.filter(|line| line.len() >= A_LINE).map(str::to_owned));
        forms.insert(text);
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// The first line of the text in which a secret of these stands, without any of them.
pub(crate) fn find(needles: &BTreeSet<String>, text: &str) -> Option<String> {
    if !needles.iter().any(|needle| text.contains(needle.as_str())) {
        return None;
    }
    let hidden = redact(needles, text);
    let mut lines = hidden.lines().filter(|line| line.contains(REDACTED));
    Some(lines.next().unwrap_or_default().trim().to_owned())
}

/// The text without any of these secrets, the longest first: one may be a part of another.
pub(crate) fn redact(needles: &BTreeSet<String>, text: &str) -> String {
    let mut found: Vec<_> = needles
        .iter()
        .filter(|needle| text.contains(needle.as_str()))
        .collect();
    found.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    found.into_iter().fold(text.to_owned(), |text, needle| {
        text.replace(needle.as_str(), REDACTED)
    })
}

/// Whether the key says that its value is secret. Words are told apart by neither case nor underscores:
/// `access_key_id` and `accessKeyId` are one.
fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['_', '-'], "");
    // An opaque value has no key; and an AppRole's secret_id is no id.
    if key.is_empty() || key.ends_with("secretid") {
        return true;
    }
    let public = PUBLIC.iter().any(|end| key.ends_with(end)) || key.contains("public");
    let telling = ["pass", "pwd", "secret", "token", "key", "credential"];
    !public && telling.iter().any(|part| key.contains(part))
}

/// How keys of public values end, whatever else is in them: `key_id`, `token_url`, `secret_arn`, `key_type`.
const PUBLIC: [&str; 12] = [
    "id", "arn", "name", "url", "uri", "host", "endpoint", "type", "label", "alias", "version", "space",
];

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
        let found = find(&both, "key-002\nit was second-key, not first-key");
        assert_eq!(found.as_deref(), Some("it was <THE SECRET>, not <THE SECRET>"));
        assert_eq!(find(&both, "relay.example, key-001"), None);
    }

    #[test]
    fn what_a_key_says() {
        for secret in [
            "",
            "password",
            "passphrase",
            "apiKey",
            "SecretAccessKey",
            "client_secret",
            "secret_id",
            "token",
            "private_key",
        ] {
            assert!(names_a_secret(secret), "{secret}");
        }
        for public in [
            "host",
            "username",
            "key_id",
            "keyId",
            "AccessKeyId",
            "masterarn",
            "token_url",
            "tokenEndpoint",
            "key_type",
            "keyspace",
            "publicKey",
        ] {
            assert!(!names_a_secret(public), "{public}");
        }
    }

    #[test]
    fn forms_of_a_secret() {
        let pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n";
        let forms = forms([pem.to_owned(), r#"a"long\er-one"#.to_owned()].into());
        for printed in [
            pem,
            "MIIEvQIBADANBgkqhkiG",
            r"key=-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n",
            r#"a"long\er-one"#,
            r#"password="a\"long\\er-one""#,
        ] {
            let hidden = redact(&forms, printed);
            assert!(!hidden.contains("MII") && !hidden.contains("long"), "{hidden}");
            assert!(find(&forms, printed).is_some(), "{printed}");
        }
        assert_eq!(find(&forms, "-----BEGIN KEY-----"), None);
    }
}
