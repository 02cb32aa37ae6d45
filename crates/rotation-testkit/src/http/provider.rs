//! The provider, and its door in process.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tower_service::Service;

use super::model::{KeyInfo, Model, name, reply};
use super::server::KeyServer;
use crate::sync::lock;
use crate::{Faults, Interruption};

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
            model: Arc::new(Mutex::new(Model::new(admin_token.into(), 0))),
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

    /// The provider on a free port of the loopback interface, until the server is dropped.
    ///
    /// # Errors
    ///
    /// When no port can be opened.
    pub async fn serve(&self) -> io::Result<KeyServer> {
        KeyServer::start(self.clone()).await
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
            Err(Interruption::InternalError) => StatusCode::INTERNAL_SERVER_ERROR,
            Err(Interruption::Refused) => StatusCode::UNPROCESSABLE_ENTITY,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    const CREATE: &str = "POST /api-keys";

    fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.to_string().into()).unwrap()
    }

    /// An admin's request: the status and the reply.
    async fn admin(
        provider: &KeyProvider,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<(u16, Value), NoAnswer> {
        let reply = provider
            .clone()
            .call(request(method, path, &[("X-Admin-Token", "admin")], body))
            .await?;
        Ok((
            reply.status().as_u16(),
            serde_json::from_slice(reply.body()).unwrap_or_default(),
        ))
    }

    async fn create(provider: &KeyProvider) -> Result<(u16, Value), NoAnswer> {
        admin(
            provider,
            "POST",
            "/api-keys",
            json!({"account_id": 7, "label": "l"}),
        )
        .await
    }

    async fn health(provider: &KeyProvider, key: &str) -> u16 {
        let bearer = format!("Bearer {key}");
        let request = request("GET", "/health", &[("authorization", &bearer)], Value::Null);
        provider.clone().call(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn a_key_lives_from_creation_to_deletion() {
        let provider = KeyProvider::new("admin");
        let (status, made) = create(&provider).await.unwrap();
        let key = made["key"].as_str().unwrap();
        assert_eq!((status, &made["id"]), (201, &json!("key-1")));
        assert_eq!(health(&provider, key).await, 200);
        let (_, list) = admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap();
        assert_eq!(
            list,
            json!({"keys": [{"id": "key-1", "label": "l", "account_id": 7, "number": 1}]})
        );
        assert_eq!(
            admin(&provider, "DELETE", "/api-keys/key-1", Value::Null)
                .await
                .unwrap()
                .0,
            204
        );
        assert_eq!(
            admin(&provider, "DELETE", "/api-keys/key-1", Value::Null)
                .await
                .unwrap()
                .0,
            404
        );
        assert_eq!(health(&provider, key).await, 401);
        assert!(provider.alive().is_empty() && !provider.authenticates(key));
        assert_eq!(
            provider.requests().first().map(String::as_str),
            Some("POST /api-keys 201")
        );
    }

    #[tokio::test]
    async fn options_change_the_answers() {
        let provider = KeyProvider::new("admin");
        provider.limit_keys(1);
        provider.delay_propagation(2);
        let (_, made) = create(&provider).await.unwrap();
        assert_eq!(create(&provider).await.unwrap().0, 409);
        let key = made["key"].as_str().unwrap();
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(health(&provider, key).await);
        }
        assert_eq!(statuses, [401, 401, 200]);
        provider.force_next("GET /api-keys", StatusCode::IM_A_TEAPOT);
        assert_eq!(
            admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap().0,
            418
        );
        provider.replace_admin_token("other");
        assert_eq!(
            admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap().0,
            401
        );
        assert_eq!(health(&provider, "nonsense").await, 401);
    }

    #[tokio::test]
    async fn what_a_provider_lacks_is_answered_as_by_one_that_lacks_it() {
        let provider = KeyProvider::new("admin")
            .without_ids()
            .without_revoking(StatusCode::METHOD_NOT_ALLOWED);
        let (status, made) = create(&provider).await.unwrap();
        assert_eq!((status, made.get("id")), (201, None));
        let (_, list) = admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap();
        assert_eq!(list, json!({"keys": [{"label": "l", "account_id": 7}]}));
        let revoked = admin(&provider, "DELETE", "/api-keys/key-1", Value::Null);
        assert_eq!(revoked.await.unwrap().0, 405);
        assert_eq!(provider.alive().len(), 1);
        let provider = provider.without_listing(StatusCode::NOT_FOUND);
        let list = admin(&provider, "GET", "/api-keys", Value::Null);
        assert_eq!(list.await.unwrap().0, 404);
    }

    #[tokio::test]
    async fn an_uploaded_key_is_listed_by_its_label_and_the_same_again_changes_nothing() {
        for (provider, id) in [
            (KeyProvider::new("admin"), "mine"),
            (KeyProvider::new("admin").with_own_ids(), "key-1"),
        ] {
            let upload = |key: &str| {
                let body = json!({"account_id": 7, "key": key});
                let (provider, body) = (provider.clone(), body);
                async move { admin(&provider, "PUT", "/api-keys/mine", body).await.unwrap().0 }
            };
            assert_eq!(
                (upload("a").await, upload("a").await, upload("b").await),
                (201, 200, 409)
            );
            assert_eq!(health(&provider, "a").await, 200);
            let alive = provider.alive();
            assert_eq!((alive[0].id.as_str(), alive[0].label.as_str()), (id, "mine"));
        }
    }

    #[tokio::test]
    async fn a_key_that_needs_activation_works_after_it() {
        let provider = KeyProvider::new("admin").with_activation();
        let (_, made) = create(&provider).await.unwrap();
        let key = made["key"].as_str().unwrap();
        assert!(health(&provider, key).await == 401 && !provider.authenticates(key));
        let activate = async |id: &str| {
            let path = format!("/api-keys/{id}/activate");
            admin(&provider, "POST", &path, Value::Null).await.unwrap().0
        };
        assert_eq!((activate("key-9").await, activate("key-1").await), (404, 200));
        assert!(health(&provider, key).await == 200 && provider.authenticates(key));
    }

    #[tokio::test]
    async fn a_list_comes_in_pages() {
        let provider = KeyProvider::new("admin").with_pages(2);
        for label in ["a", "b", "c"] {
            _ = provider.make_key(label);
        }
        let (_, first) = admin(&provider, "GET", "/api-keys", Value::Null).await.unwrap();
        assert_eq!(
            (first["keys"].as_array().unwrap().len(), &first["next"]),
            (2, &json!("2"))
        );
        let (_, last) = admin(&provider, "GET", "/api-keys?cursor=2", Value::Null)
            .await
            .unwrap();
        assert_eq!(
            (last["keys"][0]["label"].as_str(), last.get("next")),
            (Some("c"), None)
        );
    }

    #[tokio::test]
    async fn faults_strike_requests_by_name() {
        let faults = Faults::new();
        let provider = KeyProvider::new("admin").with_faults(faults.clone());
        let kinds = [
            Fault::LoseRequest,
            Fault::LoseResponse,
            Fault::Throttle,
            Fault::Deny,
            Fault::InternalError,
        ];
        for (occurrence, kind) in (1..).zip(kinds) {
            faults.at_nth(CREATE, occurrence, kind);
        }
        let mut seen = Vec::new();
        for _ in kinds {
            let status = create(&provider).await.map(|(status, _)| status).ok();
            seen.push((status, provider.alive().len()));
        }
        assert_eq!(
            seen,
            [
                (None, 0),
                (None, 1),
                (Some(429), 1),
                (Some(403), 1),
                (Some(500), 1)
            ]
        );
        assert!(faults.all_struck());
    }
}
