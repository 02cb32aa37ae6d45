//! Keys that earlier tries left behind: found in the provider's list, and revoked.

use std::time::SystemTime;

use http::StatusCode;
use rotation_core::{BackendError, Live, Retirement, StepContext};
use serde_json::Value;

use super::{HttpBackend, ONE_REQUEST, missing};
use crate::admin::AdminHeader;
use crate::document::ApiKeyDocument;
use crate::exchange::{Sender, id_at, id_text, is_unknown_request, json};
use crate::label::Hash;
use crate::reconcile::{Facts, Listed, Ours, Unfit, Verdict, judge, ours, sight, split};
use crate::template::Values;
use crate::transport::Transport;

impl<T: Transport> HttpBackend<T> {
    /// Revokes what earlier tries left behind. Returns the ids of the keys whose makers may still
    /// be at work.
    pub(super) async fn reconcile(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<Vec<String>, BackendError> {
        let current = live.current();
        let listed = match self.list(sender, admin, current).await? {
            Listing::Shown(listed) => listed,
            Listing::Missing(status) => {
                tracing::warn!(
                    request = self.provider.list.shown,
                    status = status.as_u16(),
                    "the provider has no listing, so the key of a try that died before it was stored cannot be found: at most one for each such try, to be looked for at the provider by its time of creation"
                );
                return Ok(Vec::new());
            }
        };
        let ours = self.look_through(sender.ctx, &listed, live)?;
        let mut at_work = Vec::new();
        for (verdict, Ours { id, .. }) in judged(sender.ctx, live, ours) {
            match verdict {
                Verdict::Live => {}
                Verdict::MakerInTime { until } => {
                    let until = seconds(until);
                    tracing::info!(
                        id,
                        until,
                        "a key is held by no labelled version yet, and its maker may still be at work"
                    );
                    at_work.push(id);
                }
                Verdict::Unidentifiable => tracing::warn!(
                    id,
                    "a key looks like an orphan, and is kept because a labelled version has no key id"
                ),
                Verdict::Orphan => self.end_orphan(sender, admin, current, &id).await?,
            }
        }
        Ok(at_work)
    }

    /// All keys that the provider lists, if it has a listing.
    pub(super) async fn list(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        document: &ApiKeyDocument,
    ) -> Result<Listing, BackendError> {
        let (call, at) = (&self.provider.list, &self.provider.at);
        let body = sender
            .admin(call, &Values::of(document), admin, ONE_REQUEST)
            .await;
        let body = match body {
            Ok(body) => body,
            Err(refusal) => match refusal.status {
                Some(status) if self.provider.optional.list && is_unknown_request(status) => {
                    return Ok(Listing::Missing(status));
                }
                _ => return Err(refusal.into()),
            },
        };
        let reply = json(call, body)?;
        let items = match reply.0.pointer(&at.items) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(Value::Null) => &[],
            _ => return Err(missing(call, "array of keys", &at.items)),
        };
        let listed = |item: &Value| Listed {
            id: id_at(item, &at.item_id).map(id_text),
            label: item
                .pointer(&at.item_label)
                .and_then(Value::as_str)
                .map(str::to_owned),
        };
        Ok(Listing::Shown(items.iter().map(listed).collect()))
    }

    /// The keys of this secret in the list, if the list can be trusted to show them.
    fn look_through(
        &self,
        ctx: &StepContext<'_>,
        listed: &[Listed],
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<Vec<Ours>, BackendError> {
        let unfit = |why: Unfit| {
            BackendError::misconfigured(format!(
                "nothing can be reconciled with the reply to {}: {why}",
                self.provider.list.shown
            ))
        };
        let secret = Hash::of_secret(ctx.secret_arn());
        let ours = if self.provider.optional.id {
            self.identified(listed, secret)
        } else {
            ours(listed, secret).map_err(unfit)?
        };
        let left_behind = |id: &str| !live.protects(id) && ours.iter().any(|ours| ours.id == id);
        let current = live.current().text(&self.provider.key_id_field);
        if let Some(doubt) = sight(listed, left_behind, current.as_deref()).map_err(unfit)? {
            tracing::warn!(request = self.provider.list.shown, "{doubt}");
        }
        Ok(ours)
    }

    /// The keys of this secret that the list has an id for, where it may lack ids.
    fn identified(&self, listed: &[Listed], secret: Hash) -> Vec<Ours> {
        let (ours, nameless) = split(listed, secret);
        if nameless > 0 {
            tracing::warn!(
                keys = nameless,
                request = self.provider.list.shown,
                "keys of this secret are listed without an id, so those among them that no version holds cannot be told, nor revoked"
            );
        }
        ours
    }

    /// Revokes an orphan. A refusal that would meet every later try as well is only reported: a
    /// provider that goes on listing revoked keys would else end all rotations.
    async fn end_orphan(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        document: &ApiKeyDocument,
        id: &str,
    ) -> Result<(), BackendError> {
        match self.revoke(sender, admin, document, id).await {
            Ok(Retirement::AlreadyGone) => {
                // It may have been revoked a moment ago. If not, the request is described wrongly.
                tracing::warn!(
                    id,
                    request = self.provider.revoke.shown,
                    "a key of this secret is held by no labelled version, and is listed, but not there to be revoked; if this recurs, correct the revoke request"
                );
                Ok(())
            }
            Ok(ended) => {
                tracing::warn!(id, result = %ended, "a key of this secret is held by no labelled version");
                Ok(())
            }
            Err(refusal) if refusal.is_for_good() => {
                let status = refusal.status.map(|status| status.as_u16());
                tracing::warn!(
                    id,
                    status,
                    "a key of this secret is held by no labelled version, and could not be revoked; revoke it by hand, or keep revoked keys out of the list"
                );
                Ok(())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// What became of the list request.
pub(super) enum Listing {
    Shown(Vec<Listed>),
    /// The provider answered that it does not know this request, and is declared so that it need not.
    Missing(StatusCode),
}

fn judged(ctx: &StepContext<'_>, live: Live<'_, ApiKeyDocument>, ours: Vec<Ours>) -> Vec<(Verdict, Ours)> {
    let facts = Facts {
        token: Hash::of_token(ctx.version()),
        as_of: ctx.as_of(),
        now: super::wall_now(ctx),
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
