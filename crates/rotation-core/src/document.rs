//! The secret's value: read into a credential, and written back with nothing lost.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{BytesDeserializer, StrDeserializer};
use serde_json::Value;
use zeroize::Zeroize;

use crate::overlay::{self, Object};
use crate::secret::{SecretBytes, SecretString};

/// The value of one version of a secret, text or binary, as it is stored.
///
/// Text that starts with `{`, white space aside, is a JSON document and must parse as one; all else
/// is opaque. The kind is kept: a binary secret is written back as binary.
///
/// `Debug` prints the kind and nothing of the value. The keys of a document count as public: errors
/// name them.
#[derive(Clone, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the service has these two")]
pub enum SecretValue {
    /// `SecretString`.
    Text(SecretString),
    /// `SecretBinary`.
    Binary(SecretBytes),
}

impl SecretValue {
    /// A text value.
    pub fn text(text: impl Into<SecretString>) -> Self {
        Self::Text(text.into())
    }

    /// A binary value.
    pub fn binary(bytes: impl Into<SecretBytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Reads the value into a type: a document by its keys, an opaque text as a text, a binary
    /// value as bytes.
    ///
    /// # Errors
    ///
    /// A [`DocumentError`] that names the key and never quotes the value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        match self {
            Self::Text(text) if is_document(text) => Object::parse(text.expose_secret())?.decode(),
            Self::Text(text) => T::deserialize(StrDeserializer::new(text.expose_secret())),
            Self::Binary(bytes) => T::deserialize(BytesDeserializer::new(bytes.expose_secret())),
        }
    }

    /// This value with what differs between `before` and `after` laid over it. Keys that are the
    /// same in both, or in neither, keep their place, their number's digits and their type; nested
    /// objects, and arrays whose length stays, are overlaid in the same way.
    ///
    /// `before` is what [`decode`](Self::decode) made of this value.
    ///
    /// # Errors
    ///
    /// [`DocumentError::WrongKind`] when `after` does not serialise to the kind that this value has;
    /// [`DocumentError::DuplicateKey`] when a key of the credential stands twice;
    /// [`DocumentError::NotReadBack`] when what would be stored does not decode to `after`, as with
    /// `#[serde(alias)]` or an opaque value that starts with a brace.
    pub fn overlay<T>(&self, before: &T, after: &T) -> Result<Self, DocumentError>
    where
        T: Serialize + DeserializeOwned,
    {
        let before = Wiped(to_json(before)?);
        let after = Wiped(to_json(after)?);
        let overlaid = self.overlaid(&before.0, &after.0)?;
        let read_back: T = overlaid.decode().map_err(|_| DocumentError::NotReadBack)?;
        let read_back = Wiped(to_json(&read_back)?);
        match reads_back(&before.0, &after.0, &read_back.0) {
            true => Ok(overlaid),
            false => Err(DocumentError::NotReadBack),
        }
    }

    fn overlaid(&self, before: &Value, after: &Value) -> Result<Self, DocumentError> {
        match (self, after) {
            (Self::Text(text), Value::Object(_)) if is_document(text) => {
                let overlaid = overlay::apply(text.expose_secret(), before, after)?;
                Ok(Self::text(overlaid))
            }
            (Self::Text(text), Value::String(after)) if !is_document(text) => Ok(Self::text(after.as_str())),
            (Self::Binary(_), Value::Array(bytes)) => bytes
                .iter()
                .map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
                .collect::<Option<Vec<u8>>>()
                .map(Self::binary)
                .ok_or(DocumentError::WrongKind("binary")),
            (Self::Binary(_), _) => Err(DocumentError::WrongKind("binary")),
            (Self::Text(text), _) if is_document(text) => Err(DocumentError::WrongKind("a JSON document")),
            (Self::Text(_), _) => Err(DocumentError::WrongKind("plain text")),
        }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text([REDACTED])",
            Self::Binary(_) => "Binary([REDACTED])",
        })
    }
}

/// Whether all that was changed reads back. What was not changed is what was stored before, whatever
/// order a set among it takes when it is read.
fn reads_back(before: &Value, after: &Value, read_back: &Value) -> bool {
    match (before, after, read_back) {
        (Value::Object(before), Value::Object(after), Value::Object(read_back)) => {
            let changed = |key: &&String| before.get(*key) != after.get(*key);
            let mut changed = before.keys().chain(after.keys()).filter(changed);
            changed.all(|key| read_back.get(key) == after.get(key))
        }
        _ => before == after || read_back == after,
    }
}

fn is_document(text: &SecretString) -> bool {
    let json_space = [' ', '\t', '\n', '\r'];
    text.expose_secret()
        .trim_start_matches(json_space)
        .starts_with('{')
}

fn to_json<T: Serialize>(credential: &T) -> Result<Value, DocumentError> {
    serde_json::to_value(credential).map_err(|_| DocumentError::NotSerialisable)
}

/// JSON that held a secret, overwritten when dropped.
pub(crate) struct Wiped(pub(crate) Value);

impl Drop for Wiped {
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

/// What is wrong with a value. Names keys, never quotes values.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DocumentError {
    /// The text starts with `{` and is not a JSON object.
    Malformed {
        /// Where the parser stopped, 1 being the first.
        line: usize,
        /// Where the parser stopped, 1 being the first.
        column: usize,
    },
    /// A key that the credential needs is absent.
    MissingKey(String),
    /// A key's value has another type or form than the credential needs.
    BadKey(String),
    /// The same key stands twice.
    DuplicateKey(String),
    /// The document as a whole does not suit the credential's type.
    Unsuitable,
    /// The stored value is of this kind, and the credential serialises to another.
    WrongKind(&'static str),
    /// The credential's `Serialize` failed.
    NotSerialisable,
    /// The value, once written, would not read as the credential that it was made from.
    NotReadBack,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line, column } => write!(
                f,
                "it starts with {{ and is not a JSON object (line {line}, column {column}); correct it, or store plain text that starts otherwise"
            ),
            Self::MissingKey(key) => write!(f, "the key {key:?} is missing from the document; add it"),
            Self::BadKey(key) => write!(f, "the key {key:?} has a value of the wrong type or form"),
            Self::DuplicateKey(key) => write!(f, "the key {key:?} stands twice in the document; remove one"),
            Self::Unsuitable => f.write_str("it does not have the form that the backend's credential needs"),
            Self::WrongKind(kind) => write!(f, "the secret is {kind}, and the backend's credential is not"),
            Self::NotSerialisable => f.write_str("the backend's credential cannot be written as JSON"),
            Self::NotReadBack => f.write_str(
                "what would be stored does not read back as the same credential; serialise each key by the name it has in the document, and start no plain text with {",
            ),
        }
    }
}

impl std::error::Error for DocumentError {}

impl serde::de::Error for DocumentError {
    /// The text of a foreign error may quote the value, so it is dropped.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unsuitable
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingKey(field.to_owned())
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::DuplicateKey(field.to_owned())
    }
}
