//! The backend: which requests are made in which step.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use rotation_core::{
    BackendError, CredentialBackend, Live, Profile, Retire, Retirement, StepContext, async_trait,
};
use serde_json::Value;

use crate::admin::{Admin, AdminHeader};
use crate::document::ApiKeyDocument;
use crate::error::ProviderError;
use crate::exchange::{Sender, id_at, id_text, json};
use crate::hosts::AllowedHosts;
use crate::label::{Hash, Label};
use crate::provider::Provider;
use crate::reconcile::{Facts, Listed, Verdict, judge};
use crate::request::Call;
use crate::template::Values;
use crate::transport::{ReqwestTransport, Transport};
use crate::verify;

/// Rotates keys that a provider makes.
///
/// | step | requests |
/// |---|---|
/// | createSecret | verify with the current key, if there is a previous one; revoke of the previous key, which is about to lose its last label; list; revoke of each orphan; create, once |
/// | setSecret | none: the key works since it was made |
/// | testSecret | verify with the pending key, until it works |
/// | finishSecret | none; without grace, revoke of the superseded key |
///
/// The admin secret is read in createSecret, and wherever a key is revoked.
///
/// # Orphans
///
/// A function that dies after the provider made a key and before the key was stored leaves a key
/// that works and that nobody knows of. Every key is therefore made with a label: a hash of the
/// secret's ARN, one of the rotation's token, and the time at which the invocation that makes it is
/// over. The next createSecret, of this rotation or another, lists the keys and revokes those with
/// a label of this secret, unless a labelled version holds their id, or their maker may still be
/// about to store them (until 60 seconds after its end). Where the id of some labelled version's
/// key is not known, only keys of this very rotation are revoked. A key whose label is not exactly
/// ours is never touched.
///
/// # Propagation
///
/// Verify is repeated, with growing pauses, while the provider answers with 401, 403, 404, 408, 429
/// or 5xx or not at all: a new key may not be known everywhere yet. This takes at most half of the
/// time that is left, and 30 seconds unless [`with_verify_limit`](Self::with_verify_limit) says
/// otherwise; a replay of the step goes on with it.
///
/// # Example
///
/// ```
/// use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, Request};
/// use serde_json::json;
///
/// let provider = Provider::builder()
///     .base_url("{secret.api_endpoint}")
///     .create(Request::post("/api-keys").json(json!({"account_id": "{secret.account_id}", "label": "{label}"})))
///     .key_at("/key")
///     .id_at("/id")
///     .list(Request::get("/api-keys"))
///     .items_at("/keys")
///     .item_id_at("/id")
///     .item_label_at("/label")
///     .verify(Request::get("/health").header("authorization", "Bearer {key}"))
///     .revoke(Request::delete("/api-keys/{id}"))
///     .build()?;
/// let admin = Admin::secret("arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-admin-abc123")
///     .json_pointer("/token")
///     .header("x-admin-token");
/// let backend = HttpBackend::new(provider, admin, AllowedHosts::new(["api.vendor.com"])?)?;
/// # Ok::<(), rotation_http::ProviderError>(())
/// ```
pub struct HttpBackend<T = ReqwestTransport> {
    provider: Provider,
    admin: Admin,
    hosts: AllowedHosts,
    transport: T,
    verify_limit: Duration,
}

impl HttpBackend {
    /// A backend over [`ReqwestTransport`].
    ///
    /// # Errors
    ///
    /// [`ProviderError`] when the parts do not suit each other: a fixed base URL whose host is not
    /// allowed, an admin header that a request of the description sets itself, an admin
    /// credential that is not complete.
    pub fn new(provider: Provider, admin: Admin, hosts: AllowedHosts) -> Result<Self, ProviderError> {
        admin.check()?;
        let header = admin.header_name()?;
        for (name, call) in [
            ("create", &provider.create),
            ("list", &provider.list),
            ("revoke", &provider.revoke),
        ] {
            if call.sets(&header) {
                return Err(ProviderError::new(
                    format!("{name}: header {header}"),
                    "carries the admin credential; take it out of the request",
                ));
            }
        }
        if let Some(base) = provider.fixed_base() {
            hosts
                .check(&base)
                .map_err(|error| ProviderError::new("base_url", error.to_string()))?;
        }
        Ok(Self {
            provider,
            admin,
            hosts,
            transport: ReqwestTransport::new(),
            verify_limit: verify::LIMIT,
        })
    }
}

impl<T> HttpBackend<T> {
    /// The same backend over another transport.
    #[must_use]
    pub fn with_transport<U: Transport>(self, transport: U) -> HttpBackend<U> {
        HttpBackend {
            provider: self.provider,
            admin: self.admin,
            hosts: self.hosts,
            transport,
            verify_limit: self.verify_limit,
        }
    }

