//! Rotates credentials safely with AWS Secrets Manager: the four-step state machine, and the
//! contract that a team implements for its own credential.
//!
//! Secrets Manager rotates a secret by calling a function four times, `createSecret`, `setSecret`,
//! `testSecret`, `finishSecret`, and by calling it all over again when anything went wrong. This
//! crate is everything in such a function that does not depend on the credential: the
//! version-stage checks, idempotency, deadlines, the classes of errors, redaction, telemetry.
//! What does depend on it is one trait, [`CredentialBackend`].
//!
//! The promise: whatever crashes, repeats, overlaps or times out, `AWSCURRENT` is a credential
//! that works, no credential is left behind that nobody knows of, and no secret is ever printed.
//!
//! # Parts
//!
//! - [`CredentialBackend`]: the contract, with what each method has to survive.
//! - [`Rotator`]: does one step for one [`RotationEvent`], over a [`SecretStore`].
//! - [`Refusal`]: why a step may not run, by what `DescribeSecret` says. The checks are a pure function.
//! - [`SecretValue`]: the secret's document, of which only what changed is overlaid.
//! - [`PasswordPolicy`], [`SecretString`]: passwords made and kept.
//!
//! Nothing here knows the AWS SDK, Lambda or HTTP: a backend compiles against this crate alone.
//! Time, waiting and randomness are injected ([`Clock`], [`RandomSource`]).
//!
//! No function of this crate panics, but [`TokioClock`] outside a tokio runtime.

// A function is one thought; .clippy.toml says how long it may be. A table of tests may be longer.
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

mod backend;
mod context;
mod document;
mod error;
mod event;
mod live;
mod password;
mod profile;
mod random;
mod reader;
mod retire;
mod rotator;
mod secret;
mod stages;
mod store;
mod time;

pub use async_trait::async_trait;

pub use backend::CredentialBackend;
pub use context::{Outside, StepContext};
pub use document::{DocumentError, SecretValue};
pub use error::{Applied, BackendError, ErrorClass, RotationError, RotationErrorKind, StillLive, chain};
pub use event::{EventError, RotationEvent, Step};
pub use live::{Live, LiveIds};
pub use password::{PasswordPolicy, PasswordPolicyBuilder, PolicyError};
pub use profile::Profile;
pub use random::{OsRandom, RandomSource, RandomUnavailable};
pub use reader::{CurrentReader, SecretReader};
pub use retire::{Retire, Retirement};
pub use rotator::{Ending, Grace, Outcome, Rotate, Rotator, StepReport};
pub use secret::{SecretBytes, SecretJson, SecretString};
pub use stages::Refusal;
pub use store::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, Effect, Replica, ReplicaStatus, SecretDescription, SecretStore,
    StoreError, StoreErrorKind, StoredVersion, VersionRef,
};
pub use time::{Clock, Deadline, TokioClock};
