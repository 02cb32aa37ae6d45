//! The provider's list of keys, page by page.

use http::StatusCode;
use rotation_core::BackendError;
use serde_json::Value;
use url::Url;

use super::HttpBackend;
use crate::admin::AdminSender;
use crate::answer::{Refusal, is_unknown_request};
use crate::document::ApiKeyDocument;
use crate::page::{MOST_PAGES, Paging};
use crate::provider::{List, Model};
use crate::reconcile::Listed;
use crate::reply::{id_at, id_text, json, missing};
use crate::template::Values;
use crate::transport::Transport;

/// What became of the list request.
pub(super) enum Listing {
    Shown(Vec<Listed>),
    /// There is none: the provider answered so, where it is declared that it may, or it is declared not
    /// to have one.
    Missing(Option<StatusCode>),
}

impl<T: Transport> HttpBackend<T> {
    /// All keys that the provider lists, if it has a listing.
    pub(super) async fn list(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
    ) -> Result<Listing, BackendError> {
        let Some(list) = &self.provider.list else {
            return Ok(Listing::Missing(None));
        };
        match self.pages(admin, document, list).await {
            Ok(listed) => Ok(Listing::Shown(listed)),
            Err(refusal) => match refusal.status {
                Some(status) if list.optional && is_unknown_request(status) => {
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
        let mut url = list
            .paging
            .as_ref()
            .map_or_else(|| own.clone(), |paging| paging.first(&own));
        let mut listed = Vec::new();
        let mut seen: Vec<Url> = Vec::new();
        let mut previous = Vec::new();
        for page in 0_u32.. {
            let body = match admin.repeat_at(&url, &list.call, &values).await {
                Ok(body) => body,
                // Some providers have it so, instead of an empty page.
                Err(refusal)
                    if page > 0
                        && refusal.status == Some(StatusCode::NOT_FOUND)
                        && list.paging.as_ref().is_some_and(Paging::is_numbered) =>
                {
                    break;
                }
                Err(refusal) if page > 0 && refusal.status.is_some_and(is_unknown_request) => {
                    return Err(wrong(list, "a page after the first is not there").into());
                }
                Err(refusal) => return Err(refusal),
            };
            let reply = json(&list.call.shown, body)?;
            let keys = self.read(list, &reply.0)?;
            if !keys.is_empty() && keys == previous {
                return Err(wrong(list, "two pages hold the same keys").into());
            }
            let next = match &list.paging {
                Some(paging) => paging.next(&own, &reply.0, keys.len(), page),
                None => Ok(None),
            };
            listed.extend(keys.iter().cloned());
            previous = keys;
            match next.map_err(|why| wrong(list, why))? {
                None => break,
                Some(next) if next == url || seen.contains(&next) => {
                    return Err(wrong(list, "a page leads back to one before it").into());
                }
                Some(_) if seen.len() + 1 >= MOST_PAGES => {
                    return Err(wrong(list, "there are more than 100 pages; ask for larger ones").into());
                }
                Some(next) => seen.push(std::mem::replace(&mut url, next)),
            }
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

fn wrong(list: &List, why: &str) -> BackendError {
    let shown = &list.call.shown;
    BackendError::misconfigured(format!(
        "the pages of {shown} cannot be followed: {why}; see pages in the provider's description"
    ))
}
