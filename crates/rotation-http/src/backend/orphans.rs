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
use crate::reconcile::{
    Facts, Listed, OurKey, Unfit, Verdict, check_list, judge, our_keys, our_keys_with_id,
};
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
        let (list, listed) = match self.list(admin, current).await? {
            Listing::Shown(list, listed) => (list, listed),
            Listing::Missing(status) => {
                warn_of_no_list(self.provider.list.as_ref(), status);
                return Ok(Found::default());
            }
        };
        let fields = &self.provider.fields;
        refuse_keys_as_ids(list, &listed, current.text(&fields.key).as_deref())?;
        let ours = self.our_keys_in(admin.plain.ctx, list, &listed, live)?;
        let mut found = Found {
            finds_orphans: list.item_label.is_some(),
            printable: shows_id(&listed, current.text(&fields.id).as_deref()),
            ..Found::default()
        };
        let ended = self.end_orphans(admin, live, ours, &mut found).await?;
        found.listed = Some(names_of_the_rest(&listed, &ended, live));
        Ok(found)
    }

    /// Revokes the orphans among our keys, and notes those whose makers may still be at work. Says what the
    /// provider calls those that are gone.
    async fn end_orphans(
        &self,
        admin: &mut AdminSender<'_, T>,
        live: Live<'_, ApiKeyDocument>,
        ours: Vec<OurKey>,
        found: &mut Found,
    ) -> Result<Vec<String>, BackendError> {
        let mut ended = Vec::new();
        for (verdict, key) in judged(admin.plain.ctx, live, ours) {
            let id = found.printable.then_some(key.id.as_str());
            match verdict {
                Verdict::Live => {}
                Verdict::MakerInTime { until } => {
                    say_maker_in_time(id, until);
                    found.at_work.push(key.id);
                }
                Verdict::Unidentifiable => warn_of_unidentifiable(id),
                Verdict::Orphan => {
                    if self.end_orphan(admin, live.current(), &key.address, id).await? {
                        ended.push(key.address);
                    }
                }
            }
        }
        Ok(ended)
    }

    /// The keys of this secret in the list, if the list can be trusted to show them.
    fn our_keys_in(
        &self,
        ctx: &StepContext<'_>,
        list: &List,
        listed: &[Listed],
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<Vec<OurKey>, BackendError> {
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
            our_keys(listed, secret).map_err(unfit)?
        };
        let left_behind = |id: &str| !live.protects(id) && ours.iter().any(|ours| ours.id == id);
        let current = live.current().text(&self.provider.fields.id);
        if let Some(doubt) = check_list(listed, left_behind, current.as_deref()).map_err(unfit)? {
            tracing::warn!(request = shown, "{doubt}");
        }
        Ok(ours)
    }

    /// Revokes an orphan, and says whether it is gone. If the provider would refuse every later try as well,
    /// this is only reported: otherwise a provider that lists revoked keys would stop all rotations.
    async fn end_orphan(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
        address: &str,
        id: Option<&str>,
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

/// Refuses a list that has keys where the ids should be. The current key is known, so it is looked for among
/// the ids.
fn refuse_keys_as_ids(list: &List, listed: &[Listed], key: Option<&str>) -> Result<(), BackendError> {
    let is_key = |listed: &Listed| listed.address.as_deref() == key;
    if key.is_none() || !listed.iter().any(is_key) {
        return Ok(());
    }
    Err(BackendError::misconfigured(format!(
        "the reply to {} has the key itself at {:?}, and ids are printed; point item_id_at at the id",
        list.call.shown, list.item_id
    )))
}

/// Whether the list shows the current key's id. If it does not, `item_id_at` may lead to keys instead of ids.
fn shows_id(listed: &[Listed], own: Option<&str>) -> bool {
    let is_own = |key: &Listed| [&key.id, &key.address].into_iter().any(|id| id.as_deref() == own);
    own.is_some() && listed.iter().any(is_own)
}

/// The listed keys that were not ended just now, each once, for people to read.
fn names_of_the_rest(listed: &[Listed], ended: &[String], live: Live<'_, ApiKeyDocument>) -> Vec<String> {
    let left = listed
        .iter()
        .filter(|key| key.address.as_ref().is_none_or(|id| !ended.contains(id)));
    let name = |key: &Listed| {
        let held = key.id.as_deref().is_some_and(|id| live.protects(id));
        let id = key.address.as_deref().unwrap_or(NAMELESS);
        format!("{id}{}", if held { " (a version holds it)" } else { "" })
    };
    // A key that moved to the next page during the reading is listed twice.
    let mut seen = BTreeSet::new();
    left.map(name)
        .filter(|name| name.starts_with(NAMELESS) || seen.insert(name.clone()))
        .collect()
}

const NAMELESS: &str = "without an id";

fn say_maker_in_time(id: Option<&str>, until: SystemTime) {
    let until = seconds(until);
    tracing::info!(
        id,
        until,
        "a key is held by no labelled version yet, and its maker may still be at work"
    );
}

fn warn_of_unidentifiable(id: Option<&str>) {
    tracing::warn!(
        id,
        "a key looks like an orphan, and is kept because a labelled version has no key id"
    );
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

/// The keys of this secret that have an id in the list. The rest are counted in a warning.
fn identified(request: &str, listed: &[Listed], secret: Hash) -> Vec<OurKey> {
    let (ours, nameless) = our_keys_with_id(listed, secret);
    if nameless > 0 {
        tracing::warn!(
            keys = nameless,
            request,
            "keys of this secret are listed without an id, so those among them that no version holds cannot be told, nor revoked"
        );
    }
    ours
}

fn judged(
    ctx: &StepContext<'_>,
    live: Live<'_, ApiKeyDocument>,
    ours: Vec<OurKey>,
) -> Vec<(Verdict, OurKey)> {
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
