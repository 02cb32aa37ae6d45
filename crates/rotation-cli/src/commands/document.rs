//! The shape of a secret's document: its keys, and which other secrets it names. Keeps no value.

use std::fmt;

use rotation_core::{DocumentError, SecretValue};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a value looks like.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A JSON document with these keys.
    Document(Vec<Key>),
    /// Plain text or bytes.
    Opaque(&'static str),
}

/// A key of the document, which counts as public, and what it refers to.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) refers: Refers,
}

/// What the value of a key refers to.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Refers {
    /// Nothing that is known.
    Nothing,
    /// Another secret, by its ARN.
    Secret(String),
}

/// The key by which AWS's templates and `rotation-postgres` name the superuser secret.
pub(super) const SUPERUSER: &str = "masterarn";

/// # Errors
///
/// The text starts with `{` and is no JSON object, or has a key twice.
pub(super) fn shape(value: &SecretValue) -> Result<Shape, DocumentError> {
    match value {
        SecretValue::Binary(_) => Ok(Shape::Opaque("binary")),
        SecretValue::Text(text) if !text.expose_secret().trim_start().starts_with('{') => {
            Ok(Shape::Opaque("plain text"))
        }
        SecretValue::Text(_) => Ok(Shape::Document(value.decode::<Keys>()?.0)),
    }
}

struct Keys(Vec<Key>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys: Vec<Key> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let refers = map.next_value::<Refers>()?;
            if keys.iter().any(|key| key.name == name) {
                return Err(A::Error::custom("a key stands twice"));
            }
            keys.push(Key { name, refers });
        }
        Ok(Keys(keys))
    }
}

impl<'de> Deserialize<'de> for Refers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RefersVisitor)
    }
}

struct RefersVisitor;

impl<'de> Visitor<'de> for RefersVisitor {
    type Value = Refers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Refers, E> {
        Ok(match is_secret_arn(text) {
            true => Refers::Secret(text.to_owned()),
            false => Refers::Nothing,
        })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Refers, E> {
        Ok(Refers::Nothing)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Refers, E> {
        Ok(Refers::Nothing)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Refers, E> {
        Ok(Refers::Nothing)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Refers, E> {
        Ok(Refers::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Refers, E> {
        Ok(Refers::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Refers, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Refers::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Refers, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Refers::Nothing)
    }
}

/// Whether a text is the ARN of a secret, whole: `arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME`.
fn is_secret_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(7, ':').collect();
    let ["arn", _, "secretsmanager", region, account, "secret", name] = parts.as_slice() else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@!-".contains(c);
    ![*region, *account, *name].contains(&"") && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:master-abc123";

    #[test]
    fn keys_and_links_are_kept_and_nothing_else() {
        let text = format!(
            r#"{{"username": "app", "port": 5432, "ssl": true, "x": null, "n": -1.5, "l": [1], "o": {{"a": 1}}, "masterarn": "{ARN}"}}"#
        );
        let Shape::Document(keys) = shape(&SecretValue::text(text)).unwrap() else {
            panic!("a document")
        };
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["username", "port", "ssl", "x", "n", "l", "o", SUPERUSER]);
        let links: Vec<&Refers> = keys
            .iter()
            .map(|key| &key.refers)
            .filter(|it| **it != Refers::Nothing)
            .collect();
        assert_eq!(links, [&Refers::Secret(ARN.to_owned())]);
    }

    #[test]
    fn only_a_whole_arn_of_a_secret_is_a_link() {
        let rows = [
            (ARN, true),
            ("arn:aws-cn:secretsmanager:cn-north-1:1:secret:a/b", true),
            ("arn:aws:s3:::bucket", false),
            ("arn:aws:secretsmanager:eu-west-1:111122223333:secret:", false),
            ("arn:aws:secretsmanager:eu-west-1:111122223333:secret:a b", false),
            ("master", false),
            ("", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_secret_arn(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_document_is_told_without_being_quoted() {
        assert_eq!(
            shape(&SecretValue::text("hunter2")),
            Ok(Shape::Opaque("plain text"))
        );
        assert_eq!(shape(&SecretValue::binary(vec![1])), Ok(Shape::Opaque("binary")));
        for text in [r#"{"password": "hunter2""#, r#"{"a": "hunter2", "a": 1}"#] {
            let error = shape(&SecretValue::text(text)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
