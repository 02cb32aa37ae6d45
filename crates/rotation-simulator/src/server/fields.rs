//! The fields of a JSON object, taken one by one: what is left over is an error, and no error quotes a
//! value.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rotation_core::{SecretBytes, SecretString};
use serde_json::{Map, Value};

/// What is left to be taken of an object.
pub(super) struct Fields {
    /// How to get here: `Filters[1].`, or nothing.
    path: String,
    left: Map<String, Value>,
}

/// A field that is not as it has to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct FieldError {
    pub(super) path: String,
    pub(super) problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Problem {
    /// It has to be another type: `a string`.
    MustBe(&'static str),
    /// It has to be there.
    Missing,
    /// Nobody asked for it.
    Unknown,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.problem {
            Problem::MustBe(what) => write!(f, "{path} must be {what}"),
            Problem::Missing => write!(f, "{path} is missing"),
            Problem::Unknown => write!(f, "{path} is not a field that is known here"),
        }
    }
}

impl std::error::Error for FieldError {}

impl Fields {
    /// The fields of a document, whose name is `document` where it is not an object.
    pub(super) fn of(document: Value, name: &str) -> Result<Self, FieldError> {
        Self::under(document, name, String::new())
    }

    fn under(value: Value, name: &str, path: String) -> Result<Self, FieldError> {
        match value {
            Value::Object(left) => Ok(Self { path, left }),
            _ => Err(FieldError {
                path: name.to_owned(),
                problem: Problem::MustBe("an object"),
            }),
        }
    }

    pub(super) fn error(&self, name: &str, problem: Problem) -> FieldError {
        FieldError {
            path: format!("{}{name}", self.path),
            problem,
        }
    }

    /// The field as it stands; `null` counts as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &mut self,
        name: &str,
        what: &'static str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        read(value)
            .map(Some)
            .ok_or_else(|| self.error(name, Problem::MustBe(what)))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, FieldError> {
        self.typed(name, "a string", text)
    }

    pub(super) fn secret_text(&mut self, name: &str) -> Result<Option<SecretString>, FieldError> {
        Ok(self.text(name)?.map(SecretString::from))
    }

    pub(super) fn secret_bytes(&mut self, name: &str) -> Result<Option<SecretBytes>, FieldError> {
        self.typed(name, "a base64 string", |value| {
            STANDARD.decode(text(value)?).ok().map(SecretBytes::from)
        })
    }

    /// A text that has to be there.
    pub(super) fn required(&mut self, name: &str) -> Result<String, FieldError> {
        self.text(name)?.ok_or_else(|| self.error(name, Problem::Missing))
    }

    /// A field of any type that has to be there.
    pub(super) fn require(&self, name: &str) -> Result<(), FieldError> {
        match self.left.get(name) {
            None | Some(Value::Null) => Err(self.error(name, Problem::Missing)),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, FieldError> {
        self.typed(name, "true or false", |value| value.as_bool())
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<u32>, FieldError> {
        self.typed(name, "a whole number", |value| value.as_u64()?.try_into().ok())
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, FieldError> {
        self.typed(name, "a list of strings", |value| match value {
            Value::Array(items) => items.into_iter().map(text).collect(),
            _ => None,
        })
    }

    /// All that is left, each a text.
    pub(super) fn into_texts(mut self) -> Result<BTreeMap<String, String>, FieldError> {
        std::mem::take(&mut self.left)
            .into_iter()
            .map(|(name, value)| {
                let value =
                    text(value).ok_or_else(|| self.error(&printable(&name), Problem::MustBe("a string")))?;
                Ok((name, value))
            })
            .collect()
    }

    /// An object within.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, FieldError> {
        let full = format!("{}{name}", self.path);
        self.take(name)
            .map(|value| Self::under(value, &full, format!("{full}.")))
            .transpose()
    }

    /// A list of objects; absent is empty.
    pub(super) fn objects(&mut self, name: &str) -> Result<Vec<Self>, FieldError> {
        let list = self.typed(name, "a list of objects", |value| match value {
            Value::Array(items) => Some(items),
            _ => None,
        })?;
        let full = format!("{}{name}", self.path);
        list.unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(n, item)| {
                let name = format!("{full}[{n}]");
                let path = format!("{name}.");
                Self::under(item, &name, path)
            })
            .collect()
    }

    /// Takes fields that make no difference here.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.left.remove(*name);
        }
    }

    /// Every field has to be taken by now.
    pub(super) fn finish(&self) -> Result<(), FieldError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.error(&printable(name), Problem::Unknown)),
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// A name that is none of ours, as far as it can be a name at all: a value that slipped into the
/// place of one is not repeated.
fn printable(name: &str) -> String {
    let is_name = name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name {
        name.to_owned()
    } else {
        "(a name of other characters)".to_owned()
    }
}
