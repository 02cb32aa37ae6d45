//! A team's backend, as far as the tool asks anything of it.

use std::sync::Arc;
use std::time::Duration;

use rotation_core::{
    BackendError, Clock, CredentialBackend, CurrentReader, DocumentError, Live, Outside, Profile, Retire,
    Retirement, Rotate, Rotator, SecretValue, Step, StepContext, async_trait,
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
        let secrets = CurrentReader::new(store);
        let outside = Outside::new(clock).with_secrets(&secrets);
        let context = outside.context(subject.arn, subject.version, Step::TestSecret, subject.limit);
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
