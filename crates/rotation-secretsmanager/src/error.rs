//! What the SDK reports, as the framework's error.

use std::error::Error;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use rotation_core::{StoreError, StoreErrorKind, chain};

use crate::attempts::Attempts;
use crate::quota::LIMIT_EXCEEDED;

/// One call to the service, as far as its errors depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call<'a> {
    DescribeSecret,
    GetSecretValue {
        /// Whether a version id and a label were both named.
        by_id_and_stage: bool,
    },
    PutSecretValue {
        /// What was sent and must not be quoted.
        sent: Sent<'a>,
    },
    UpdateSecretVersionStage,
}

/// The sensitive part of a PutSecretValue. Its `Debug` prints nothing of it.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// `None` for a binary value.
    pub(crate) text: Option<&'a str>,
    pub(crate) rotation_token: Option<&'a str>,
}

/// A refusal of the service.
struct Refusal<'a> {
    code: &'a str,
    message: &'a str,
    status: u16,
}

/// The framework's error for a call that failed, after all the tries that the SDK made of it.
pub(crate) fn store_error<E>(call: Call<'_>, error: &SdkError<E>, attempts: &Attempts) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, message) = match error {
        SdkError::ServiceError(refused) => call.refused(&Refusal {
            code: error.code().unwrap_or("an answer without an error code"),
            message: error.message().unwrap_or("no message"),
            status: refused.raw().status().as_u16(),
        }),
        _ if attempts.were_sent() => call.not_answered(error),
        _ => call.not_sent(error),
    };
    // A conflict is certain: the same token with the same value is none, so no try was applied.
    if call.writes() && attempts.may_have_applied() && kind != StoreErrorKind::Conflict {
        return StoreError::unknown(format!("it may have been done all the same: {message}"));
    }
    StoreError::not_applied(kind, message)
}

