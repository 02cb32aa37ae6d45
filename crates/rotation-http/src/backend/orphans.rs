//! Keys that earlier tries left behind: found in the provider's list, and revoked.

use std::collections::BTreeSet;
use std::time::SystemTime;

use http::StatusCode;
use rotation_core::{BackendError, Live, Retirement, StepContext};

use super::HttpBackend;
use super::found::Found;
use super::list::Listing;
use crate::admin::AdminSender;
use crate::document::ApiKeyDocument;
use crate::label::Hash;
use crate::provider::List;
use crate::reconcile::{Facts, Listed, Ours, Unfit, Verdict, judge, ours, sight, split};
use crate::sender::wall_now;
use crate::transport::Transport;

impl<T: Transport> HttpBackend<T> {
    /// Revokes what earlier tries left behind. Says what is there then.
    pub(super) async fn reconcile(
        &self,
        admin: &mut AdminSender<'_, T>,
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<Found, BackendError> {
        let current = live.current();
        let (list, listed) = match (&self.provider.list, self.list(admin, current).await?) {
            (Some(list), Listing::Shown(listed)) => (list, listed),
            (list, Listing::Missing(status)) => {
                warn_of_no_list(list.as_ref(), status);
                return Ok(Found::default());
            }
            (None, Listing::Shown(_)) => return Ok(Found::default()),
        };
        if shows_keys_as_ids(&listed, current.text(&self.provider.fields.key).as_deref()) {
            return Err(BackendError::misconfigured(format!(
                "the reply to {} has the key itself at {:?}, and ids are printed; point item_id_at at the id",
                list.call.shown, list.item_id
            )));
        }
        // Otherwise nothing says that what stands at item_id_at is an id, and not a key.
        let own = current.text(&self.provider.fields.id);
        let is_own = |key: &Listed| {
            [&key.id, &key.address]
                .into_iter()
                .any(|id| id.as_deref() == own.as_deref())
        };
        let printable = own.is_some() && listed.iter().any(is_own);
        let mut found = Found {
            finds_orphans: list.item_label.is_some(),
            printable,
            ..Found::default()
        };
        let mut ended = Vec::new();
        let ours = self.look_through(admin.plain.ctx, list, &listed, live)?;
        for (verdict, key) in judged(admin.plain.ctx, live, ours) {
            let id = printable.then_some(key.id.as_str());
            match verdict {
                Verdict::Live => {}
                Verdict::MakerInTime { until } => {
                    let until = seconds(until);
                    tracing::info!(
                        id,
                        until,
                        "a key is held by no labelled version yet, and its maker may still be at work"
                    );
                    found.at_work.push(key.id);
                }
                Verdict::Unidentifiable => tracing::warn!(
                    id,
                    "a key looks like an orphan, and is kept because a labelled version has no key id"
                ),
                Verdict::Orphan => {
                    if self.end_orphan(admin, current, (&key.address, id)).await? {
                        ended.push(key.address);
                    }
                }
            }
        }
        let left = listed
            .iter()
            .filter(|key| key.address.as_ref().is_none_or(|id| !ended.contains(id)));
        let name = |key: &Listed| {
            let held = key.id.as_deref().is_some_and(|id| live.protects(id));
            let id = key.address.as_deref().unwrap_or("without an id");
            format!("{id}{}", if held { " (a version holds it)" } else { "" })
        };
        let mut names: Vec<String> = left.map(name).collect();
        // One that moved to the next page while they were read is listed twice.
        let mut seen = BTreeSet::new();
        names.retain(|name| name.starts_with("without an id") || seen.insert(name.clone()));
        found.listed = Some(names);
        Ok(found)
    }

    /// The keys of this secret in the list, if the list can be trusted to show them.
    fn look_through(
        &self,
        ctx: &StepContext<'_>,
        list: &List,
        listed: &[Listed],
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<Vec<Ours>, BackendError> {
        let shown = &list.call.shown;
        if list.item_label.is_none() {
            tracing::warn!(
                request = shown,
                "the provider keeps no labels, so the key of a try that died before it was stored cannot be told from others"
            );
            return Ok(Vec::new());
        }
        let unfit = |why: Unfit| {
            BackendError::misconfigured(format!(
                "nothing can be reconciled with the reply to {shown}: {why}"
            ))
        };
        let secret = Hash::of_secret(ctx.secret_arn());
        let ours = if self.provider.may_lack_ids() {
            identified(shown, listed, secret)
        } else {
            ours(listed, secret).map_err(unfit)?
        };
        let left_behind = |id: &str| !live.protects(id) && ours.iter().any(|ours| ours.id == id);
        let current = live.current().text(&self.provider.fields.id);
        if let Some(doubt) = sight(listed, left_behind, current.as_deref()).map_err(unfit)? {
            tracing::warn!(request = shown, "{doubt}");
        }
        Ok(ours)
    }

    /// Revokes an orphan. A refusal that would meet every later try as well is only reported: a
    /// provider that goes on listing revoked keys would else end all rotations.
    ///
    /// Says whether it is gone.
    async fn end_orphan(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
        (address, id): (&str, Option<&str>),
    ) -> Result<bool, BackendError> {
        match self.revoke(admin, document, address).await {
            Ok(Retirement::AlreadyGone) => {
                // It may have been revoked a moment ago. If not, the request is described wrongly.
                tracing::warn!(
                    id,
                    request = self.provider.revoke.call.shown,
                    "a key of this secret is held by no labelled version, and is listed, but not there to be revoked; if this recurs, correct the revoke request"
                );
                Ok(true)
            }
            Ok(ended) => {
                tracing::warn!(id, result = %ended, "a key of this secret is held by no labelled version");
                Ok(ended == Retirement::Retired)
            }
            Err(refusal) if refusal.is_for_good() => {
                let status = refusal.status.map(|status| status.as_u16());
                tracing::warn!(
                    id,
                    status,
                    "a key of this secret is held by no labelled version, and could not be revoked; revoke it by hand, or keep revoked keys out of the list"
                );
                Ok(false)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// Whether what is taken for ids are the keys: the current one is known, and is among them.
fn shows_keys_as_ids(listed: &[Listed], key: Option<&str>) -> bool {
    key.is_some_and(|key| listed.iter().any(|listed| listed.address.as_deref() == Some(key)))
}

fn warn_of_no_list(list: Option<&List>, status: Option<StatusCode>) {
    let request = list.map(|list| list.call.shown.as_str());
    let status = status.map(|status| status.as_u16());
    tracing::warn!(
        request,
        status,
        "the provider has no listing, so the key of a try that died before it was stored cannot be found: at most one for each such try, to be looked for at the provider by its time of creation"
    );
}

/// The keys of this secret that the list has an id for, where it may lack ids.
fn identified(request: &str, listed: &[Listed], secret: Hash) -> Vec<Ours> {
    let (ours, nameless) = split(listed, secret);
    if nameless > 0 {
        tracing::warn!(
            keys = nameless,
            request,
            "keys of this secret are listed without an id, so those among them that no version holds cannot be told, nor revoked"
        );
    }
    ours
}

fn judged(ctx: &StepContext<'_>, live: Live<'_, ApiKeyDocument>, ours: Vec<Ours>) -> Vec<(Verdict, Ours)> {
    let facts = Facts {
        token: Hash::of_token(ctx.version()),
        as_of: ctx.as_of(),
        now: wall_now(ctx),
        protects: &|id| live.protects(id),
        all_identified: live.all_identified(),
    };
    ours.into_iter().map(|key| (judge(&key, &facts), key)).collect()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
