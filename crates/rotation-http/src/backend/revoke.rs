//! Ending a key, where the provider lets it be ended.

use std::borrow::Cow;

use http::StatusCode;
use rotation_core::{BackendError, Retire, Retirement, StepContext};

use super::HttpBackend;
use super::list::Listing;
use crate::admin::AdminSender;
use crate::answer::{Refusal, is_unsupported};
use crate::document::ApiKeyDocument;
use crate::label::{Hash, Label};
use crate::placeholder::Values;
use crate::provider::{List, Model};
use crate::reconcile::{Listed, is_certainly_absent};
use crate::transport::Transport;

impl<T: Transport> HttpBackend<T> {
    /// Ends the key that the provider knows by this id. If the provider may have no revocation, the caller has to
    /// judge a status of 404: it means either that there is no such key or that there is no such request.
    pub(super) async fn revoke(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
        id: &str,
    ) -> Result<Retirement, Refusal> {
        let values = Values {
            id: Some(Cow::Borrowed(id)),
            ..Values::of(document)
        };
        let may_be_missing = self.provider.revoke.may_be_missing;
        let call = &self.provider.revoke.call;
        let Err(refusal) = admin.repeat(call, &values).await else {
            return Ok(Retirement::Retired);
        };
        match refusal.status {
            Some(StatusCode::GONE) => Ok(Retirement::AlreadyGone),
            Some(StatusCode::NOT_FOUND) if !may_be_missing => Ok(Retirement::AlreadyGone),
            Some(status) if may_be_missing && is_unsupported(status) => Ok(Retirement::kept(CANNOT)),
            _ => Err(refusal),
        }
    }

    /// Ends the key of a credential that has this id.
    pub(super) async fn retire_key(
        &self,
        ctx: &StepContext<'_>,
        credential: &ApiKeyDocument,
        id: &str,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        let mut admin = self.admin_sender(ctx);
        let addresses = match self.addresses(&mut admin, credential, id).await? {
            Addresses::Known(addresses) => addresses,
            Addresses::Unknown => return Ok(Retirement::kept(UNSEEN)),
        };
        let mut result = Retirement::AlreadyGone;
        for address in addresses {
            let ended = self.retire_at(&mut admin, credential, &address, why).await?;
            if result == Retirement::AlreadyGone {
                result = ended;
            }
        }
        Ok(result)
    }

    /// The ids that the provider has for the key with this id of ours. There are several if the key was
    /// uploaded twice, and none if it is not there.
    async fn addresses(
        &self,
        admin: &mut AdminSender<'_, T>,
        credential: &ApiKeyDocument,
        id: &str,
    ) -> Result<Addresses, BackendError> {
        if !self.is_renamed(id) {
            return Ok(Addresses::Known(vec![id.to_owned()]));
        }
        let Listing::Shown(_, keys) = self.list(admin, credential).await? else {
            return Ok(Addresses::Unknown);
        };
        // A list that shows no key of this secret at all would not show this one either.
        let secret = Hash::of_secret(admin.plain.ctx.secret_arn());
        let of_secret = |key: &Listed| {
            let label = key.id.as_deref().and_then(Label::parse);
            label.is_some_and(|label| label.secret == secret)
        };
        if !keys.iter().any(of_secret) {
            return Ok(Addresses::Unknown);
        }
        let named = keys.into_iter().filter(|key| key.id.as_deref() == Some(id));
        Ok(Addresses::Known(named.filter_map(|key| key.address).collect()))
    }

    /// Whether the provider gives an uploaded key an id of its own.
    fn is_renamed(&self, id: &str) -> bool {
        let differs = |list: &List| list.item_label.as_ref() != Some(&list.item_id);
        matches!(self.provider.model, Model::Chosen(_))
            && Label::parse(id).is_some()
            && self.provider.list.as_ref().is_some_and(differs)
    }

    async fn retire_at(
        &self,
        admin: &mut AdminSender<'_, T>,
        credential: &ApiKeyDocument,
        id: &str,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        match self.revoke(admin, credential, id).await {
            Err(refusal)
                if self.provider.revoke.may_be_missing && refusal.status == Some(StatusCode::NOT_FOUND) =>
            {
                self.not_found(admin, credential, id).await
            }
            // It must not block every later rotation. If it is one of ours, the next one meets it
            // again as an orphan.
            Err(refusal) if why == Retire::FallingOff && refusal.is_for_good() => Ok(Retirement::kept(
                "the provider refuses to revoke it; revoke it by hand",
            )),
            result => Ok(result?),
        }
    }

    /// Judges a status of 404 where the provider may have no revocation. Only a list that would show the key
    /// proves that it is gone. A key that is wrongly called gone would live on unseen.
    async fn not_found(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
        id: &str,
    ) -> Result<Retirement, BackendError> {
        match self.list(admin, document).await? {
            Listing::Shown(_, keys) if is_certainly_absent(&keys, id) => Ok(Retirement::AlreadyGone),
            _ => Ok(Retirement::kept(
                "the provider answered with 404, and no list shows that it is gone; the provider may have no revocation, so look for it there",
            )),
        }
    }
}

/// What the provider calls a key.
enum Addresses {
    Known(Vec<String>),
    /// No list tells.
    Unknown,
}

const UNSEEN: &str = "the provider has an id of its own for it, and its list shows no key of this secret; look for it there by its label";

const CANNOT: &str = "the provider cannot revoke keys by a request; revoke it by hand, if that is possible";

/// Warns of a key that goes on working.
pub(super) fn warn_if_kept(id: Option<&str>, why: Retire, result: &Retirement) {
    if let Retirement::Kept(because) = result {
        tracing::warn!(id, why = why.as_str(), %because, "a key that should end goes on working");
    }
}
