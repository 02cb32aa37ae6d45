//! Types that hold a secret: they redact when printed and are wiped when dropped.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use zeroize::Zeroizing;

pub use json::SecretJson;

mod json;

/// What stands in `Debug` output in place of a secret.
const REDACTED: &str = "[REDACTED]";

/// A text that must not be printed: a password, an API key, a token.
///
/// `Debug` prints `[REDACTED]`, never the text nor its length; the memory is overwritten when the
/// value is dropped. The one way to the text is [`expose_secret`]. There is no `Display`: a command
/// that was put together with it would set the password to the word `[REDACTED]`.
///
/// # Serialisation
///
/// `Serialize` writes the text **in clear**, because this is how a credential gets into the
/// document that Secrets Manager stores. Serialise a type that holds one only for that purpose;
/// for logs there is `Debug`.
///
/// ```
/// use rotation_core::SecretString;
///
/// let password = SecretString::from("correct horse");
/// assert_eq!(format!("{password:?}"), "[REDACTED]");
/// assert_eq!(password.expose_secret(), "correct horse");
/// ```
///
/// [`expose_secret`]: SecretString::expose_secret
#[derive(Clone, Default, Eq, PartialEq)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// The text in clear. Search a code base for this name to see where secrets are used.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for SecretString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(TextVisitor)
    }
}

/// Accepts text only, and says so without quoting what it was given instead.
struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = SecretString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretString, E> {
        Ok(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<SecretString, E> {
        Ok(text.into())
    }
}

/// Bytes that must not be printed: the value of a binary secret, or a key within one.
///
/// Redacts and wipes as [`SecretString`] does, and like it serialises **in clear**.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes in clear.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = SecretBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<SecretBytes, E> {
        Ok(bytes.into())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<SecretBytes, E> {
        Ok(bytes.into())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<SecretBytes, A::Error> {
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(SecretBytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_redacts() {
        let text = SecretString::from("hunter2");
        assert_eq!(
            format!("{text:?} {:?}", Some(&text)),
            "[REDACTED] Some([REDACTED])"
        );
        let bytes = SecretBytes::from(b"hunter2".as_slice());
        assert_eq!(format!("{bytes:?}"), "[REDACTED]");
    }

    #[test]
    fn bytes_are_kept_as_they_are() {
        for bytes in [
            SecretBytes::from(vec![7, 255]),
            SecretBytes::from([7, 255].as_slice()),
        ] {
            assert_eq!(bytes.expose_secret(), [7, 255]);
        }
    }

    #[test]
    fn both_survive_a_round_trip() {
        let text = SecretString::from("päss\"word");
        let json = serde_json::to_string(&text).unwrap();
        assert!(serde_json::from_str::<SecretString>(&json).unwrap() == text);
        let bytes = SecretBytes::from(vec![0, 159, 255]);
        let json = serde_json::to_string(&bytes).unwrap();
        assert!(serde_json::from_str::<SecretBytes>(&json).unwrap() == bytes);
    }
}
