//! Refusals as they stand on the wire.

use http::StatusCode;

use super::fields::{FieldError, Problem};
use crate::model::{ApiError, ErrorCode};

/// A refusal: a status, a code, a message. Never quotes a value.
#[derive(Debug)]
pub(super) struct WireError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl WireError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
        }
    }

    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterException.as_str(), message)
    }
}

impl From<ApiError> for WireError {
    fn from(error: ApiError) -> Self {
        let status = match error.code() {
            ErrorCode::InternalServiceError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            status,
            code: error.code().as_str(),
            message: error.message().to_owned(),
        }
    }
}

impl From<FieldError> for WireError {
    fn from(error: FieldError) -> Self {
        match error.problem {
            Problem::MustBe(_) => Self::serialization(format!("{error}.")),
            Problem::Missing => ApiError::constraint("null", &lower_camel(&error.path), "not be null").into(),
            Problem::Unknown => {
                Self::invalid_parameter(format!("The simulator does not model the field {}.", error.path))
            }
        }
    }
}

/// As the service's front names a field: `secretId`.
fn lower_camel(path: &str) -> String {
    let mut characters = path.chars();
    let first = characters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}
