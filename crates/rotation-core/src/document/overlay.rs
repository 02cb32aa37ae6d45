//! A JSON object as its author wrote it: order, digits and unknown keys kept.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use zeroize::Zeroize;

use super::error::DocumentError;

/// The entries of an object in their order, each value the text that stood there.
pub(crate) struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    pub(crate) fn parse(text: &str) -> Result<Self, DocumentError> {
        serde_json::from_str(text).map_err(|error| DocumentError::Malformed {
            line: error.line(),
            column: error.column(),
        })
    }

    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        T::deserialize(self)
    }

    /// Where the key's value stands. A key that stands twice has no one place.
    fn place(&mut self, key: &str) -> Result<Option<&mut Box<RawValue>>, DocumentError> {
        let mut places = self.0.iter_mut().filter(|(name, _)| name == key);
        match (places.next(), places.next()) {
            (_, Some(_)) => Err(DocumentError::DuplicateKey(key.to_owned())),
            (place, None) => Ok(place.map(|(_, raw)| raw)),
        }
    }

    fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        for (key, raw) in std::mem::take(&mut self.0) {
            if wanted(&key) {
                self.0.push((key, raw));
            } else {
                wipe(raw);
            }
        }
    }
}

/// The object in `text` with the difference between two states of some of its keys laid over it.
pub(crate) fn apply(text: &str, before: &Value, after: &Value) -> Result<String, DocumentError> {
    let mut object = Object::parse(text)?;
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Err(DocumentError::WrongKind("a JSON document"));
    };
    object.keep(|key| after.contains_key(key) || !before.contains_key(key));
    for (key, value) in after {
        let old = before.get(key);
        match object.place(key)? {
            _ if old == Some(value) => {}
            Some(stored) => replace(stored, old, value)?,
            None => object.0.push((key.clone(), raw(value)?)),
        }
    }
    serde_json::to_string(&object).map_err(|_| DocumentError::NotSerialisable)
}

fn replace(stored: &mut Box<RawValue>, before: Option<&Value>, after: &Value) -> Result<(), DocumentError> {
    let new = match before {
        Some(before) => overlaid(stored, before, after)?,
        None => raw(after)?,
    };
    wipe(std::mem::replace(stored, new));
    Ok(())
}

fn overlaid(stored: &RawValue, before: &Value, after: &Value) -> Result<Box<RawValue>, DocumentError> {
    match (before, after) {
        (Value::Object(_), Value::Object(_)) if stored.get().starts_with('{') => {
            let text = apply(stored.get(), before, after)?;
            RawValue::from_string(text).map_err(|_| DocumentError::NotSerialisable)
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            overlaid_items(stored, before, after)
        }
        _ => raw(after),
    }
}

/// The items of an array, each overlaid by itself.
fn overlaid_items(
    stored: &RawValue,
    before: &[Value],
    after: &[Value],
) -> Result<Box<RawValue>, DocumentError> {
    let mut items: Vec<Box<RawValue>> =
        serde_json::from_str(stored.get()).map_err(|_| DocumentError::NotReadBack)?;
    if items.len() != after.len() {
        return Err(DocumentError::NotReadBack);
    }
    for ((item, before), after) in items.iter_mut().zip(before).zip(after) {
        if before != after {
            replace(item, Some(before), after)?;
        }
    }
    let new = to_raw_value(&items).map_err(|_| DocumentError::NotSerialisable);
    items.into_iter().for_each(wipe);
    new
}

fn raw(value: &Value) -> Result<Box<RawValue>, DocumentError> {
    to_raw_value(value).map_err(|_| DocumentError::NotSerialisable)
}

/// Overwrites what may be a secret.
fn wipe(raw: Box<RawValue>) {
    String::from(Box::<str>::from(raw)).zeroize();
}

impl Drop for Object {
    fn drop(&mut self) {
        self.keep(|_| false);
    }
}

impl<'de> de::Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Object(Vec::new());
                while let Some(entry) = map.next_entry()? {
                    entries.0.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, raw) in &self.0 {
            map.serialize_entry(key, raw)?;
        }
        map.end()
    }
}

