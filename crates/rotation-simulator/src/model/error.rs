//! How the service refuses.

use std::fmt;

use super::account::ACCOUNT;
use super::principal::Principal;

/// A refusal of the service: a code and a message.
///
/// Where the message is known it is the service's own text. Never quotes a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    mismatch: bool,
}

/// The codes that the service refuses with.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the service's own name")]
pub enum ErrorCode {
    AccessDeniedException,
    InternalServiceError,
    InvalidNextTokenException,
    InvalidParameterException,
    InvalidRequestException,
    LimitExceededException,
    ResourceExistsException,
    ResourceNotFoundException,
    ThrottlingException,
    ValidationException,
}

impl ErrorCode {
    /// The code on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AccessDeniedException => "AccessDeniedException",
            Self::InternalServiceError => "InternalServiceError",
            Self::InvalidNextTokenException => "InvalidNextTokenException",
            Self::InvalidParameterException => "InvalidParameterException",
            Self::InvalidRequestException => "InvalidRequestException",
            Self::LimitExceededException => "LimitExceededException",
            Self::ResourceExistsException => "ResourceExistsException",
            Self::ResourceNotFoundException => "ResourceNotFoundException",
            Self::ThrottlingException => "ThrottlingException",
            Self::ValidationException => "ValidationException",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            mismatch: false,
        }
    }

    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterException, message)
    }

    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequestException, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceNotFoundException, message)
    }

    /// What the service's front says of a field, named as it names it (`maxResults`), before any
    /// action looks at it. `value` is as it is printed: a number, or `null`.
    pub(crate) fn constraint(value: impl fmt::Display, field: &str, constraint: &str) -> Self {
        Self::new(
            ErrorCode::ValidationException,
            format!(
                "1 validation error detected: Value {value} at '{field}' failed to satisfy constraint: Member must \
                 {constraint}"
            ),
        )
    }

    pub(super) fn no_such_secret() -> Self {
        Self::not_found("Secrets Manager can't find the specified secret.")
    }

    pub(crate) fn throttled() -> Self {
        Self::new(ErrorCode::ThrottlingException, "Rate exceeded")
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            ErrorCode::InternalServiceError,
            "An error occurred on the server side.",
        )
    }

    pub(crate) fn refused() -> Self {
        Self::invalid_request("You can't perform this operation on the secret.")
    }

    pub(crate) fn access_denied(principal: Principal, action: &str, secret_id: &str) -> Self {
        let who = principal.as_str();
        Self::new(
            ErrorCode::AccessDeniedException,
            format!(
                "User: arn:aws:sts::{ACCOUNT}:assumed-role/{who}/{who} is not authorized to perform: \
                 secretsmanager:{action} on resource: {secret_id} because no identity-based policy allows the \
                 secretsmanager:{action} action"
            ),
        )
    }

    pub(super) fn kms_denied() -> Self {
        Self::new(ErrorCode::AccessDeniedException, "Access to KMS is not allowed")
    }

    /// The same error as one that says: the label is not on the version that was named.
    pub(super) fn for_mismatch(mut self) -> Self {
        self.mismatch = true;
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether it says that the label is not on the version that was named, which the service says
    /// by other codes in GetSecretValue and in UpdateSecretVersionStage.
    pub(crate) fn is_stage_mismatch(&self) -> bool {
        self.mismatch
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}
