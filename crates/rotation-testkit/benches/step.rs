//! What the framework itself costs per step: time and allocations, over a store and a backend that
//! do next to nothing. `cargo bench -p rotation-testkit`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use divan::{AllocProfiler, Bencher};
use rotation_core::{
    AWSPENDING, BackendError, CredentialBackend, Live, Profile, Retire, Retirement, Rotate, RotationEvent,
    Rotator, SecretDescription, SecretStore, SecretString, SecretValue, Step, StepContext, StoreError,
    StoreErrorKind, StoredVersion, VersionRef, async_trait,
};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/api-key-abc123";
const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const DOCUMENT: &str = r#"{"engine":"postgres","host":"db.example","username":"crm","password":"old","dbname":"crm","port":5432}"#;

fn main() {
    divan::main();
}

#[divan::bench(args = [Step::CreateSecret, Step::SetSecret, Step::TestSecret, Step::FinishSecret])]
fn step(bencher: Bencher<'_, '_>, step: Step) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let rotator = {
        let _entered = runtime.enter();
        Rotator::new(
            Password,
            Canned {
                pending: step != Step::CreateSecret,
            },
        )
    };
    let event = RotationEvent::new(ARN, TOKEN, step).unwrap();
    bencher.bench_local(|| {
        runtime
            .block_on(rotator.rotate(&event, Duration::from_secs(30)))
            .unwrap()
    });
}

/// Answers at once, and always the same.
#[derive(Debug)]
struct Canned {
    pending: bool,
}

#[async_trait]
impl SecretStore for Canned {
    async fn describe(&self, _: &str) -> Result<SecretDescription, StoreError> {
        let mut secret = SecretDescription::new(ARN);
        secret.rotation_enabled = Some(true);
        secret.versions = BTreeMap::from([
            ("current".to_owned(), vec!["AWSCURRENT".to_owned()]),
            (TOKEN.to_owned(), vec![AWSPENDING.to_owned()]),
        ]);
        Ok(secret)
    }

    async fn read(&self, _: &str, version: VersionRef<'_>) -> Result<StoredVersion, StoreError> {
        match version {
            VersionRef::IdAndStage(..) if self.pending => Ok(StoredVersion::new(
                TOKEN,
                SecretValue::text(DOCUMENT.replace("old", "new")),
            )),
            VersionRef::Stage("AWSCURRENT") => Ok(StoredVersion::new("current", SecretValue::text(DOCUMENT))),
            _ => Err(StoreError::not_applied(StoreErrorKind::NotFound, "")),
        }
    }

    async fn put_pending(
        &self,
        _: &str,
        _: &str,
        _: &SecretValue,
        _: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn promote(&self, _: &str, _: &str, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn release_pending(&self, _: &str, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Login {
    username: String,
    password: SecretString,
}

struct Password;

#[async_trait]
impl CredentialBackend for Password {
    type Credential = Login;

    fn profile(&self) -> Profile {
        Profile::chosen("password")
    }

    fn id(&self, login: &Login) -> Option<String> {
        Some(login.username.clone())
    }

    async fn create(&self, _: &StepContext<'_>, live: Live<'_, Login>) -> Result<Login, BackendError> {
        Ok(Login {
            password: "new".into(),
            ..live.current().clone()
        })
    }

    async fn set(&self, _: &StepContext<'_>, _: &Login, _: Live<'_, Login>) -> Result<(), BackendError> {
        Ok(())
    }

    async fn test(&self, _: &StepContext<'_>, _: &Login) -> Result<(), BackendError> {
        Ok(())
    }

    async fn retire(&self, _: &StepContext<'_>, _: &Login, _: Retire) -> Result<Retirement, BackendError> {
        Ok(Retirement::kept("changed in place"))
    }
}
