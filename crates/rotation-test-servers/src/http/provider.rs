//! The provider, and its door in process.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use rotation_simulator::{Faults, Interruption};
use serde_json::{Value, json};
use tower_service::Service;

use super::model::{KeyInfo, Model, name, reply};
use crate::sync::lock;

/// A provider that makes API keys. Clones share one state.
///
/// It is a `tower` service, so it can stand in for the transport of `rotation-http`; requests then
/// go to it whatever their host. [`serve`](Self::serve) puts the same provider on a socket.
///
/// Each request passes the [`Faults`] by its method and path, `DELETE /api-keys/{id}` for every id.
/// A lost request or reply is [`NoAnswer`] in process and a closed connection on the socket;
/// throttled is status 429, denied 403, an internal error 500, refused 422.
///
/// Its keys look random and are the same in every run, ids are `key-1`, `key-2` and so on.
#[derive(Clone)]
pub struct KeyProvider {
    model: Arc<Mutex<Model>>,
    faults: Faults,
}

impl KeyProvider {
    /// A provider without keys, that takes this admin token.
    #[must_use]
    pub fn new(admin_token: impl Into<String>) -> Self {
        Self {
            model: Arc::new(Mutex::new(Model::new(admin_token.into()))),
            faults: Faults::new(),
        }
    }

    /// The same provider with its requests under these faults, which may be those of a simulator.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// A provider without key ids: replies and lists leave `id` and `number` out. What a test sees
    /// ([`alive`](Self::alive), [`revoked`](Self::revoked)) has them.
    #[must_use]
    pub fn without_ids(self) -> Self {
        lock(&self.model).gives_ids = false;
        self
    }

    /// A provider whose keys work only after `POST /api-keys/{id}/activate`, those made before this call
    /// apart.
    #[must_use]
    pub fn with_activation(self) -> Self {
        lock(&self.model).activates = true;
        self
    }

    /// A provider that gives an uploaded key an id of its own, as for one that it makes; the label is the
    /// one of the upload.
    #[must_use]
    pub fn with_own_ids(self) -> Self {
        lock(&self.model).renames = true;
        self
    }

    /// A provider whose list has pages of so many keys, each with the `cursor` of the next in `next`.
    #[must_use]
    pub fn with_pages(self, size: usize) -> Self {
        lock(&self.model).page_size = Some(size.max(1));
        self
    }

    /// A provider that cannot list its keys: answers with this status instead, 404 where there is no
    /// such path, 405 or 501.
    #[must_use]
    pub fn without_listing(self, status: StatusCode) -> Self {
        lock(&self.model).no_listing = Some(status);
        self
    }

    /// A provider that cannot revoke keys: answers with this status instead, 404 where there is no
    /// such path, 405 or 501, and keeps the key.
    #[must_use]
    pub fn without_revoking(self, status: StatusCode) -> Self {
        lock(&self.model).no_revoking = Some(status);
        self
    }

    /// Answers with 409 when a key would be one more than this.
    pub fn limit_keys(&self, limit: usize) {
        self.limit_keys_with(limit, StatusCode::CONFLICT);
    }

    /// Answers with this status when a key would be one more than this.
    pub fn limit_keys_with(&self, limit: usize, status: StatusCode) {
        let mut model = lock(&self.model);
        model.limit = Some(limit);
        model.limit_status = status;
    }

    /// Keys made from now on are unknown to `GET /health` the first so many times.
    pub fn delay_propagation(&self, verifications: u32) {
        lock(&self.model).propagation = verifications;
    }

    /// Answers the next request of this name (`POST /api-keys`) with this status, and does nothing
    /// else. Calls add up.
    pub fn force_next(&self, name: &str, status: StatusCode) {
        lock(&self.model)
            .forced
            .entry(name.to_owned())
            .or_default()
            .push((status, None));
    }

    /// The same with a `Retry-After` of this text.
    pub fn force_retry_after(&self, name: &str, status: StatusCode, retry_after: &str) {
        lock(&self.model)
            .forced
            .entry(name.to_owned())
            .or_default()
            .push((status, Some(retry_after.to_owned())));
    }

    /// Takes back what was forced and has not struck.
    pub fn forget_forced(&self) {
        lock(&self.model).forced.clear();
    }

    /// Takes another admin token from now on.
    pub fn replace_admin_token(&self, admin_token: impl Into<String>) {
        lock(&self.model).admin_token = admin_token.into();
    }

    /// Makes a key outside of any request, as a person would: its id, and the key.
    #[must_use]
    pub fn make_key(&self, label: &str) -> (String, String) {
        lock(&self.model).make(label, Value::Null)
    }

    /// Activates a key outside of any request. Nothing where keys need no activation.
    pub fn activate(&self, id: &str) {
        _ = lock(&self.model).activate(id);
    }

    /// The keys that exist.
    #[must_use]
    pub fn alive(&self) -> Vec<KeyInfo> {
        lock(&self.model).alive()
    }

    /// The ids of the keys that were revoked.
    #[must_use]
    pub fn revoked(&self) -> BTreeSet<String> {
        lock(&self.model).revoked.clone()
    }

    /// Whether this key exists and is active, however far it has propagated. Not a request.
    #[must_use]
    pub fn authenticates(&self, key: &str) -> bool {
        lock(&self.model).authenticates(key)
    }

    /// Every request that was answered, as `POST /api-keys 201`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.model).requests.clone()
    }

    pub(super) async fn answer(self, request: Request<Bytes>) -> Result<Response<Bytes>, NoAnswer> {
        let status = match self
            .faults
            .pass(&name(&request), || lock(&self.model).handle(&request))
            .await
        {
            Ok(response) => return Ok(response),
            Err(Interruption::NoAnswer) => return Err(NoAnswer::lost()),
            Err(Interruption::Throttled) => StatusCode::TOO_MANY_REQUESTS,
            Err(Interruption::Denied) => StatusCode::FORBIDDEN,
            Err(Interruption::Refused) => StatusCode::UNPROCESSABLE_ENTITY,
            // It failed within.
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Ok(reply(status, &json!({"error": status.as_u16()})))
    }
}

impl Service<Request<Bytes>> for KeyProvider {
    type Response = Response<Bytes>;
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, NoAnswer>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoAnswer>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

impl fmt::Debug for KeyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyProvider")
            .field("alive", &self.alive())
            .finish_non_exhaustive()
    }
}

/// The request or its reply was lost.
#[derive(Clone, Debug)]
pub struct NoAnswer(());

impl NoAnswer {
    pub(super) fn lost() -> Self {
        Self(())
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for NoAnswer {}
