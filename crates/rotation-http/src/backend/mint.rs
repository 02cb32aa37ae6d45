//! Making a key, and what its reply has to hold.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use rotation_core::{BackendError, ErrorClass, Live, Retirement, StepContext};
use serde_json::{Number, Value};

use super::HttpBackend;
use super::found::Found;
use crate::admin::AdminSender;
use crate::answer::Refusal;
use crate::call::Call;
use crate::document::ApiKeyDocument;
use crate::label::{Hash, Label};
use crate::placeholder::Values;
use crate::provider::Minted;
use crate::reconcile::LONGEST;
use crate::reply::{id_at, id_text, missing, parse_json};
use crate::sender::wall_now;
use crate::transport::Transport;

impl<T: Transport> HttpBackend<T> {
    /// Makes one key with one request, whatever becomes of it.
    pub(super) async fn mint(
        &self,
        minted: &Minted,
        admin: &mut AdminSender<'_, T>,
        live: Live<'_, ApiKeyDocument>,
        found: &Found,
    ) -> Result<ApiKeyDocument, BackendError> {
        let ctx = admin.plain.ctx;
        let label = label(ctx)?;
        enough_time(ctx, label.deadline)?;
        let values = Values {
            label: Some(Cow::Owned(label.to_string())),
            ..Values::of(live.current())
        };
        let call = &minted.create;
        let at = httpdate::fmt_http_date(wall_now(ctx));
        if !found.finds_orphans {
            // This comes before the request: after a crash nothing else tells the time.
            tracing::warn!(
                request = call.shown,
                at,
                "a key is about to be made at a provider where nothing finds it again: if this step does not report that it is done, at most one key is left behind, made at this time; look for it there"
            );
        }
        let body = admin.once(call, &values).await;
        let body = body.map_err(|refusal| not_made(call, refusal, found, &at))?;
        let reply = parse_json(&call.shown, body)?;
        self.adopt(minted, admin, live, reply.expose_secret()).await
    }

    /// The current document with the new key in it. A key that cannot be used is revoked.
    async fn adopt(
        &self,
        minted: &Minted,
        admin: &mut AdminSender<'_, T>,
        live: Live<'_, ApiKeyDocument>,
        reply: &Value,
    ) -> Result<ApiKeyDocument, BackendError> {
        let (current, at) = (live.current(), &minted.key);
        let id = new_id(minted, live, reply)?;
        let key = reply.pointer(at).and_then(Value::as_str);
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            self.end_unusable(admin, current, id.map(id_text)).await;
            return Err(missing(&minted.create.shown, "key (a text)", at));
        };
        // An id that holds the key is wrong. A key that holds its id is not: some vendors make such keys.
        if id.map(id_text).is_some_and(|id| id.contains(key)) {
            // The next run finds the key by its label, and must not print this id either.
            return Err(BackendError::misconfigured(format!(
                "the reply to {} has the key itself at {:?}, and ids are logged; point id_at at the id",
                minted.create.shown, minted.id
            )));
        }
        let Some(id) = id else {
            return self
                .without_id(minted, live, key)
                .map(|made| self.with_expiry(minted, made, reply));
        };
        let fields = &self.provider.fields;
        let made = current.clone().with(&fields.key, Value::from(key));
        let made = made.with(&fields.id, current.in_type_of(&fields.id, id.clone()));
        Ok(self.with_expiry(minted, made, reply))
    }

    /// The document with the time at which the key expires, if the description says where it is.
    fn with_expiry(&self, minted: &Minted, made: ApiKeyDocument, reply: &Value) -> ApiKeyDocument {
        let Some(at) = &minted.expiry else {
            return made;
        };
        let field = &self.provider.fields.expiry;
        let is_key = |text: &str| reply.pointer(&minted.key).and_then(Value::as_str) == Some(text);
        match reply.pointer(at) {
            Some(Value::String(text)) if is_time(text) && !is_key(text) => {
                tracing::info!(expires = text, "the new key expires");
                made.with(field, Value::from(text.as_str()))
            }
            Some(Value::Number(number)) if is_epoch(number) => {
                tracing::info!(expires = %number, "the new key expires");
                made.with(field, Value::Number(number.clone()))
            }
            None | Some(Value::Null) => made.without(field),
            Some(_) => {
                tracing::warn!(
                    at,
                    "the reply holds no time at which the key expires here; correct expires_at"
                );
                made.without(field)
            }
        }
    }

    /// The current document with a new key that has no id. The id of the old one must not stand
    /// beside it: the old key would be protected, and the new one revoked in its name.
    fn without_id(
        &self,
        minted: &Minted,
        live: Live<'_, ApiKeyDocument>,
        key: &str,
    ) -> Result<ApiKeyDocument, BackendError> {
        let (call, field) = (&minted.create, &self.provider.fields.key);
        let is_same = |known: &ApiKeyDocument| known.text(field).as_deref() == Some(key);
        if is_same(live.current()) || live.previous().is_some_and(is_same) {
            return Err(in_use(call, "a key that is in use already"));
        }
        tracing::warn!(
            request = call.shown,
            "the reply holds a new key and no id for it: the key counts as live for ever, and is never revoked"
        );
        let made = live.current().clone().with(field, Value::from(key));
        Ok(made.without(&self.provider.fields.id))
    }

    /// Revokes a key that was made, though the reply to create does not hold it.
    async fn end_unusable(
        &self,
        admin: &mut AdminSender<'_, T>,
        document: &ApiKeyDocument,
        id: Option<String>,
    ) {
        let result = match &id {
            None => Retirement::kept("no key id").to_string(),
            Some(id) => {
                let ended = self.revoke(admin, document, id).await;
                ended.map_or_else(|refusal| refusal.error.to_string(), |ended| ended.to_string())
            }
        };
        // The id is left out: with a wrong pointer it may be the key.
        tracing::warn!(result, "a key was made and the reply does not hold it");
    }
}