    /// Waits for a new key to work for this long at most, and for half of the time left. 30
    /// seconds by default.
    #[must_use]
    pub fn with_verify_limit(mut self, limit: Duration) -> Self {
        self.verify_limit = limit;
        self
    }
}

impl<T: Transport> HttpBackend<T> {
    fn sender<'a>(&'a self, ctx: &'a StepContext<'a>) -> Sender<'a, T> {
        Sender {
            ctx,
            provider: &self.provider,
            hosts: &self.hosts,
            transport: &self.transport,
        }
    }

    /// All keys that the provider lists.
    async fn list(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        document: &ApiKeyDocument,
    ) -> Result<Vec<Listed>, BackendError> {
        let (call, at) = (&self.provider.list, &self.provider.at);
        let body = sender.admin(call, &Values::of(document), admin).await?;
        let reply = json(call, body)?;
        let items = reply
            .0
            .pointer(&at.items)
            .and_then(Value::as_array)
            .ok_or_else(|| missing(call, "array of keys", &at.items))?;
        let listed = |item: &Value| Listed {
            id: id_at(item, &at.item_id).map(id_text),
            label: item
                .pointer(&at.item_label)
                .and_then(Value::as_str)
                .map(str::to_owned),
        };
        Ok(items.iter().map(listed).collect())
    }

    /// Revokes what earlier tries left behind. Returns the ids of the keys whose makers may still
    /// be at work.
    async fn reconcile(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<Vec<String>, BackendError> {
        let keys = self.list(sender, admin, live.current()).await?;
        let mut at_work = Vec::new();
        for (verdict, key) in judged(sender.ctx, live, keys) {
            let id = key.id.as_deref();
            match (verdict, id) {
                (Verdict::NotOurs | Verdict::Live, _) => {}
                (Verdict::MakerInTime { until }, _) => {
                    let until = until
                        .duration_since(SystemTime::UNIX_EPOCH)
                        .unwrap_or_default()
                        .as_secs();
                    tracing::info!(
                        id,
                        until,
                        "a key is not stored yet, and its maker may still be at work"
                    );
                    at_work.push(id.unwrap_or("without id").to_owned());
                }
                (Verdict::Unidentifiable, _) => {
                    tracing::warn!(
                        id,
                        "a key looks like an orphan, and is kept because a labelled version has no key id"
                    );
                }
                (Verdict::Orphan, Some(id)) => {
                    let ended = self.revoke(sender, admin, live.current(), id).await?;
                    tracing::warn!(id, result = %ended, "a key that was made and never stored");
                }
                (Verdict::Orphan, None) => {
                    tracing::warn!(
                        label = key.label,
                        "a key that was never stored has no id in the list; revoke it by hand"
                    );
                }
            }
        }
        Ok(at_work)
    }

    /// Ends the key with this id.
    async fn revoke(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        document: &ApiKeyDocument,
        id: &str,
    ) -> Result<Retirement, BackendError> {
        let values = Values {
            id: Some(Cow::Borrowed(id)),
            ..Values::of(document)
        };
        match sender.admin(&self.provider.revoke, &values, admin).await {
            Ok(_) => Ok(Retirement::Retired),
            Err(refusal) if matches!(refusal.status, Some(StatusCode::NOT_FOUND | StatusCode::GONE)) => {
                Ok(Retirement::AlreadyGone)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Makes one key with one request, whatever becomes of it.
    async fn mint(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        live: Live<'_, ApiKeyDocument>,
        at_work: &[String],
    ) -> Result<ApiKeyDocument, BackendError> {
        let ctx = sender.ctx;
        if ctx.remaining() < TIME_TO_MINT {
            return Err(BackendError::unavailable(
                "too little time is left to make a key; a replay makes one",
            ));
        }
        let label = Label {
            secret: Hash::of_secret(ctx.secret_arn()),
            token: Hash::of_token(ctx.version()),
            deadline: ctx.wall_deadline(),
        };
        let values = Values {
            label: Some(Cow::Owned(label.to_string())),
            ..Values::of(live.current())
        };
        let call = &self.provider.create;
        let body = sender.admin(call, &values, admin).await.map_err(|refusal| match refusal.status {
            // A limit on the number of keys that the keys of other tries take up ends by itself.
            Some(status) if status.is_client_error() && !is_admin_refused(status) && !at_work.is_empty() => {
                BackendError::unavailable(format!(
                    "{} answered with status {}, and there are keys whose makers may still be at work ({}); a replay revokes them once they are not",
                    call.shown,
                    status.as_u16(),
                    at_work.join(", ")
                ))
            }
            _ => refusal.error,
        })?;
        let reply = json(call, body)?;
        self.adopt(sender, admin, live, &reply.0).await
    }

    /// The current document with the new key in it. A key that cannot be used is revoked.
    async fn adopt(
        &self,
        sender: &Sender<'_, T>,
        admin: &mut AdminHeader<'_>,
        live: Live<'_, ApiKeyDocument>,
        reply: &Value,
    ) -> Result<ApiKeyDocument, BackendError> {
        let (call, at, current) = (&self.provider.create, &self.provider.at, live.current());
        let Some(id) = id_at(reply, &at.id) else {
            // Nothing to revoke it by; its label tells the next run.
            return Err(missing(
                call,
                "key id (a text of printable ASCII, or a number)",
                &at.id,
            ));
        };
        let text = id_text(id);
        if live.protects(&text) {
            return Err(BackendError::misconfigured(format!(
                "{} answered with the id of a key that is in use already ({text}); the request has to make a new key",
                call.shown
            )));
        }
        let key = reply
            .pointer(&at.key)
            .and_then(Value::as_str)
            .filter(|key| !key.is_empty());
        let Some(key) = key else {
            let ended = self.revoke(sender, admin, current, &text).await;
            let result = ended.map_or_else(|error| error.to_string(), |ended| ended.to_string());
            tracing::warn!(id = text, result, "a key was made and the reply does not hold it");
            return Err(missing(call, "key (a text)", &at.key));
        };
        let id = current.in_type_of(&self.provider.key_id_field, id.clone());
        let made = current.clone().with(&self.provider.key_field, Value::from(key));
        Ok(made.with(&self.provider.key_id_field, id))
    }
}

/// With less time than this left, no key is made: its reply would be lost too easily.
const TIME_TO_MINT: Duration = Duration::from_secs(5);

fn judged(
    ctx: &StepContext<'_>,
    live: Live<'_, ApiKeyDocument>,
    keys: Vec<Listed>,
) -> Vec<(Verdict, Listed)> {
    let facts = Facts {
        secret: Hash::of_secret(ctx.secret_arn()),
        token: Hash::of_token(ctx.version()),
        now: ctx.now(),
        protects: &|id| live.protects(id),
        all_identified: live.all_identified(),
    };
    keys.into_iter().map(|key| (judge(&key, &facts), key)).collect()
}

fn is_admin_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn missing(call: &Call, what: &str, pointer: &str) -> BackendError {
    BackendError::misconfigured(format!(
        "the reply to {} has no {what} at {pointer:?}; correct the pointer in the provider's description",
        call.shown
    ))
}

#[async_trait]
impl<T: Transport> CredentialBackend for HttpBackend<T> {
    type Credential = ApiKeyDocument;

    fn profile(&self) -> Profile {
        Profile::minted("http-api-key")
    }

    fn id(&self, credential: &ApiKeyDocument) -> Option<String> {
        credential.text(&self.provider.key_id_field).map(Cow::into_owned)
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, ApiKeyDocument>,
    ) -> Result<ApiKeyDocument, BackendError> {
        let sender = self.sender(ctx);
        let mut admin = AdminHeader::new(&self.admin);
        let at_work = self.reconcile(&sender, &mut admin, live).await?;
        self.mint(&sender, &mut admin, live, &at_work).await
    }

    async fn set(
        &self,
        _: &StepContext<'_>,
        _: &ApiKeyDocument,
        _: Live<'_, ApiKeyDocument>,
    ) -> Result<(), BackendError> {
        // The key works since the provider made it; with this profile, set is not called.
        Ok(())
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &ApiKeyDocument) -> Result<(), BackendError> {
        let field = &self.provider.key_field;
        let key = pending.text(field).ok_or_else(|| {
            BackendError::misconfigured(format!(
                "the secret's document has no key in the field {field:?}; add it"
            ))
        })?;
        let values = Values {
            key: Some(key),
            id: pending.text(&self.provider.key_id_field),
            ..Values::of(pending)
        };
        verify::until_it_works(&self.sender(ctx), &values, self.verify_limit).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &ApiKeyDocument,
        _: Retire,
    ) -> Result<Retirement, BackendError> {
        let Some(id) = self.id(credential) else {
            return Ok(Retirement::kept("no key id"));
        };
        let mut admin = AdminHeader::new(&self.admin);
        self.revoke(&self.sender(ctx), &mut admin, credential, &id).await
    }
}

impl<T> fmt::Debug for HttpBackend<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBackend")
            .field("provider", &self.provider)
            .field("admin", &self.admin)
            .field("hosts", &self.hosts)
            .field("verify_limit", &self.verify_limit)
            .finish_non_exhaustive()
    }
}
