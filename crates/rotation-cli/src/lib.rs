//! The operator's tool for rotations of AWS Secrets Manager: what state is this secret in, what is to
//! be done next, and a safe way to do it.
//!
//! The binary `rotation` knows of a secret what Secrets Manager knows. A team with a backend of its
//! own makes a tool that can also prove whether a credential works:
//!
//! ```no_run
//! # use rotation_core::{BackendError, CredentialBackend, Live, Profile, Retire, Retirement, SecretString, StepContext, async_trait};
//! # struct CrmKey;
//! # #[async_trait]
//! # impl CredentialBackend for CrmKey {
//! #     type Credential = SecretString;
//! #     fn profile(&self) -> Profile { Profile::chosen("crm-key") }
//! #     fn id(&self, _: &SecretString) -> Option<String> { None }
//! #     async fn create(&self, _: &StepContext<'_>, _: Live<'_, SecretString>) -> Result<SecretString, BackendError> { Ok("".into()) }
//! #     async fn set(&self, _: &StepContext<'_>, _: &SecretString, _: Live<'_, SecretString>) -> Result<(), BackendError> { Ok(()) }
//! #     async fn test(&self, _: &StepContext<'_>, _: &SecretString) -> Result<(), BackendError> { Ok(()) }
//! #     async fn retire(&self, _: &StepContext<'_>, _: &SecretString, _: Retire) -> Result<Retirement, BackendError> { Ok(Retirement::AlreadyGone) }
//! # }
//! # fn backend() -> CrmKey { CrmKey }
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     rotation_cli::Cli::new().backend(backend()).main()
//! }
//! ```
//!
//! # Commands
//!
//! | Command | What it does | What it calls |
//! |---|---|---|
//! | `status` | labels, dates, what each version is for, what state this is and what to do next | DescribeSecret, ListSecretVersionIds |
//! | `check` | what would make a rotation fail | the same, GetSecretValue; with a backend its `test` |
//! | `rotate` | starts a rotation; `--wait` says how far it has come | RotateSecret |
//! | `resume` | has a rotation that is not complete go on; `--here` does its steps in this process | RotateSecret with the same token; with `--here` what the function calls |
//! | `abandon` | gives up the version that is pending | CancelRotateSecret, UpdateSecretVersionStage, RotateSecret |
//! | `rollback` | makes the previous version current again, once it is proved to work | GetSecretValue, UpdateSecretVersionStage |
//!
//! Each change is said first and asked for, unless `--yes` is given. A label is moved by compare-and-swap:
//! if it is not where it was seen, nothing is moved.
//!
//! # Secrets
//!
//! Values are read by `check`, `rollback`, `abandon` with a backend, `status --credentials` and `resume
//! --here`, are kept in types that do not print, and are printed nowhere. Nothing is logged: the tool sets
//! up no subscriber, whatever `RUST_LOG` says.
//!
//! # Exit codes
//!
//! [`Exit`].
//!
//! No function of this crate panics.

mod advice;
mod args;
mod aws;
mod backend;
mod cli;
mod commands;
mod console;
mod error;
mod place;
mod service;
mod session;
mod state;
mod status;
mod words;

pub use cli::Cli;
pub use console::Console;
pub use error::Exit;

/// Runs the examples of the README.
#[cfg(doctest)]
mod readme {
    #[doc = include_str!("../README.md")]
    struct OfThisCrate;
}
