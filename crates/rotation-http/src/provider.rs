//! The description of a provider.

use std::fmt;

use rotation_core::{BackendError, PasswordPolicy};
use url::Url;

use crate::admin::AdminAuth;
use crate::call::Call;
use crate::document::ApiKeyDocument;
use crate::paging::Paging;
use crate::placeholder::Values;
use crate::template::Template;

mod base;
mod build;
mod builder;
mod check;
mod description;
mod json;

#[cfg(test)]
mod tests;

pub use builder::ProviderBuilder;

/// How keys are made or uploaded, listed, verified and revoked at a provider, and where its replies
/// hold what.
///
/// ```
/// use rotation_http::{Provider, Request};
/// use serde_json::json;
///
/// let provider = Provider::builder()
///     .base_url("https://api.vendor.com/v1") // or "{secret.api_endpoint}", from the secret
///     .create(Request::post("/api-keys").json(json!({"account": "{secret.account_id}", "label": "{label}"})))
///     .key_at("/key")
///     .id_at("/id")
///     .list(Request::get("/api-keys?account={secret.account_id}"))
///     .items_at("/keys")
///     .item_id_at("/id")
///     .item_label_at("/label")
///     .verify(Request::get("/health").header("authorization", "Bearer {key}"))
///     .revoke(Request::delete("/api-keys/{id}"))
///     .build()?;
/// # Ok::<(), rotation_http::ProviderError>(())
/// ```
///
/// The same as a document, for a function that is not built anew for each provider, is read by
/// [`from_json`](Self::from_json). Ready-made ones are in [`vendors`](crate::vendors).
#[derive(Clone)]
pub struct Provider {
    base: Template,
    pub(crate) model: Model,
    pub(crate) activate: Option<Call>,
    /// `None` where the provider is declared to have no listing.
    pub(crate) list: Option<List>,
    pub(crate) verify: Call,
    pub(crate) revoke: Revoke,
    pub(crate) max_keys: Option<usize>,
    pub(crate) admin: AdminAuth,
    pub(crate) fields: Fields,
    /// The fields of the document that say which target is meant: all that templates use, but those of
    /// the key itself.
    pub(crate) target: Vec<String>,
}

/// Who makes the key.
#[derive(Clone)]
pub(crate) enum Model {
    Minted(Minted),
    Chosen(Chosen),
}

/// The provider makes it.
#[derive(Clone)]
pub(crate) struct Minted {
    pub(crate) create: Call,
    /// JSON pointers (RFC 6901) into the reply, as all others here.
    pub(crate) key: String,
    pub(crate) id: String,
    /// Whether the provider may answer without an id.
    pub(crate) id_may_be_missing: bool,
    pub(crate) expiry: Option<String>,
}

/// It is made here and uploaded.
#[derive(Clone)]
pub(crate) struct Chosen {
    pub(crate) upload: Call,
    pub(crate) policy: PasswordPolicy,
}

/// How keys are listed.
#[derive(Clone)]
pub(crate) struct List {
    pub(crate) call: Call,
    pub(crate) items: String,
    pub(crate) item_id: String,
    /// `None` where the provider is declared to keep no labels.
    pub(crate) item_label: Option<String>,
    pub(crate) paging: Option<Paging>,
    /// Whether the provider may not have this request.
    pub(crate) may_be_missing: bool,
}

/// How a key is ended.
#[derive(Clone)]
pub(crate) struct Revoke {
    pub(crate) call: Call,
    /// Whether the provider may not have this request.
    pub(crate) may_be_missing: bool,
}

/// The fields of the document that a rotation writes.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) expiry: String,
}

impl Provider {
    /// An empty description. What it needs is what [`build`](ProviderBuilder::build) says is missing.
    pub fn builder() -> ProviderBuilder {
        ProviderBuilder::default()
    }

    /// Every request with the admin credential, by the name of its part.
    pub(crate) fn admin_calls(&self) -> impl Iterator<Item = (&'static str, &Call)> {
        let first = match &self.model {
            Model::Minted(minted) => ("create", &minted.create),
            Model::Chosen(chosen) => ("upload", &chosen.upload),
        };
        let list = self.list.as_ref().map(|list| ("list", &list.call));
        let activate = self.activate.as_ref().map(|call| ("activate", call));
        [Some(first), list, activate, Some(("revoke", &self.revoke.call))]
            .into_iter()
            .flatten()
    }

    /// Whether the provider may give a key no id.
    pub(crate) fn may_lack_ids(&self) -> bool {
        matches!(&self.model, Model::Minted(minted) if minted.id_may_be_missing)
    }

    /// The base URL where it does not depend on a secret.
    pub(crate) fn fixed_base(&self) -> Option<Url> {
        if self.base.has(|_| true) {
            None
        } else {
            self.base.sample().parse().ok()
        }
    }

    /// The base URL for this document; neither its host nor its scheme has been checked.
    pub(crate) fn base(&self, document: &ApiKeyDocument) -> Result<Url, BackendError> {
        let filled = self.base.fill_base(&Values::of(document))?;
        base::parse(&filled)
            .map_err(|why| BackendError::misconfigured(format!("the provider's base URL {why}")))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Provider");
        for (name, call) in self.admin_calls() {
            text.field(name, &call.shown);
        }
        text.field("verify", &self.verify.shown)
            .field("admin", &self.admin)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