/// Reads the entries into a type with [`DocumentError`] as the error, which knows the key at hand
/// and quotes no value, as serde_json's own error would.
impl<'de> Deserializer<'de> for &'de Object {
    type Error = DocumentError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DocumentError> {
        visitor.visit_map(Entries {
            entries: self.0.iter(),
            at: None,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DocumentError> {
        visitor.visit_newtype_struct(self)
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, (String, Box<RawValue>)>,
    at: Option<&'a (String, Box<RawValue>)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = DocumentError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DocumentError> {
        self.at = self.entries.next();
        self.at
            .map(|(key, _)| seed.deserialize(StrDeserializer::new(key)))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DocumentError> {
        let (key, raw) = self.at.take().ok_or(DocumentError::Unsuitable)?;
        let mut json = serde_json::Deserializer::from_str(raw.get());
        seed.deserialize(&mut json)
            .map_err(|_| DocumentError::BadKey(key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use crate::document::SecretValue;
    use crate::secret::{SecretBytes, SecretString};

    use super::*;

    #[derive(Clone, Deserialize, Serialize)]
    struct Login {
        username: String,
        password: SecretString,
        #[serde(default = "default_port")]
        port: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    fn default_port() -> u16 {
        5432
    }

    fn rotate(stored: &str, change: impl Fn(&mut Login)) -> String {
        let stored = SecretValue::text(stored);
        let before: Login = stored.decode().unwrap();
        let mut after = before.clone();
        change(&mut after);
        exposed(&stored.overlay(&before, &after).unwrap())
    }

    fn exposed(value: &SecretValue) -> String {
        match value {
            SecretValue::Text(text) => text.expose_secret().to_owned(),
            SecretValue::Binary(bytes) => format!("{:?}", bytes.expose_secret()),
        }
    }

    #[test]
    fn unknown_keys_order_digits_and_types_survive() {
        let stored = r#"{"zeta": 1.10, "password":"old","big":123456789012345678901234567890,"username":"app", "e": 1E+2, "nested":{"b":1.0,"a":null}, "list":[ 1 , 2.50 ],"über":"\u00fc"}"#;
        let rotated = rotate(stored, |login| login.password = "new".into());
        assert_eq!(
            rotated,
            r#"{"zeta":1.10,"password":"new","big":123456789012345678901234567890,"username":"app","e":1E+2,"nested":{"b":1.0,"a":null},"list":[ 1 , 2.50 ],"über":"\u00fc"}"#
        );
    }

    #[test]
    fn a_default_that_nobody_wrote_is_not_written() {
        let rotated = rotate(r#"{"username":"app","password":"old"}"#, |login| {
            login.password = "new".into();
        });
        assert_eq!(rotated, r#"{"username":"app","password":"new"}"#);
    }

    #[test]
    fn new_keys_are_added_and_dropped_ones_removed() {
        let added = rotate(r#"{"username":"app","password":"p"}"#, |login| {
            login.note = Some("x".into());
        });
        assert_eq!(added, r#"{"username":"app","password":"p","note":"x"}"#);
        let removed = rotate(r#"{"note":"x","username":"app","password":"p"}"#, |login| {
            login.note = None;
        });
        assert_eq!(removed, r#"{"username":"app","password":"p"}"#);
    }

    #[derive(Clone, Deserialize, Serialize)]
    struct Secret {
        password: SecretString,
    }

    #[test]
    fn nested_objects_and_arrays_are_overlaid_too() {
        #[derive(Clone, Deserialize, Serialize)]
        struct Nested {
            db: Secret,
            users: Vec<Secret>,
        }
        let stored = SecretValue::text(
            r#"{"db":{"pool":10.0,"password":"old"},"users":[{"extra":1.10,"password":"a"},{"password":"b","n":2.50}]}"#,
        );
        let before: Nested = stored.decode().unwrap();
        let mut after = before.clone();
        after.db.password = "new".into();
        after.users[1].password = "c".into();
        assert_eq!(
            exposed(&stored.overlay(&before, &after).unwrap()),
            r#"{"db":{"pool":10.0,"password":"new"},"users":[{"extra":1.10,"password":"a"},{"password":"c","n":2.50}]}"#
        );
        after.users.pop();
        assert_eq!(
            exposed(&stored.overlay(&before, &after).unwrap()),
            r#"{"db":{"pool":10.0,"password":"new"},"users":[{"password":"a"}]}"#
        );
    }

    #[test]
    fn what_would_not_read_back_is_refused() {
        #[derive(Clone, Deserialize, Serialize)]
        struct Aliased {
            #[serde(alias = "pwd")]
            password: SecretString,
        }
        let stored = SecretValue::text(r#"{"pwd":"old"}"#);
        let before: Aliased = stored.decode().unwrap();
        let after = Aliased {
            password: "new".into(),
        };
        assert_eq!(
            stored.overlay(&before, &after).unwrap_err(),
            DocumentError::NotReadBack
        );

        let twice = SecretValue::text(r#"{"password":"a","password":"b"}"#);
        let before: Value = twice.decode().unwrap();
        let duplicate = DocumentError::DuplicateKey("password".to_owned());
        assert_eq!(twice.overlay(&before, &before).unwrap_err(), duplicate);

        let opaque = SecretValue::text("old");
        let old: SecretString = opaque.decode().unwrap();
        assert_eq!(
            opaque.overlay(&old, &"{new".into()).unwrap_err(),
            DocumentError::NotReadBack
        );
    }

    #[test]
    fn a_set_that_is_not_touched_may_be_read_in_any_order() {
        #[derive(Clone, Deserialize, Serialize)]
        struct Hosts {
            hosts: std::collections::HashSet<String>,
            password: SecretString,
        }
        let stored = SecretValue::text(r#"{"hosts":["a","b","c","d"],"password":"old"}"#);
        for _ in 0..20 {
            let before: Hosts = stored.decode().unwrap();
            stored.overlay(&before, &before).unwrap();
            let mut after = before.clone();
            after.password = "new".into();
            let overlaid = exposed(&stored.overlay(&before, &after).unwrap());
            assert_eq!(overlaid, r#"{"hosts":["a","b","c","d"],"password":"new"}"#);
        }
    }

    #[test]
    fn white_space_before_a_document_is_no_part_of_it() {
        let stored = " \n\t{\"username\":\"app\",\"password\":\"old\"}\n";
        let rotated = rotate(stored, |login| login.password = "new".into());
        assert_eq!(rotated, r#"{"username":"app","password":"new"}"#);
    }

    #[test]
    fn errors_name_the_key_and_quote_nothing() {
        let rows = [
            (
                r#"{"username":"app"}"#,
                "the key \"password\" is missing from the document; add it",
            ),
            (
                r#"{"username":"hunter2","password":17}"#,
                "the key \"password\" has a value of the wrong type or form",
            ),
            (
                r#"{"username":"app","password":"hunter2","port":"hunter2"}"#,
                "the key \"port\" has a value of the wrong type or form",
            ),
            (
                r#"{"username":"app","password":"hunter2","password":"hunter2"}"#,
                "the key \"password\" stands twice in the document; remove one",
            ),
            (
                "{\"username\":\"app\",\n\"password\":hunter2}",
                "it starts with { and is not a JSON object (line 2, column 12); correct it, or store plain text that starts otherwise",
            ),
            (
                "{",
                "it starts with { and is not a JSON object (line 1, column 1); correct it, or store plain text that starts otherwise",
            ),
            (
                "hunter2",
                "it does not have the form that the backend's credential needs",
            ),
        ];
        for (stored, expected) in rows {
            let error = SecretValue::text(stored).decode::<Login>().err().unwrap();
            assert_eq!(error.to_string(), expected, "{stored}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn opaque_values_keep_their_kind() {
        let text = SecretValue::text("[not a document");
        let before: SecretString = text.decode().unwrap();
        assert_eq!(exposed(&text.overlay(&before, &"new".into()).unwrap()), "new");

        let binary = SecretValue::binary(vec![1, 2, 255]);
        let before: SecretBytes = binary.decode().unwrap();
        let after = binary.overlay(&before, &vec![3, 254].into()).unwrap();
        assert_eq!(after, SecretValue::binary(vec![3, 254]));
    }

    #[test]
    fn a_credential_of_another_kind_is_refused() {
        let document = SecretValue::text("{}");
        let [a, b] = ["a", "b"].map(str::to_owned);
        let rows = [
            (
                document.overlay(&a, &b).unwrap_err(),
                DocumentError::WrongKind("a JSON document"),
            ),
            (
                SecretValue::text("a")
                    .overlay(&Value::Null, &serde_json::json!({}))
                    .unwrap_err(),
                DocumentError::WrongKind("plain text"),
            ),
            (
                SecretValue::binary(vec![1]).overlay(&a, &b).unwrap_err(),
                DocumentError::WrongKind("binary"),
            ),
        ];
        for (error, expected) in rows {
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn maps_and_flattened_structs_read_a_document() {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(flatten)]
            login: Login,
        }
        let value = SecretValue::text(r#"{"username":"app","password":"p","port":1}"#);
        assert_eq!(value.decode::<Outer>().unwrap().login.port, 1);
        let map: std::collections::BTreeMap<String, Value> = value.decode().unwrap();
        assert_eq!(map["port"], 1);
        assert_eq!(value.decode::<Value>().unwrap()["username"], "app");
    }
}
