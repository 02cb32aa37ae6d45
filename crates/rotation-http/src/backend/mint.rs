//! Making a key, and what its reply has to hold.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use rotation_core::{BackendError, Live, Retirement, StepContext};
use serde_json::Value;

use super::{HttpBackend, missing, wall_now};
use crate::admin::AdminHeader;
use crate::document::ApiKeyDocument;
use crate::exchange::{AdminError, Sender, id_at, id_text, json};
use crate::label::{Hash, Label};
use crate::reconcile::LONGEST;
use crate::request::Call;
use crate::template::Values;
use crate::transport::Transport;

impl<T: Transport> HttpBackend<T> {
    /// Makes one key with one request, whatever becomes of it.
    pub(super) async fn mint(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        live: Live<'_, ApiKeyDocument>,
        at_work: &[String],
    ) -> Result<ApiKeyDocument, BackendError> {
        let label = self.label(sender.ctx)?;
        let values = Values {
            label: Some(Cow::Owned(label.to_string())),
            ..Values::of(live.current())
        };
        let call = &self.provider.create;
        let body = sender.admin(call, &values, admin, Duration::MAX).await;
        let body = body.map_err(|refusal| not_made(call, refusal, at_work))?;
        let reply = json(call, body)?;
        self.adopt(sender, admin, live, &reply.0).await
    }

    /// The label for a key that is made now.
    fn label(&self, ctx: &StepContext<'_>) -> Result<Label, BackendError> {
        let longest = ctx.as_of().checked_add(LONGEST).unwrap_or_else(|| ctx.as_of());
        let deadline = ctx.wall_deadline().min(longest);
        let left = deadline.duration_since(wall_now(ctx)).unwrap_or_default();
        if left.min(ctx.remaining()) < TIME_TO_MINT {
            return Err(BackendError::unavailable(
                "too little time is left to make a key; a replay makes one",
            ));
        }
        Ok(Label {
            secret: Hash::of_secret(ctx.secret_arn()),
            token: Hash::of_token(ctx.version()),
            deadline,
        })
    }

    /// The current document with the new key in it. A key that cannot be used is revoked.
    async fn adopt(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        live: Live<'_, ApiKeyDocument>,
        reply: &Value,
    ) -> Result<ApiKeyDocument, BackendError> {
        let (current, at) = (live.current(), &self.provider.at.key);
        let id = self.new_id(live, reply)?;
        let key = reply.pointer(at).and_then(Value::as_str);
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            self.end_unusable(sender, admin, current, id.map(id_text)).await;
            return Err(missing(&self.provider.create, "key (a text)", at));
        };
        let Some(id) = id else {
            return self.without_id(live, key);
        };
        let (key_field, id_field) = (&self.provider.key_field, &self.provider.key_id_field);
        let made = current.clone().with(key_field, Value::from(key));
        Ok(made.with(id_field, current.in_type_of(id_field, id.clone())))
    }

    /// The new key's id in the reply to create, if it has one that can be used.
    fn new_id<'r>(
        &self,
        live: Live<'_, ApiKeyDocument>,
        reply: &'r Value,
    ) -> Result<Option<&'r Value>, BackendError> {
        let (call, at) = (&self.provider.create, &self.provider.at.id);
        let Some(id) = id_at(reply, at) else {
            if self.provider.optional.id {
                return Ok(None);
            }
            // Nothing to revoke it by; its label tells the next run.
            return Err(missing(
                call,
                "key id (a text of printable ASCII, or a whole number of at most 64 bits)",
                at,
            ));
        };
        let text = id_text(id);
        if live.protects(&text) {
            return Err(in_use(
                call,
                &format!("the id of a key that is in use already ({text})"),
            ));
        }
        Ok(Some(id))
    }

    /// The current document with a new key that has no id. The id of the old one must not stand
    /// beside it: the old key would be protected, and the new one revoked in its name.
    fn without_id(&self, live: Live<'_, ApiKeyDocument>, key: &str) -> Result<ApiKeyDocument, BackendError> {
        let (call, field) = (&self.provider.create, &self.provider.key_field);
        let is_same = |known: &ApiKeyDocument| known.text(field).as_deref() == Some(key);
        if is_same(live.current()) || live.previous().is_some_and(is_same) {
            return Err(in_use(call, "a key that is in use already"));
        }
        tracing::warn!(
            request = call.shown,
            "the reply holds a new key and no id for it: the key counts as live for ever, and is never revoked"
        );
        let made = live.current().clone().with(field, Value::from(key));
        Ok(made.without(&self.provider.key_id_field))
    }

    /// Revokes a key that was made and that the reply to create does not hold.
    async fn end_unusable(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        document: &ApiKeyDocument,
        id: Option<String>,
    ) {
        let result = match &id {
            None => Retirement::kept("no key id").to_string(),
            Some(id) => {
                let ended = self.revoke(sender, admin, document, id).await;
                ended.map_or_else(|refusal| refusal.error.to_string(), |ended| ended.to_string())
            }
        };
        tracing::warn!(id, result, "a key was made and the reply does not hold it");
    }
}

/// With less time than this left, no key is made: its reply would be lost too easily.
const TIME_TO_MINT: Duration = Duration::from_secs(5);

/// Why no key was made. A limit on the number of keys that the keys of other tries take up ends by
/// itself, and some providers answer it with 403.
fn not_made(call: &Call, refusal: AdminError, at_work: &[String]) -> BackendError {
    match refusal.status {
        Some(status)
            if status.is_client_error() && status != StatusCode::UNAUTHORIZED && !at_work.is_empty() =>
        {
            BackendError::unavailable(format!(
                "{} answered with status {}, and there are keys whose makers may still be at work ({}); a replay revokes them once they are not",
                call.shown,
                status.as_u16(),
                at_work.join(", ")
            ))
        }
        _ => refusal.error,
    }
}

fn in_use(call: &Call, what: &str) -> BackendError {
    BackendError::misconfigured(format!(
        "{} answered with {what}; the request has to make a new key",
        call.shown
    ))
}
