//! What is wrong with a secret's value.

use std::fmt;

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
