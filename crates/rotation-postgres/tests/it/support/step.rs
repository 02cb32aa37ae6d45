//! One step of one credential, without a simulator.

use std::error::Error;
use std::time::Duration;

use rotation_core::{
    BackendError, CredentialBackend, Outside, Retire, Retirement, SecretValue, Step, StepContext, TokioClock,
};
use rotation_postgres::{DatabaseError, FailureKind};
use serde_json::Value;

use super::world::TIME;

/// Does this in the context of a step that has this much time.
async fn within<T>(
    step: Step,
    time: Duration,
    work: impl AsyncFnOnce(&StepContext<'_>) -> Result<T, BackendError>,
) -> Result<T, BackendError> {
    let clock = TokioClock::new();
    let context = Outside::new(&clock).context("arn", "token", step, time);
    work(&context).await
}

/// testSecret of one credential, with this much time.
pub(crate) async fn test_within<B>(backend: &B, document: &Value, time: Duration) -> Result<(), BackendError>
where
    B: CredentialBackend,
{
    let credential = SecretValue::text(document.to_string()).decode().unwrap();
    within(Step::TestSecret, time, async |ctx| {
        backend.test(ctx, &credential).await
    })
    .await
}

/// The end of one credential.
pub(crate) async fn retire<B: CredentialBackend>(
    backend: &B,
    document: &Value,
    why: Retire,
) -> Result<Retirement, BackendError> {
    retire_within(backend, document, why, TIME).await
}

/// The same with this much time.
pub(crate) async fn retire_within<B: CredentialBackend>(
    backend: &B,
    document: &Value,
    why: Retire,
    time: Duration,
) -> Result<Retirement, BackendError> {
    let credential = SecretValue::text(document.to_string()).decode().unwrap();
    within(Step::FinishSecret, time, async |ctx| {
        backend.retire(ctx, &credential, why).await
    })
    .await
}

/// What went wrong at testSecret: the kind, and the whole text.
pub(crate) async fn failure<B: CredentialBackend>(backend: &B, document: &Value) -> (FailureKind, String) {
    let error = test_within(backend, document, TIME).await.unwrap_err();
    let text = rotation_core::chain(&error).to_string();
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<DatabaseError>());
    (source.unwrap_or_else(|| panic!("{text}")).kind(), text)
}
