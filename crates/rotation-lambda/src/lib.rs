//! The entry point of a Lambda function that rotates secrets: runtime, deadline, logs, metrics,
//! routing.
//!
//! ```no_run
//! # mod mine {
//! #     use rotation_core::{BackendError, CredentialBackend, Live, Profile, Retire, Retirement, StepContext, async_trait};
//! #     pub struct MailRelay;
//! #     #[async_trait]
//! #     impl CredentialBackend for MailRelay {
//! #         type Credential = String;
//! #         fn profile(&self) -> Profile { Profile::chosen("mail-relay") }
//! #         fn id(&self, _: &String) -> Option<String> { None }
//! #         async fn create(&self, _: &StepContext<'_>, live: Live<'_, String>) -> Result<String, BackendError> { Ok(live.current().clone()) }
//! #         async fn set(&self, _: &StepContext<'_>, _: &String, _: Live<'_, String>) -> Result<(), BackendError> { Ok(()) }
//! #         async fn test(&self, _: &StepContext<'_>, _: &String) -> Result<(), BackendError> { Ok(()) }
//! #         async fn retire(&self, _: &StepContext<'_>, _: &String, _: Retire) -> Result<Retirement, BackendError> { Ok(Retirement::Retired) }
//! #     }
//! # }
//! # use mine::MailRelay;
//! fn main() -> Result<(), rotation_lambda::Error> {
//!     rotation_lambda::run(MailRelay)
//! }
//! ```
//!
//! # Ways in
//!
//! | | for |
//! |---|---|
//! | [`run`] | one backend, and nothing to set: a plain `main` |
//! | [`run_with_client`] | a client that you made |
//! | [`serve`] | any [`Rotate`]: a `Rotator` that you set up, a [`Router`] |
//! | [`Handler`] | a `main` or runtime of your own: an async function, event in, result out |
//!
//! # Time
//!
//! A step has the time that Lambda says is left, less a reserve of one second (a fifth of the time,
//! where that is less), in which a failure is still reported. Give the function 180 seconds, above
//! the sum of what the libraries may have to wait for: a time-out of 3, Lambda's default, leaves 2.4.
//!
//! # What is logged
//!
//! One JSON object per line, on stdout. Each step ends in one, with these fields:
//!
//! | field | |
//! |---|---|
//! | `timestamp`, `level`, `target`, `message` | `step done` or `step failed` |
//! | `request_id`, `secret`, `version`, `step`, `backend` | of what; the version is the client request token |
//! | `outcome` | `created`, `already_stored`, `set`, `nothing_to_set`, `tested`, `promoted`, `already_current`, or `failed` |
//! | `duration_ms` | |
//! | `class`, `reason`, `error` | of a failure: `unavailable`, `rejected` or `misconfigured`; what happened, in words that stay the same; its message and all causes |
//! | `succeeded`, `failed`, `_aws` | the metrics |
//!
//! The same line is in CloudWatch's embedded metric format: in the namespace `SecretRotation`, the
//! metrics `succeeded` and `failed` (counts) and `duration_ms` (milliseconds), by `backend` and
//! `step`, by `backend` and `outcome`, and of a failure by `backend` and `class`. No dimension names
//! a secret or a version.
//!
//! `RUST_LOG`, or else `AWS_LAMBDA_LOG_LEVEL`, says what is logged: `info` by default. A level for
//! all (`RUST_LOG=trace`) holds for this framework's crates; others stay at `info`, because they may
//! print requests, unless they are opened by name (`RUST_LOG=trace,hyper=debug`).
//!
//! # What a failed invocation is called
//!
//! [`Failure`] has the table of `error_type`s.
//!
//! # Several secrets, several backends
//!
//! [`Router`].
//!
//! # Secrets
//!
//! Nothing that is printed holds a value, an admin credential or the `RotationToken`. The message of
//! a panic is withheld.
//!
//! No function of this crate panics.

mod client;
mod error;
mod failure;
mod handler;
mod router;
pub mod telemetry;
mod variables;

pub use rotation_core::{self, async_trait};
pub use rotation_secretsmanager::{SecretsManagerStore, aws_sdk_secretsmanager};

pub use client::client;
pub use error::Error;
pub use failure::Failure;
pub use handler::Handler;
pub use router::Router;
pub use variables::password_policy;

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use rotation_core::{CredentialBackend, Rotate, Rotator};
use serde_json::Value;

/// Runs the function: sets up logging, a tokio runtime on this thread and the [`client`], and does a
/// step for each event that Lambda hands out. Call it from a plain `main`; it does not return while
/// the function lives.
///
/// # Errors
///
/// [`Error`] when this is not Lambda, when a variable of the environment is wrong, or when it is
/// called from within a tokio runtime (await [`run_with_client`] there). Failures of steps are
/// reported to Lambda and do not end the function.
pub fn run<B: CredentialBackend>(backend: B) -> Result<(), Error> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(Error::new(
            "run makes a tokio runtime of its own and was called within one; call it from a plain fn main, or await run_with_client(client().await?, backend)",
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        telemetry::init();
        variables::check_lambda()?;
        run_with_client(client().await?, backend).await
    })
}

/// Runs the function with a client that you made, within your tokio runtime.
///
/// ```no_run
/// # async fn example(backend: impl rotation_core::CredentialBackend) -> Result<(), rotation_lambda::Error> {
/// use rotation_lambda::aws_sdk_secretsmanager::Client;
///
/// let config = rotation_lambda::client().await?.config().to_builder().endpoint_url("https://vpce-0a1b2c.example");
/// rotation_lambda::run_with_client(Client::from_conf(config.build()), backend).await
/// # }
/// ```
///
/// # Errors
///
/// As [`serve`].
pub async fn run_with_client<B: CredentialBackend>(client: Client, backend: B) -> Result<(), Error> {
    serve(Rotator::new(backend, SecretsManagerStore::new(client))).await
}

/// Runs the function with anything that does steps, within your tokio runtime: a `Rotator` with
/// settings of your own, a [`Router`]. Sets up logging, unless that is done.
///
/// # Errors
///
/// [`Error`] when this is not Lambda, or when Lambda's runtime interface fails.
pub async fn serve(rotate: impl Rotate + 'static) -> Result<(), Error> {
    telemetry::init();
    variables::check_lambda()?;
    let handler = Arc::new(Handler::new(rotate));
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let handler = Arc::clone(&handler);
        async move { handler.handle(event).await }
    });
    Ok(Runtime::new(service).run().await?)
}

/// Runs the examples of the READMEs.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../../README.md")]
    struct OfTheProject;

    #[doc = include_str!("../README.md")]
    struct OfThisCrate;

    #[doc = include_str!("../../rotation-core/README.md")]
    struct OfTheCore;
}
