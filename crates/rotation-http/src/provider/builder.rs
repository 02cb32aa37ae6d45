//! How a description is put together.

use rotation_core::PasswordPolicy;

use super::description::Description;
use crate::admin::AdminAuth;
use crate::paging::Paging;
use crate::request::Request;

/// Puts a [`Provider`](crate::Provider) together; checked when it is [built](Self::build).
///
/// The key model is chosen by [`create`](Self::create), where the provider makes the key, or
/// [`upload`](Self::upload), where it is made here. Of two calls that contradict each other the last
/// one says what holds.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ProviderBuilder(pub(super) Description);

impl ProviderBuilder {
    /// What every request's path is laid on: `https://api.vendor.com/v1`, or with the whole URL or
    /// parts of it from the secret's document, `{secret.api_endpoint}`,
    /// `https://{secret.site}.vendor.com`. Its host must be among the [`AllowedHosts`].
    ///
    /// [`AllowedHosts`]: crate::AllowedHosts
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.0.base_url = Some(url.into());
        self
    }

    /// How the admin credential is carried: `authorization: Bearer TOKEN` unless set here or by
    /// [`Admin::auth`](crate::Admin::auth).
    pub fn admin(mut self, auth: impl Into<AdminAuth>) -> Self {
        self.0.admin = Some(Ok(auth.into()));
        self
    }

    /// The request that makes a key, sent with the admin credential, once for each createSecret. It
    /// has to carry `{label}` as the key's name or description: by it a later run finds a key that
    /// nobody stored. Labels are at most 62 characters of `a-z`, `0-9` and `-`.
    pub fn create(mut self, request: Request) -> Self {
        self.0.create = Some(request.0);
        self
    }

    /// Instead of [`create`](Self::create): the key is made here, stored, and then uploaded by this
    /// request in setSecret, with the admin credential. It has to carry `{key}`, and `{id}` as the name
    /// by which the provider knows the key; `{label}` is the same text.
    ///
    /// The same upload again must change nothing: it is repeated when its answer is lost. A status of
    /// 409 counts as an upload that an earlier try made; testSecret proves it.
    pub fn upload(mut self, request: Request) -> Self {
        self.0.upload = Some(request.0);
        self
    }

    /// What uploaded keys look like. 48 letters and digits by default, which is 285 bits.
    pub fn key_policy(mut self, policy: PasswordPolicy) -> Self {
        self.0.key_policy = Some(Ok(policy));
        self
    }

    /// A request that a key needs before it works, sent in setSecret with the admin credential, after
    /// the upload if there is one. `{id}` is the key's id. It must be idempotent: it is sent again in
    /// every replay, also for a key that works.
    pub fn activate(mut self, request: Request) -> Self {
        self.0.activate = Some(request.0);
        self
    }

    /// Where the reply to create holds the key.
    pub fn key_at(mut self, pointer: impl Into<String>) -> Self {
        self.0.key_at = Some(pointer.into());
        self
    }

    /// Where the reply to create holds the key's id: a text, or a whole number of at most 64 bits.
    pub fn id_at(mut self, pointer: impl Into<String>) -> Self {
        self.0.id_at = Some(pointer.into());
        self.0.may_lack.id = false;
        self
    }

    /// Like [`id_at`](Self::id_at), for a provider that may answer without an id. Instead of it.
    ///
    /// A key that is made without an id replaces the old one in the secret, whose id is taken out of
    /// the document. It counts as live from then on: it is never revoked, nor is any key beside it
    /// that may be the same, and a warning is logged when it is made. The verify request then has to
    /// do without `{id}`, and [`Grace::None`](rotation_core::Grace::None) cannot be kept: finishSecret
    /// says so after each promotion.
    pub fn id_where_given(mut self, pointer: impl Into<String>) -> Self {
        self = self.id_at(pointer);
        self.0.may_lack.id = true;
        self
    }

    /// Where the reply to create says when the key expires: a text or a whole number, as it is stored
    /// in the document's field [`expiry_field`](Self::expiry_field), for whoever uses the key, and
    /// logged. Null or absent means never: the field is then taken out. Rotate more often than keys
    /// expire; nothing here does it earlier.
    pub fn expires_at(mut self, pointer: impl Into<String>) -> Self {
        self.0.expires_at = Some(pointer.into());
        self
    }

    /// The request that lists keys, sent with the admin credential. It has to list all of them, in one
    /// reply or [by pages](Self::pages), with their labels as create sent them: ask for the largest page
    /// that the provider gives. Keys that were revoked must not be listed: filter them out. See
    /// [`HttpBackend`](crate::HttpBackend#what-the-provider-has-to-do).
    pub fn list(mut self, request: Request) -> Self {
        self.0.list = Some(request.0);
        self.0.may_lack.list = false;
        self.0.lacks.list = false;
        self
    }

    /// Like [`list`](Self::list), for a provider that may have no listing: a status of 404, 405 or
    /// 501 then means that it has none. Instead of it.
    ///
    /// Where it has none, nothing finds the key of a try that died between making and storing it: at
    /// most one for each such try stays at the provider, and works. Each createSecret logs a warning
    /// that says so, with the time. Any other failure of the list stops createSecret, as without this.
    pub fn list_where_supported(mut self, request: Request) -> Self {
        self = self.list(request);
        self.0.may_lack.list = true;
        self
    }

    /// The provider has no listing. Instead of [`list`](Self::list), with the same consequence as where
    /// [`list_where_supported`](Self::list_where_supported) finds none.
    pub fn without_list(mut self) -> Self {
        self.0.list = None;
        self.0.lacks.list = true;
        self
    }

    /// The provider keeps no label, name or description of a key, or no listing shows it. Instead of
    /// [`item_label_at`](Self::item_label_at), and create may do without `{label}`.
    ///
    /// The list, if there is one, then only serves to count keys and to name them. As without a list,
    /// at most one key for each try that died is left behind, and each createSecret says so.
    pub fn without_labels(mut self) -> Self {
        self.0.item_label_at = None;
        self.0.lacks.labels = true;
        self
    }

    /// How the next page of the list is found. One reply holds all keys unless set.
    pub fn pages(mut self, paging: Paging) -> Self {
        self.0.pages = Some(paging.0);
        self
    }

    /// Where the reply to list holds the array of keys; the empty pointer for the reply itself. A
    /// null counts as no keys.
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.0.items_at = Some(pointer.into());
        self
    }

    /// Where an item of the list holds the key's id. For uploaded keys, the provider's own id if it
    /// gives them one, by which they are then revoked.
    pub fn item_id_at(mut self, pointer: impl Into<String>) -> Self {
        self.0.item_id_at = Some(pointer.into());
        self
    }

    /// Where an item of the list holds what create sent as the label. For uploaded keys, what upload
    /// sent as `{id}`; it may be the item's id itself.
    pub fn item_label_at(mut self, pointer: impl Into<String>) -> Self {
        self.0.item_label_at = Some(pointer.into());
        self.0.lacks.labels = false;
        self
    }

    /// So many keys may exist at once: the provider's limit for what the list shows. Where they do, no
    /// further one is asked for, and the error names the ids of all of them. At least 2. Without it, the
    /// ids are named when the provider refuses to make one more.
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.0.max_keys = Some(keys);
        self
    }

    /// A request that a working `{key}` is enough for, without any effect. It does not carry the
    /// admin credential. `{id}` is the key's id.
    pub fn verify(mut self, request: Request) -> Self {
        self.0.verify = Some(request.0);
        self
    }

    /// The request that ends the key `{id}`, sent with the admin credential. A status of 404 or 410
    /// means that it was gone already.
    pub fn revoke(mut self, request: Request) -> Self {
        self.0.revoke = Some(request.0);
        self.0.may_lack.revoke = false;
        self
    }

    /// Like [`revoke`](Self::revoke), for a provider that may not let keys be revoked. Instead of it.
    ///
    /// A status of 405 or 501 then means that it does not: the key is kept, with a warning. So may
    /// 404: the key counts as gone only if the list is there, has an id for each key, and does not
    /// show this one; else it is kept, with a warning. 410 means that it was gone already.
    pub fn revoke_where_supported(mut self, request: Request) -> Self {
        self = self.revoke(request);
        self.0.may_lack.revoke = true;
        self
    }

    /// The field of the secret's document that holds the key. `api_key` by default.
    pub fn key_field(mut self, name: impl Into<String>) -> Self {
        self.0.key_field = Some(name.into());
        self
    }

    /// The field of the secret's document that holds the key's id. `key_id` by default. The first
    /// rotation adds it where it is missing; a key without it is never revoked.
    pub fn key_id_field(mut self, name: impl Into<String>) -> Self {
        self.0.key_id_field = Some(name.into());
        self
    }

    /// The field of the secret's document that holds when the key expires, where
    /// [`expires_at`](Self::expires_at) says where the reply has that. `expires_at` by default. No request
    /// may use it, since each rotation writes it.
    pub fn expiry_field(mut self, name: impl Into<String>) -> Self {
        self.0.expiry_field = Some(name.into());
        self
    }
}
