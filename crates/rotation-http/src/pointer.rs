//! The form of JSON pointers (RFC 6901).

use crate::error::ProviderError;

/// Refuses a text that is no JSON pointer. `name` is the part of the description that holds it.
pub(crate) fn check(name: &'static str, pointer: &str) -> Result<(), ProviderError> {
    let escapes = pointer
        .split('~')
        .skip(1)
        .all(|after| after.starts_with(['0', '1']));
    if (pointer.is_empty() || pointer.starts_with('/')) && escapes {
        return Ok(());
    }
    Err(ProviderError::new(
        name,
        format!("{pointer:?} is no JSON pointer; write it as \"/key\" or \"/data/0/key\""),
    ))
}
