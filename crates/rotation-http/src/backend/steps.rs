//! The contract: which requests are made in which step.

use std::borrow::Cow;
use std::time::Duration;

use rotation_core::{
    BackendError, CredentialBackend, Live, Profile, Retire, Retirement, StepContext, async_trait,
};

use super::HttpBackend;
use super::revoke::warn_if_kept;
use crate::document::ApiKeyDocument;
use crate::provider::Model;
use crate::transport::Transport;
use crate::verify;

/// What kind of credential it is, in logs and metrics.
const NAME: &str = "http-api-key";

#[async_trait]
impl<T: Transport> CredentialBackend for HttpBackend<T> {
    type Credential = ApiKeyDocument;

    fn profile(&self) -> Profile {
        match (&self.provider.model, &self.provider.activate) {
            (Model::Minted(_), None) => Profile::minted(NAME),
            (Model::Minted(_), Some(_)) => Profile::minted(NAME).activated_in_set(),
            // The previous key is ended in createSecret, as for a minted one.
            (Model::Chosen(_), _) => Profile::chosen(NAME)
                .retires_previous()
                .with_create_budget(Duration::from_secs(10)),
        }
    }

    fn id(&self, credential: &ApiKeyDocument) -> Option<String> {
        credential.text(&self.provider.fields.id).map(Cow::into_owned)
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<ApiKeyDocument, BackendError> {
        let mut admin = self.admin_sender(ctx);
        let found = self.reconcile(&mut admin, live).await?;
        found.check(self.provider.max_keys)?;
        match &self.provider.model {
            Model::Minted(minted) => self.mint(minted, &mut admin, live, &found).await,
            Model::Chosen(chosen) => self.choose(chosen, ctx, live),
        }
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &ApiKeyDocument,
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<(), BackendError> {
        self.same_target(pending, live.current())?;
        let mut admin = self.admin_sender(ctx);
        if let Model::Chosen(chosen) = &self.provider.model {
            self.upload(chosen, &mut admin, pending).await?;
        }
        match &self.provider.activate {
            Some(activate) => self.activate(activate, &mut admin, pending).await,
            None => Ok(()),
        }
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &ApiKeyDocument) -> Result<(), BackendError> {
        let values = self.values_of(pending)?;
        verify::until_it_works(&self.sender(ctx), &values, self.verify_limit).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &ApiKeyDocument,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        let Some(id) = self.id(credential) else {
            let result = Retirement::kept("no key id");
            warn_if_kept(None, why, &result);
            return Ok(result);
        };
        if why == Retire::NotStored && matches!(self.provider.model, Model::Chosen(_)) {
            // It was made here and never sent anywhere.
            return Ok(Retirement::AlreadyGone);
        }
        if why == Retire::FallingOff && !self.is_reachable(credential) {
            return Ok(Retirement::kept(
                "its address is not that of an allowed host; revoke it by hand",
            ));
        }
        let result = self.retire_key(ctx, credential, &id, why).await?;
        warn_if_kept(Some(&id), why, &result);
        Ok(result)
    }
}
