//! What tokens, values and labels have to look like.

use rotation_core::SecretValue;

use super::error::{ApiError, ErrorCode};

/// A token that the request must have, refused with `code` when it is absent.
pub(super) fn required_token(token: Option<&str>, code: ErrorCode) -> Result<&str, ApiError> {
    let token = token.ok_or_else(|| {
        ApiError::new(
            code,
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    })?;
    let printable = token.bytes().all(|byte| byte.is_ascii_graphic());
    if !printable || !(32..=64).contains(&token.len()) {
        return Err(ApiError::invalid_parameter(
            "ClientRequestToken must be 32-64 characters long.",
        ));
    }
    Ok(token)
}

pub(super) fn check_size(value: &SecretValue) -> Result<(), ApiError> {
    let size = match value {
        SecretValue::Text(text) => text.expose_secret().len(),
        SecretValue::Binary(bytes) => bytes.expose_secret().len(),
    };
    if (1..=65_536).contains(&size) {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(
        "A secret value has from 1 to 65536 bytes.",
    ))
}

pub(super) fn check_stages(stages: Option<&[String]>) -> Result<(), ApiError> {
    match stages {
        None => Ok(()),
        Some([]) => Err(ApiError::invalid_parameter(
            "VersionStages has from 1 to 20 staging labels.",
        )),
        Some(stages) => stages.iter().try_for_each(|stage| check_label(stage)),
    }
}

pub(super) fn check_label(label: &str) -> Result<(), ApiError> {
    if (1..=256).contains(&label.len()) {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(
        "A staging label has from 1 to 256 characters.",
    ))
}