/// The new key's id in the reply to create, if it has one that can be used.
fn new_id<'r>(
    minted: &Minted,
    live: Live<'_, ApiKeyDocument>,
    reply: &'r Value,
) -> Result<Option<&'r Value>, BackendError> {
    let (call, at) = (&minted.create, &minted.id);
    let Some(id) = id_at(reply, at) else {
        if minted.id_may_be_missing {
            return Ok(None);
        }
        // Without an id it cannot be revoked now. The next run finds it by its label.
        return Err(missing(
            &call.shown,
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

/// The label for a key that is made now.
pub(super) fn label(ctx: &StepContext<'_>) -> Result<Label, BackendError> {
    let longest = ctx.as_of().checked_add(LONGEST).unwrap_or_else(|| ctx.as_of());
    Ok(Label {
        secret: Hash::of_secret(ctx.secret_arn()),
        token: Hash::of_token(ctx.version()),
        deadline: ctx.wall_deadline().min(longest),
    })
}

/// No key is made with less time left than this: its reply would be lost too easily.
const TIME_TO_MINT: Duration = Duration::from_secs(5);

fn enough_time(ctx: &StepContext<'_>, deadline: SystemTime) -> Result<(), BackendError> {
    let left = deadline.duration_since(wall_now(ctx)).unwrap_or_default();
    if left.min(ctx.remaining()) < TIME_TO_MINT {
        return Err(BackendError::unavailable(
            "too little time is left to make a key; a replay makes one",
        ));
    }
    Ok(())
}

/// Whether the text is a time as providers write it, by RFC 3339 or as an HTTP date. The text is logged, and
/// with a wrong pointer any other text may be a secret.
fn is_time(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        0..=9 => byte.is_ascii_digit(),
        _ => byte.is_ascii_digit() || b" TtZz:.+-".contains(&byte),
    };
    let is_date = (10..=40).contains(&text.len()) && text.bytes().enumerate().all(shape);
    is_date || httpdate::parse_http_date(text).is_ok()
}

/// Whether the number may be seconds or milliseconds since 1970.
fn is_epoch(number: &Number) -> bool {
    number.as_u64().is_some_and(|number| number < 10_000_000_000_000)
}

fn not_made(call: &Call, refusal: Refusal, found: &Found, at: &str) -> BackendError {
    let is_open =
        refusal.sent && refusal.status.is_none() && refusal.error.class() == ErrorClass::Unavailable;
    if is_open && !found.finds_orphans {
        return BackendError::unavailable(format!(
            "{} was sent and not answered, at {at}: a key may have been made then, and nothing finds it again; look for it at the provider",
            call.shown
        ))
        .with_source(refusal.error);
    }
    found.not_made(&call.shown, refusal)
}

fn in_use(call: &Call, what: &str) -> BackendError {
    BackendError::misconfigured(format!(
        "{} answered with {what}; the request has to make a new key",
        call.shown
    ))
}
