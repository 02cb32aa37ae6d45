//! Rotates PostgreSQL passwords with AWS Secrets Manager: [`SingleUser`] and [`AlternatingUsers`].
//!
//! Secrets made for AWS's own templates (SecretsManagerRDSPostgreSQLRotationSingleUser and …MultiUser)
//! work unchanged. What differs:
//!
//! - In the steady state of alternating users the superuser secret is not even read.
//! - A password goes to the server as a SCRAM-SHA-256 verifier computed here, never in clear.
//! - TLS is verified, chain and name, and nothing falls back to plaintext.
//! - A failure is told by its cause: a network failure is not a wrong password.
//! - With a shared [`OwnerRole`] both users can alter and drop what either made.
//!
//! ```no_run
//! use rotation_postgres::{AlternatingUsers, CaBundle, Connections};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bundle = CaBundle::File("/var/task/global-bundle.pem".into());
//! let backend = AlternatingUsers::new(Connections::new(&bundle)?);
//! // rotation_lambda::run(backend)
//! # _ = backend;
//! # Ok(())
//! # }
//! ```
//!
//! A session belongs to one call and is never kept: one that was opened before a password changed
//! would go on working after it, and prove nothing.
//!
//! No function of this crate panics.

// A function is one thought; .clippy.toml says how long it may be. A table of tests may be longer.
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

mod alternating;
mod compare;
mod connections;
mod difference;
mod document;
mod endpoint;
mod error;
mod grants;
mod login;
mod migration;
mod names;
mod owner;
mod plan;
mod proof;
mod roles;
mod sasl_only;
mod session;
mod single_user;
mod sql;
mod superuser;
mod tls;

use rotation_core::PasswordPolicy;

pub use rotation_core::{BackendError, StepContext, async_trait};

pub use alternating::AlternatingUsers;
pub use connections::Connections;
pub use document::PostgresCredential;
pub use endpoint::Endpoint;
pub use error::{DatabaseError, FailureKind};
pub use migration::{Migration, MigrationPlan, MigrationStep};
pub use owner::OwnerRole;
pub use single_user::SingleUser;
pub use superuser::{SameHost, SuperuserHosts, SuperuserLink};
pub use tls::{CaBundle, CaBundleError};

/// The characters that AWS's templates for databases leave out of passwords unless
/// `EXCLUDE_CHARACTERS` says otherwise.
pub const DEFAULT_EXCLUSIONS: &str = ":/@\"'\\";

fn default_policy() -> PasswordPolicy {
    let rules = PasswordPolicy::of_length(32).excluding(DEFAULT_EXCLUSIONS);
    // It fails on rules that contradict each other, and these do not.
    rules.build().unwrap_or_default()
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
