//! Targets in memory and backends for them: the two models of credentials, at their simplest.
//!
//! They are for tests of the framework and to be read: [`MintingBackend`] for a target that makes
//! the credential, [`PasswordBackend`] for one that is told it. Every request to a target passes
//! the [`Faults`](crate::Faults) that it was made with.

use rotation_core::{BackendError, SecretValue};
use rotation_simulator::Interruption;
use serde::Serialize;

pub use minted::{MintedKey, MintedKeys, MintingBackend};
pub use password::{Login, PasswordBackend, PasswordTarget};

mod minted;
mod password;

/// The credential as a secret's document; the credentials here are structs of texts, which serialise.
fn to_document(credential: &impl Serialize) -> SecretValue {
    SecretValue::text(serde_json::to_string(credential).unwrap_or_default())
}

/// A target that did not do what it was asked may do it later.
fn unavailable(interruption: Interruption) -> BackendError {
    BackendError::unavailable("the target did not do what it was asked").with_source(interruption)
}
