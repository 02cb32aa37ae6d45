//! The AWS SDK beneath the rotation framework: [`SecretsManagerStore`] is the framework's
//! [`SecretStore`](rotation_core::SecretStore) over [`aws_sdk_secretsmanager::Client`].
//!
//! ```no_run
//! use aws_sdk_secretsmanager::Client;
//! use rotation_core::{CredentialBackend, Rotator};
//! use rotation_secretsmanager::SecretsManagerStore;
//!
//! fn rotator<B: CredentialBackend>(client: Client, backend: B) -> Rotator<B, SecretsManagerStore> {
//!     Rotator::new(backend, SecretsManagerStore::new(client))
//! }
//! ```
//!
//! Where the client comes from is the caller's choice: `rotation_lambda::client` makes one that
//! suits a Lambda function.
//!
//! # Errors
//!
//! One function maps what the SDK reports to a [`StoreError`](rotation_core::StoreError):
//!
//! | The SDK reports | kind | who can mend it |
//! |---|---|---|
//! | ResourceNotFoundException | `NotFound` | a person, or nobody where nothing was to be there |
//! | a label that is not on the version: InvalidRequestException of GetSecretValue with both, InvalidParameterException of UpdateSecretVersionStage | `StageMismatch` | the replay |
//! | ResourceExistsException of PutSecretValue | `Conflict` | the framework reads what won |
//! | throttling codes, InternalServiceError, 5xx, no answer | `Unavailable` | the replay |
//! | AccessDeniedException, credentials that are refused | `Denied` | a person; the message names the IAM action |
//! | DecryptionFailure, EncryptionFailure, access to KMS denied | `Encryption` | a person; the message names the KMS actions |
//! | LimitExceededException: the secret's quota of versions or labels, not a throttle | `Invalid` | a person |
//! | anything else | `Invalid` | a person |
//!
//! Whether a write that failed may have had its effect is not what the last answer says: the SDK
//! repeats a call by itself, and a first try whose answer was lost may have been applied though the
//! second was throttled. Each try is watched, and one that was sent and not clearly refused makes
//! the whole call's effect [`Unknown`](rotation_core::Effect::Unknown).
//!
//! Errors carry the service's code and message. The message of a refused write is withheld where it
//! quotes the value or the rotation token.
//!
//! # Secrets
//!
//! Values live in this crate's own types, which are overwritten when dropped; the copy that the SDK
//! makes of a value to send it is not. Nothing here logs; what the SDK itself logs at TRACE holds
//! requests, so keep its targets above that.
//!
//! No function of this crate panics.

mod attempts;
mod error;
mod quota;
mod store;

pub use aws_sdk_secretsmanager;
pub use store::{SecretsManagerStore, description};

/// Runs the examples of the README.
#[cfg(doctest)]
mod readme {
    #[doc = include_str!("../README.md")]
    struct OfThisCrate;
}
