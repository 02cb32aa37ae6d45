//! What is read out of replies.

use bytes::Bytes;
use rotation_core::{BackendError, SecretJson};
use serde_json::{Number, Value};
use zeroize::Zeroize;

/// The body of the reply to the request `shown`, as JSON. The bytes are overwritten if nobody else holds them.
pub(crate) fn parse_json(shown: &str, body: Bytes) -> Result<SecretJson, BackendError> {
    let parsed = serde_json::from_slice::<Value>(&body).map(SecretJson::from);
    if let Ok(mut bytes) = body.try_into_mut() {
        bytes.as_mut().zeroize();
    }
    // The parser's own error is left out: it may quote the reply.
    parsed.map_err(|_| {
        BackendError::misconfigured(format!("the reply to {shown} is not JSON; check the base URL"))
    })
}

/// The error for a reply to the request `shown` that lacks something at the pointer.
pub(crate) fn missing(shown: &str, what: &str, pointer: &str) -> BackendError {
    BackendError::misconfigured(format!(
        "the reply to {shown} has no {what} at {pointer:?}; correct the pointer in the provider's description"
    ))
}

/// The id at the pointer. It is logged, so a text has to be printable and not too long. A number has to be
/// whole and of at most 64 bits: any other has lost digits when it was read.
pub(crate) fn id_at<'a>(reply: &'a Value, pointer: &str) -> Option<&'a Value> {
    let id = reply.pointer(pointer)?;
    let fits = |text: &str| {
        !text.is_empty() && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match id {
        Value::String(text) if fits(text) => Some(id),
        Value::Number(number) if is_whole(number) => Some(id),
        _ => None,
    }
}

/// Whether the number is known in full.
pub(crate) fn is_whole(number: &Number) -> bool {
    number.is_u64() || number.is_i64()
}

/// An id as a text.
pub(crate) fn id_text(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_printable_text_or_a_whole_number() {
        let id = |text: &str| {
            let reply: Value = serde_json::from_str(&format!(r#"{{"id": {text}}}"#)).unwrap();
            id_at(&reply, "/id").map(id_text)
        };
        for (given, read) in [
            (r#""k-1""#, "k-1"),
            ("7", "7"),
            ("-7", "-7"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
        ] {
            assert_eq!(id(given).as_deref(), Some(read));
        }
        for given in [
            "123456789012345678901234",
            "18446744073709551616",
            "-9223372036854775809",
            "1.5",
            "7.0",
            "1e3",
            r#""""#,
            r#""a b""#,
            r#""\n""#,
            "true",
            "null",
            "[]",
        ] {
            assert_eq!(id(given), None, "{given}");
        }
    }
}