impl Call<'_> {
    fn action(self) -> &'static str {
        match self {
            Self::DescribeSecret => "DescribeSecret",
            Self::GetSecretValue { .. } => "GetSecretValue",
            Self::PutSecretValue { .. } => "PutSecretValue",
            Self::UpdateSecretVersionStage => "UpdateSecretVersionStage",
        }
    }

    fn writes(self) -> bool {
        match self {
            Self::DescribeSecret | Self::GetSecretValue { .. } => false,
            Self::PutSecretValue { .. } | Self::UpdateSecretVersionStage => true,
        }
    }

    fn refused(self, refusal: &Refusal<'_>) -> (StoreErrorKind, String) {
        let action = self.action();
        let kind = self.kind(refusal);
        let said = match self.quotes_what_was_sent(refusal.message) {
            true => format!("{}, with a message that is withheld", refusal.code),
            false => format!("{}: {}", refusal.code, refusal.message),
        };
        let message = match kind {
            StoreErrorKind::Denied if is_denied(refusal.code) => format!(
                "secretsmanager:{action} is denied; the policies of the function's role, of the secret and of a VPC \
                 endpoint must allow it ({said})"
            ),
            StoreErrorKind::Denied => {
                format!("the credentials that signed {action} were refused; renew or correct them ({said})")
            }
            StoreErrorKind::Encryption => format!(
                "KMS did not serve {action}, which needs {} on the secret's key, enabled ({said})",
                self.kms_actions()
            ),
            StoreErrorKind::Invalid if refusal.code == LIMIT_EXCEEDED => format!(
                "the secret has as many versions or labels as it can have; versions without a label are purged, but not \
                 in their first 24 hours: write to it less often ({said})"
            ),
            _ => format!("{action}: {said}"),
        };
        (kind, message)
    }

    fn kind(self, refusal: &Refusal<'_>) -> StoreErrorKind {
        match refusal.code {
            code if self.is_stage_mismatch(code, refusal.message) => StoreErrorKind::StageMismatch,
            "ResourceNotFoundException" => StoreErrorKind::NotFound,
            "ResourceExistsException" => StoreErrorKind::Conflict,
            "DecryptionFailure" | "EncryptionFailure" => StoreErrorKind::Encryption,
            code if is_denied(code) && refusal.message.contains("KMS") => StoreErrorKind::Encryption,
            code if is_denied(code) || is_bad_signature(code) => StoreErrorKind::Denied,
            LIMIT_EXCEEDED => StoreErrorKind::Invalid,
            code if is_passing(code) => StoreErrorKind::Unavailable,
            _ if !(400..500).contains(&refusal.status) => StoreErrorKind::Unavailable,
            _ if matches!(refusal.status, 408 | 429) => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Invalid,
        }
    }

    /// Whether the label is not on the version that was named. GetSecretValue says so by
    /// InvalidRequestException, which also tells of a secret that is marked for deletion;
    /// UpdateSecretVersionStage by InvalidParameterException in a text that is not published, where
    /// the only other known causes are these.
    fn is_stage_mismatch(self, code: &str, message: &str) -> bool {
        match self {
            Self::GetSecretValue { by_id_and_stage } => {
                by_id_and_stage && code == "InvalidRequestException" && !message.contains("deletion")
            }
            Self::UpdateSecretVersionStage => {
                let other = ["replica", "managed by another service", "Not a valid version"];
                code == "InvalidParameterException" && !other.iter().any(|text| message.contains(text))
            }
            Self::DescribeSecret | Self::PutSecretValue { .. } => false,
        }
    }

    fn kms_actions(self) -> &'static str {
        match self {
            Self::PutSecretValue { .. } => "kms:GenerateDataKey and kms:Decrypt",
            Self::DescribeSecret | Self::GetSecretValue { .. } | Self::UpdateSecretVersionStage => {
                "kms:Decrypt"
            }
        }
    }

    fn quotes_what_was_sent(self, message: &str) -> bool {
        match self {
            Self::PutSecretValue { sent } => sent.is_quoted_in(message),
            Self::DescribeSecret | Self::GetSecretValue { .. } | Self::UpdateSecretVersionStage => false,
        }
    }

    fn not_answered(self, error: &(dyn Error + 'static)) -> (StoreErrorKind, String) {
        let message = format!(
            "{} had no answer; in a VPC the function needs a route to Secrets Manager, or an interface endpoint for it \
             with private DNS and a security group that lets port 443 in ({})",
            self.action(),
            chain(error)
        );
        (StoreErrorKind::Unavailable, message)
    }

    fn not_sent(self, error: &(dyn Error + 'static)) -> (StoreErrorKind, String) {
        let message = format!(
            "{} could not be sent; see that the function has credentials and a Region ({})",
            self.action(),
            chain(error)
        );
        (StoreErrorKind::Invalid, message)
    }
}

fn is_denied(code: &str) -> bool {
    matches!(code, "AccessDeniedException" | "AccessDenied")
}

/// The codes that all services share for requests whose signature or credentials are refused.
fn is_bad_signature(code: &str) -> bool {
    matches!(
        code.trim_end_matches("Exception"),
        "ExpiredToken"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "InvalidSignature"
            | "MissingAuthenticationToken"
            | "NotAuthorized"
            | "OptInRequired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClient"
    )
}

/// The codes of throttling and of trouble on the service's side, that are not told by their status.
fn is_passing(code: &str) -> bool {
    matches!(
        code.trim_end_matches("Exception"),
        "BandwidthLimitExceeded"
            | "InternalFailure"
            | "InternalServiceError"
            | "PriorRequestNotComplete"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestTimeout"
            | "ServiceUnavailable"
            | "SlowDown"
            | "Throttled"
            | "Throttling"
            | "TooManyRequests"
            | "TransactionInProgress"
    )
}

/// This many characters in a row of what was sent make a message a quotation of it.
const QUOTED: usize = 8;

impl Sent<'_> {
    /// Services quote a parameter that they find invalid. Of a binary value it is not known how it
    /// would be written, so every message about one counts.
    fn is_quoted_in(&self, message: &str) -> bool {
        let quoted = |sent: &str| is_quoted(sent.trim(), message);
        self.text.is_none_or(quoted) || self.rotation_token.is_some_and(quoted)
    }
}

fn is_quoted(sent: &str, message: &str) -> bool {
    let characters: Vec<char> = sent.chars().collect();
    let window = characters.len().clamp(1, QUOTED);
    characters.windows(window).any(|part| {
        let part: String = part.iter().collect();
        message.contains(&part)
    })
}

impl std::fmt::Debug for Sent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}
