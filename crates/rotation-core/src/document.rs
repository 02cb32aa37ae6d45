//! The secret's value: read into a credential, and written back with nothing lost.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{BytesDeserializer, StrDeserializer};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::secret::{SecretBytes, SecretJson, SecretString};

pub use error::DocumentError;
use overlay::Object;

mod error;
mod overlay;

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
        let before = SecretJson::from(to_json(before)?);
        let after = SecretJson::from(to_json(after)?);
        let overlaid = self.overlaid(before.expose_secret(), after.expose_secret())?;
        let read_back: T = overlaid.decode().map_err(|_| DocumentError::NotReadBack)?;
        let read_back = SecretJson::from(to_json(&read_back)?);
        match reads_back(
            before.expose_secret(),
            after.expose_secret(),
            read_back.expose_secret(),
        ) {
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
            changed.all(|key| same(after.get(key), read_back.get(key)))
        }
        _ => before == after || same(Some(after), Some(read_back)),
    }
}

/// Whether the value that was written is the one that was read back. serde_json writes a fraction exactly, and may read
/// it as the neighbouring one. So what was written is read here, too, before the two are compared.
fn same(written: Option<&Value>, read: Option<&Value>) -> bool {
    let read_again = |value: &Value| {
        let text = Zeroizing::new(value.to_string());
        serde_json::from_str::<Value>(&text).map(SecretJson::from).ok()
    };
    match (written, read) {
        (Some(written), Some(read)) => {
            written == read || read_again(written).is_some_and(|written| written.expose_secret() == read)
        }
        (written, read) => written == read,
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
