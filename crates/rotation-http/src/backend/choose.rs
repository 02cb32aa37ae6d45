//! Keys that are made here: chosen in createSecret.

use rotation_core::{BackendError, Live, StepContext};
use serde_json::Value;

use super::HttpBackend;
use super::mint::label;
use crate::document::ApiKeyDocument;
use crate::provider::Chosen;
use crate::transport::Transport;

impl<T: Transport> HttpBackend<T> {
    /// The current document with a new key in it. The key's label is its id. Nothing is sent.
    pub(super) fn choose(
        &self,
        chosen: &Chosen,
        ctx: &StepContext<'_>,
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<ApiKeyDocument, BackendError> {
        let (fields, label) = (&self.provider.fields, label(ctx)?.to_string());
        let key = chosen.policy.generate(ctx.random())?;
        let made = live
            .current()
            .clone()
            .with(&fields.key, key.expose_secret().into());
        Ok(made.with(&fields.id, Value::from(label)))
    }
}
