//! A secret's document, and a credential of which some keys change.
//!
//! The first line of the input says what changes, in words: `password` gives that key another value,
//! `-note` takes it away, `pool/size` reaches into an object or an array. The rest is the document.

#![allow(clippy::panic, reason = "a test")]

use std::collections::BTreeSet;
use std::fmt;

use rotation_core::{DocumentError, SecretString, SecretValue};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Stands in the values of the corpus.
const SECRET: &str = "s3cr3t";

/// What a change leaves alone survives as it was written, what is written reads back, and an error
/// quotes no value.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (changes, stored) = text.split_once('\n').unwrap_or((text, ""));
    // Beyond its limit of 128, serde_json refuses what is nested.
    if text.matches(['{', '[']).count() < 100 {
        every_key(changes, stored);
        some_keys(changes, stored);
    }
}

/// A credential that is the whole document.
fn every_key(changes: &str, stored: &str) {
    let value = SecretValue::text(stored);
    let before = match value.decode::<Value>() {
        Ok(before) if before.is_object() => before,
        Ok(_) => return,
        Err(error) => return quotes_no_value(&error, stored),
    };
    let mut after = before.clone();
    for word in changes.split(' ').filter(|word| !word.is_empty()) {
        change(&mut after, word);
    }
    match value.overlay(&before, &after) {
        Ok(overlaid) => survives(stored, &overlaid, &before, &after),
        Err(error) => {
            quotes_no_value(&error, stored);
            assert!(matches!(error, DocumentError::DuplicateKey(_)), "{error:?}");
            assert!(keys(stored).1, "no key stands twice");
        }
    }
}

/// A credential like that of a database: the document may hold more.
#[derive(Clone, Deserialize, Serialize)]
struct Login {
    username: String,
    password: SecretString,
    #[serde(default)]
    port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

fn some_keys(changes: &str, stored: &str) {
    let value = SecretValue::text(stored);
    let before = match value.decode::<Login>() {
        Ok(before) => before,
        Err(error) => return quotes_no_value(&error, stored),
    };
    let mut after = before.clone();
    after.password = format!("{changes} is new").into();
    after.note = changes.contains("note").then(|| "new".to_owned());
    let overlaid = value.overlay(&before, &after);
    let [before, after] = [before, after].map(|login| serde_json::to_value(login).ok());
    match (overlaid, before, after) {
        (Ok(overlaid), Some(before), Some(after)) => survives(stored, &overlaid, &before, &after),
        (refused, ..) => panic!("{refused:?}"),
    }
}

/// Carries out a word of the first line.
fn change(document: &mut Value, word: &str) {
    let (removes, path) = match word.strip_prefix('-') {
        Some(path) => (true, path),
        None => (false, word),
    };
    let (parent, key) = path.rsplit_once('/').unwrap_or(("", path));
    let pointer = if parent.is_empty() {
        String::new()
    } else {
        format!("/{parent}")
    };
    match document.pointer_mut(&pointer) {
        Some(Value::Object(fields)) if removes => drop(fields.remove(key)),
        Some(Value::Object(fields)) => drop(fields.insert(key.to_owned(), Value::from("new"))),
        Some(Value::Array(items)) => match key.parse::<usize>().ok().filter(|&n| n < items.len()) {
            Some(n) if removes => drop(items.remove(n)),
            Some(n) => items
                .iter_mut()
                .skip(n)
                .take(1)
                .for_each(|item| *item = Value::from("new")),
            None => {}
        },
        _ => {}
    }
}

fn survives(stored: &str, overlaid: &SecretValue, before: &Value, after: &Value) {
    assert_eq!(format!("{overlaid:?}"), "Text([REDACTED])");
    let SecretValue::Text(text) = overlaid else {
        panic!("text became binary");
    };
    same_but_changes(stored, text.expose_secret(), before, after);
    let read = entries(text.expose_secret());
    for (key, value) in after.as_object().into_iter().flatten() {
        // A default that nobody wrote is not written.
        let written = read.iter().find(|(name, _)| name == key);
        let written = written.and_then(|(_, raw)| serde_json::from_str::<Value>(raw.get()).ok());
        assert!(
            before.get(key) == Some(value) || written.is_some_and(|written| is_what(&written, value)),
            "{key} does not read back"
        );
    }
}

/// serde_json does not read every fraction to the last bit: what was read is what was meant, read once.
fn is_what(read: &Value, meant: &Value) -> bool {
    read == meant || serde_json::from_str::<Value>(&meant.to_string()).is_ok_and(|meant| *read == meant)
}

/// Compares the texts: `new` is `old` with what differs between `before` and `after`.
fn same_but_changes(old: &str, new: &str, before: &Value, after: &Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => same_but_keys(old, new, before, after),
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            let items = |text: &str| serde_json::from_str::<Vec<Box<RawValue>>>(text).unwrap_or_default();
            let (old, new) = (items(old), items(new));
            assert!(old.len() == before.len() && new.len() == after.len());
            for ((old, new), (before, after)) in old.iter().zip(&new).zip(before.iter().zip(after)) {
                same_unless_changed(old, new, before, after);
            }
        }
        _ => {
            let new = serde_json::from_str::<Value>(new).ok();
            assert!(new.is_some_and(|new| is_what(&new, after)), "it is another value");
        }
    }
}

fn same_but_keys(old: &str, new: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
    let (old, new) = (entries(old), entries(new));
    let mut new = new.iter();
    for (key, raw) in &old {
        if before.contains_key(key) && !after.contains_key(key) {
            continue;
        }
        let Some((name, written)) = new.next() else {
            panic!("{key} is lost");
        };
        assert_eq!(name, key, "the order");
        match (before.get(key), after.get(key)) {
            (before, Some(after)) => same_unless_changed(raw, written, before.unwrap_or(&Value::Null), after),
            (_, None) => assert_eq!(raw.get(), written.get(), "{key} is not the credential's"),
        }
    }
    for (key, _) in new {
        assert!(
            after.contains_key(key) && !before.contains_key(key),
            "{key} was added"
        );
    }
}

fn same_unless_changed(old: &RawValue, new: &RawValue, before: &Value, after: &Value) {
    if before == after {
        assert_eq!(old.get(), new.get());
    } else {
        same_but_changes(old.get(), new.get(), before, after);
    }
}

fn quotes_no_value(error: &DocumentError, stored: &str) {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(
        !text.contains(SECRET) || keys(stored).0.contains(SECRET),
        "{text}"
    );
}

/// All keys at any depth, and whether one stands twice in an object.
fn keys(text: &str) -> (String, bool) {
    let (mut names, mut twice) = (String::new(), false);
    let mut left: Vec<Box<RawValue>> = serde_json::from_str(text).into_iter().collect();
    while let Some(raw) = left.pop() {
        let mut here = BTreeSet::new();
        for (key, value) in entries(raw.get()) {
            twice |= !here.insert(key.clone());
            names.push_str(&key);
            names.push('\n');
            left.push(value);
        }
        left.extend(serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()).unwrap_or_default());
    }
    (names, twice)
}

fn entries(text: &str) -> Vec<(String, Box<RawValue>)> {
    struct Entries(Vec<(String, Box<RawValue>)>);
    struct Reader;
    impl<'de> Visitor<'de> for Reader {
        type Value = Entries;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(Entries(entries))
        }
    }
    impl<'de> Deserialize<'de> for Entries {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Reader)
        }
    }
    serde_json::from_str::<Entries>(text)
        .map(|entries| entries.0)
        .unwrap_or_default()
}
