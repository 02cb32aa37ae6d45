//! A team's backend, as far as the tool asks anything of it.

use std::sync::Arc;
use std::time::Duration;

use rotation_core::{
    BackendError, Clock, CredentialBackend, Deadline, DocumentError, Live, OsRandom, Outside, Profile,
    Retire, Retirement, Rotate, Rotator, SecretReader, SecretStore, SecretValue, Step, StepContext,
    StoreError, VersionRef, async_trait,
};
use rotation_secretsmanager::SecretsManagerStore;

/// Which version of which secret a value is of, and how long a proof may take.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) arn: &'a str,
    pub(crate) version: &'a str,
    pub(crate) limit: Duration,
}

/// A backend whatever its credential.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// The credential's public id; an error if the value is none that the backend can use.
    fn id(&self, value: &SecretValue) -> Result<Option<String>, DocumentError>;

    /// Proves that the credential works: testSecret, which has no side effect.
    async fn test(
        &self,
        subject: Subject<'_>,
        value: &SecretValue,
        store: &SecretsManagerStore,
        clock: &dyn Clock,
    ) -> Result<(), BackendError>;

    /// What does steps in this process.
    fn rotator(&self, store: SecretsManagerStore) -> Box<dyn Rotate>;
}

/// A backend that is shared with the rotators that are made of it.
pub(crate) struct Shared<B>(Arc<B>);

impl<B> Shared<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self(Arc::new(backend))
    }
}

#[async_trait]
impl<B: CredentialBackend> Backend for Shared<B> {
    fn id(&self, value: &SecretValue) -> Result<Option<String>, DocumentError> {
        Ok(self.0.id(&value.decode()?))
    }

    async fn test(
        &self,
        subject: Subject<'_>,
        value: &SecretValue,
        store: &SecretsManagerStore,
        clock: &dyn Clock,
    ) -> Result<(), BackendError> {
        let credential = value.decode()?;
        let secrets = Reader(store);
        let outside = Outside {
            clock,
            random: &OsRandom,
            secrets: &secrets,
        };
        let deadline = Deadline::after(clock, subject.limit);
        let context = StepContext::new(subject.arn, subject.version, Step::TestSecret, deadline, outside);
        self.0.test(&context, &credential).await
    }

    fn rotator(&self, store: SecretsManagerStore) -> Box<dyn Rotate> {
        Box::new(Rotator::new(Self(Arc::clone(&self.0)), store))
    }
}

#[async_trait]
impl<B: CredentialBackend> CredentialBackend for Shared<B> {
    type Credential = B::Credential;

    fn profile(&self) -> Profile {
        self.0.profile()
    }

    fn id(&self, credential: &B::Credential) -> Option<String> {
        self.0.id(credential)
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, B::Credential>,
    ) -> Result<B::Credential, BackendError> {
        self.0.create(ctx, live).await
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &B::Credential,
        live: Live<'_, B::Credential>,
    ) -> Result<(), BackendError> {
        self.0.set(ctx, pending, live).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &B::Credential) -> Result<(), BackendError> {
        self.0.test(ctx, pending).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &B::Credential,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        self.0.retire(ctx, credential, why).await
    }
}

/// Other secrets, for a backend.
struct Reader<'a>(&'a SecretsManagerStore);

#[async_trait]
impl SecretReader for Reader<'_> {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        let read = self
            .0
            .read(secret_id, VersionRef::Stage(rotation_core::AWSCURRENT));
        Ok(read.await?.value)
    }
}
