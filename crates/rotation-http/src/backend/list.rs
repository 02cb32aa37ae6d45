//! The provider's list of keys, page by page.

use http::StatusCode;
use rotation_core::BackendError;
use serde_json::Value;
use url::Url;

use super::HttpBackend;
use crate::admin::AdminSender;
use crate::answer::{Refusal, is_unknown_request};
use crate::document::ApiKeyDocument;
use crate::paging::{MOST_PAGES, Paging};
use crate::placeholder::Values;
use crate::provider::{List, Model};
use crate::reconcile::Listed;
use crate::reply::{id_at, id_text, missing, parse_json};
use crate::transport::Transport;

/// What became of the list request.
pub(super) enum Listing<'a> {
    /// How it was asked for, and the keys in it.
    Shown(&'a List, Vec<Listed>),
    /// There is none. Either the description declares that, or it declares that there may be none, and the
    /// provider answered with this status.
    Missing(Option<StatusCode>),
}

impl<T: Transport> HttpBackend<T> {
    /// All keys that the provider lists, if it has a listing.
    pub(super) async fn list(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
    ) -> Result<Listing<'_>, BackendError> {
        let Some(list) = &self.provider.list else {
            return Ok(Listing::Missing(None));
        };
        match self.pages(admin, document, list).await {
            Ok(listed) => Ok(Listing::Shown(list, listed)),
            Err(refusal) => match refusal.status {
                Some(status) if list.may_be_missing && is_unknown_request(status) => {
                    Ok(Listing::Missing(Some(status)))
                }
                _ => Err(refusal.into()),
            },
        }
    }

    async fn pages(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
        list: &List,
    ) -> Result<Vec<Listed>, Refusal> {
        let values = Values::of(document);
        let own = admin.plain.url(&list.call, &values)?;
        let mut url = first_page(list, &own);
        let (mut listed, mut previous, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for page in 0_u32.. {
            let body = match admin.repeat_at(&url, &list.call, &values).await {
                Ok(body) => body,
                Err(refusal) if page > 0 => match after_the_last(list, refusal) {
                    Some(refusal) => return Err(refusal),
                    None => break,
                },
                Err(refusal) => return Err(refusal),
            };
            let reply = parse_json(&list.call.shown, body)?;
            let keys = self.read(list, reply.expose_secret())?;
            if !keys.is_empty() && keys == previous {
                return Err(wrong(list, "two pages hold the same keys").into());
            }
            let next = match &list.paging {
                Some(paging) => paging.next(&own, reply.expose_secret(), keys.len(), page),
                None => Ok(None),
            };
            listed.extend(keys.iter().cloned());
            previous = keys;
            let Some(next) = next.map_err(|why| wrong(list, why))? else {
                break;
            };
            seen.push(std::mem::replace(&mut url, next));
            check_progress(list, &seen, &url)?;
        }
        Ok(listed)
    }

    /// The keys in one reply.
    fn read(&self, list: &List, reply: &Value) -> Result<Vec<Listed>, BackendError> {
        let items = match reply.pointer(&list.items) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(Value::Null) => &[],
            _ => return Err(missing(&list.call.shown, "array of keys", &list.items)),
        };
        let listed = |item: &Value| {
            let id = id_at(item, &list.item_id).map(id_text);
            let label = list.item_label.as_ref().and_then(|at| item.pointer(at));
            let label = label.and_then(Value::as_str).map(str::to_owned);
            match self.provider.model {
                Model::Minted(_) => Listed::minted(id, label),
                Model::Chosen(_) => Listed::uploaded(id, label),
            }
        };
        Ok(items.iter().map(listed).collect())
    }
}

/// The address of the first page. `own` is the list's.
fn first_page(list: &List, own: &Url) -> Url {
    let paging = list.paging.as_ref();
    paging.map_or_else(|| own.clone(), |paging| paging.first(own))
}

/// What a refusal of a page after the first means: `None` if the page before it was the last.
fn after_the_last(list: &List, refusal: Refusal) -> Option<Refusal> {
    // Some providers answer so instead of an empty page.
    let is_numbered = list.paging.as_ref().is_some_and(Paging::is_numbered);
    if is_numbered && refusal.status == Some(StatusCode::NOT_FOUND) {
        return None;
    }
    if refusal.status.is_some_and(is_unknown_request) {
        return Some(wrong(list, "a page after the first is not there").into());
    }
    Some(refusal)
}

/// Refuses a next page that was seen before, and one too many.
fn check_progress(list: &List, seen: &[Url], next: &Url) -> Result<(), BackendError> {
    if seen.contains(next) {
        return Err(wrong(list, "a page leads back to one before it"));
    }
    if seen.len() >= MOST_PAGES {
        return Err(wrong(list, "there are more than 100 pages; ask for larger ones"));
    }
    Ok(())
}

fn wrong(list: &List, why: &str) -> BackendError {
    let shown = &list.call.shown;
    BackendError::misconfigured(format!(
        "the pages of {shown} cannot be followed: {why}; see pages in the provider's description"
    ))
}
