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
mod tests;
