//! The backend: what it is made of.

use std::fmt;
use std::time::Duration;

use rotation_core::{BackendError, StepContext};

use crate::admin::{Admin, AdminSender};
use crate::document::ApiKeyDocument;
use crate::error::ProviderError;
use crate::hosts::AllowedHosts;
use crate::placeholder::Values;
use crate::provider::Provider;
use crate::sender::Sender;
use crate::transport::{ReqwestTransport, Transport};
use crate::verify;

mod choose;
mod found;
mod list;
mod mint;
mod orphans;
mod revoke;
mod set;
mod steps;

/// Rotates API keys: those that a provider makes, and those that are made here and uploaded.
///
/// | step | the provider makes the key | it is made here |
/// |---|---|---|
/// | createSecret | verify with the current key, if there is a previous one; revoke of the previous key, which is about to lose its last label; list; revoke of each orphan; create, once | the same, and no create: the key is stored, and nobody has it yet |
/// | setSecret | activate, if it is described; else none: the key works since it was made | verify; upload, unless the key works; activate, if it is described |
/// | testSecret | verify with the pending key, until it works | the same |
/// | finishSecret | none; without grace, revoke of the superseded key | the same |
///
/// The admin secret is read in createSecret and setSecret, and wherever a key is revoked. In setSecret
/// nothing is sent for a pending value whose fields, as far as requests use them, are not those of the
/// current one.
///
/// Create is sent once, whatever comes. The other requests with the admin credential are sent up to 4
/// times, with growing pauses, while the provider answers with 408, 425, 429 or 5xx or not at all, for 30
/// seconds or half of the time left at most; a `Retry-After` is waited for, or, where that would take too
/// long, said. 401 and 403 are the admin credential's, and not tried again.
///
/// # Orphans
///
/// A function that dies after the provider made a key and before the key was stored leaves a key
/// that works and that nobody knows of. Every key is therefore made with a label: a hash of the
/// secret's ARN, one of the rotation's token, and the time at which the invocation that makes it is
/// over. The next createSecret, of this rotation or another, lists the keys and revokes those with
/// a label of this secret, unless a labelled version holds their id, or their maker may still have
/// been about to store them when this step read the secret (until 60 seconds after its end). Where
/// the id of some labelled version's key is not known, only keys of this very rotation are revoked.
/// A key whose label is not exactly ours is never touched here.
///
/// The end that a label says lies 15 minutes at most after the step began, the time that a Lambda
/// function has. A step that takes longer makes no key after them, and one that stores its key more
/// than 60 seconds later is not protected from others. A label whose end is further off counts as
/// out of time.
///
/// # What the provider has to do
///
/// - Its list shows, in one reply or by pages, every key that create can make, with the label as it was
///   sent, and no key that was revoked. Where a revoked key is listed, it is revoked again in every
///   rotation: 404 and 410 mean that it is gone; any other refusal that time does not mend, such as
///   409, is logged and passed over, for orphans and for the previous key, which is then reported as
///   kept.
/// - It keeps labels of 62 characters.
///
/// createSecret looks whether the list shows the `AWSCURRENT` key, and makes none where a list
/// that holds other keys does not, or where the label of this key is a label of ours that was cut
/// or rewritten: orphans would stay. The step then fails as misconfigured. If the list was only
/// late, its replay passes. A first key that the list cannot show, because it was made for another
/// account, needs a document without the key's id: then it is not looked for, and it is kept. An
/// empty list, and one without any label, are logged as a warning.
///
/// Where the list shows as many keys as [`max_keys`](crate::ProviderBuilder::max_keys) says, none is made,
/// and the error has the ids of all; so it has where the provider refuses to make one more.
///
/// # What the provider may lack
///
/// Each of these holds only where the description declares that the provider may lack it; every other
/// provider has to do the whole. What is lacking is reported in every rotation that meets it.
///
/// | declared by | the provider answers | and then |
/// |---|---|---|
/// | [`without_list`], [`without_labels`] | – | no orphan is found. At most one key for each try that died is left behind: a warning with the time is logged before each key is made, and a request that got no answer is reported with its time |
/// | [`id_where_given`] | create without an id | the key replaces the old one, and the old one's id is taken out of the document. It counts as live for ever, and is never revoked. Nor is, while a labelled version holds it, the previous key or an orphan of another rotation: each may be the same key. One that could not be stored is reported and left behind |
/// | | a list without ids | as above: none of its keys is revoked |
/// | [`list_where_supported`] | list with 404, 405 or 501 | no orphan is found, and the look whether the list shows the current key falls away. At most one key for each try that died is left behind, and works until a person revokes it: its time of creation is that of the warning. The next key is made |
/// | [`revoke_where_supported`] | revoke with 405 or 501 | the key is kept |
/// | | revoke with 404 | the provider does not have the key, or not this request. The list is asked: if it is there, has an id for each key and does not show this one, it is gone. Otherwise it is kept: a key that works must not be taken for one that does not. An orphan, which was just listed, is kept |
///
/// A wrong path also leads to 404, so look at the first rotation's warnings. Keys that are kept add
/// up: one for each rotation, until the provider's limit is reached or a person revokes them.
///
/// [`without_list`]: crate::ProviderBuilder::without_list
/// [`without_labels`]: crate::ProviderBuilder::without_labels
/// [`id_where_given`]: crate::ProviderBuilder::id_where_given
/// [`list_where_supported`]: crate::ProviderBuilder::list_where_supported
/// [`revoke_where_supported`]: crate::ProviderBuilder::revoke_where_supported
///
/// # Propagation
///
/// Verify is repeated, with growing pauses, while the provider answers with 401, 403, 404, 408, 425,
/// 429 or 5xx or not at all: a new key may not be known everywhere yet. This takes at most half of the
/// time that is left, and 30 seconds unless [`with_verify_limit`](Self::with_verify_limit) says
/// otherwise; a replay of the step goes on with it. The log has the number of tries.
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
    /// [`ProviderError`] when the parts do not suit each other: a fixed base URL or a token endpoint
    /// whose host is not allowed, an admin header that a request of the description sets itself, an
    /// admin credential that is not complete.
    pub fn new(provider: Provider, admin: Admin, hosts: AllowedHosts) -> Result<Self, ProviderError> {
        admin.check()?;
        let auth = admin.auth_or(&provider.admin);
        for (name, call) in provider.admin_calls() {
            if let Some(header) = auth.header_names().iter().find(|header| call.sets(header)) {
                return Err(ProviderError::new(
                    format!("{name}: header {header}"),
                    "carries the admin credential; take it out of the request",
                ));
            }
        }
        if let Some(url) = auth.token_url()? {
            hosts
                .check(&url)
                .map_err(|error| ProviderError::new("admin oauth2 token_url", error.to_string()))?;
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

    fn admin_sender<'a>(&'a self, ctx: &'a StepContext<'a>) -> AdminSender<'a, T> {
        AdminSender::new(self.sender(ctx), &self.admin)
    }

    /// The values of a credential whose key is there.
    fn values_of<'c>(&self, credential: &'c ApiKeyDocument) -> Result<Values<'c>, BackendError> {
        let fields = &self.provider.fields;
        let key = credential.text(&fields.key).ok_or_else(|| {
            BackendError::misconfigured(format!(
                "the secret's document has no key in the field {:?}; add it",
                fields.key
            ))
        })?;
        Ok(Values {
            key: Some(key),
            id: credential.text(&fields.id),
            ..Values::of(credential)
        })
    }

    /// Whether requests about the key in this document may be sent at all.
    fn is_reachable(&self, document: &ApiKeyDocument) -> bool {
        let base = self.provider.base(document);
        base.and_then(|base| self.hosts.check(&base)).is_ok()
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
