//! The provider's state: a synchronous function from a request to a reply.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use rotation_core::RandomSource;
use rotation_simulator::SeededRandom;
use serde_json::{Value, json};

/// A key that exists at the provider.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// Its id.
    pub id: String,
    /// The label that it was created with.
    pub label: String,
}

pub(super) struct Model {
    pub(super) admin_token: String,
    pub(super) limit: Option<usize>,
    pub(super) limit_status: StatusCode,
    pub(super) propagation: u32,
    pub(super) gives_ids: bool,
    /// Keys work only once they were activated.
    pub(super) activates: bool,
    /// Uploaded keys get ids of the provider's own.
    pub(super) renames: bool,
    /// Keys on one page of the list, if it has pages.
    pub(super) page_size: Option<usize>,
    /// The status instead of the list, where there is none.
    pub(super) no_listing: Option<StatusCode>,
    /// The status instead of a revocation, where there is none.
    pub(super) no_revoking: Option<StatusCode>,
    /// Statuses for the next requests of a name, each with its `Retry-After`.
    pub(super) forced: BTreeMap<String, Vec<(StatusCode, Option<String>)>>,
    pub(super) requests: Vec<String>,
    /// The ids of keys that a request ended.
    pub(super) revoked: BTreeSet<String>,
    made: u64,
    keys: Vec<Key>,
}

struct Key {
    id: String,
    key: String,
    label: String,
    account_id: Value,
    number: u64,
    active: bool,
    /// So many verifications are still answered as if the key did not exist.
    unknown_for: u32,
}

impl Model {
    pub(super) fn new(admin_token: String) -> Self {
        Self {
            admin_token,
            limit: None,
            limit_status: StatusCode::CONFLICT,
            propagation: 0,
            gives_ids: true,
            activates: false,
            renames: false,
            page_size: None,
            no_listing: None,
            no_revoking: None,
            forced: BTreeMap::new(),
            requests: Vec::new(),
            revoked: BTreeSet::new(),
            made: 0,
            keys: Vec::new(),
        }
    }

    pub(super) fn alive(&self) -> Vec<KeyInfo> {
        let info = |key: &Key| KeyInfo {
            id: key.id.clone(),
            label: key.label.clone(),
        };
        self.keys.iter().map(info).collect()
    }

    pub(super) fn authenticates(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known.key == key && known.active)
    }

    /// A new key: its id and the key itself.
    pub(super) fn make(&mut self, label: &str, account_id: Value) -> (String, String) {
        self.made += 1;
        let mut random = [0; 16];
        // A seeded source is never out of randomness.
        _ = SeededRandom::new(self.made).fill(&mut random);
        let id = format!("key-{}", self.made);
        let key = format!("sk-{:032x}", u128::from_be_bytes(random));
        self.add(id.clone(), key.clone(), label.to_owned(), account_id);
        (id, key)
    }

    fn add(&mut self, id: String, key: String, label: String, account_id: Value) {
        self.keys.push(Key {
            id,
            key,
            label,
            account_id,
            number: self.made,
            active: !self.activates,
            unknown_for: self.propagation,
        });
    }

    pub(super) fn handle(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let name = name(request);
        let forced = self
            .forced
            .get_mut(&name)
            .filter(|left| !left.is_empty())
            .map(|left| left.remove(0));
        let (status, body, retry_after) = match forced {
            Some((status, retry_after)) => (status, json!({"error": "forced"}), retry_after),
            None => {
                let (status, body) = self.answer(request);
                (status, body, None)
            }
        };
        self.requests.push(format!("{name} {}", status.as_u16()));
        let mut reply = reply(status, &body);
        if let Some(value) = retry_after.and_then(|text| text.parse().ok()) {
            reply.headers_mut().insert(http::header::RETRY_AFTER, value);
        }
        reply
    }

    fn answer(&mut self, request: &Request<Bytes>) -> (StatusCode, Value) {
        let path = request.uri().path();
        let id = path.strip_prefix("/api-keys/");
        let is_admin = header(request.headers(), "x-admin-token") == Some(self.admin_token.as_str());
        match (request.method(), path, id) {
            (&Method::GET, "/health", _) => self.health(request.headers()),
            (_, "/api-keys", _) | (_, _, Some(_)) if !is_admin => error(StatusCode::UNAUTHORIZED),
            (&Method::POST, "/api-keys", _) => self.create(request.body()),
            (&Method::GET, "/api-keys", _) => match self.no_listing {
                Some(status) => error(status),
                None => (
                    StatusCode::OK,
                    self.list(request.uri().query().unwrap_or_default()),
                ),
            },
            (&Method::PUT, _, Some(id)) => self.upload(id, request.body()),
            (&Method::POST, _, Some(id)) => match id.strip_suffix("/activate") {
                Some(id) => self.activate(id),
                None => error(StatusCode::NOT_FOUND),
            },
            (&Method::DELETE, _, Some(id)) => match self.no_revoking {
                Some(status) => error(status),
                None => self.delete(id),
            },
            _ => error(StatusCode::NOT_FOUND),
        }
    }

    fn create(&mut self, body: &[u8]) -> (StatusCode, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(label), Some(account_id)) =
            (body.get("label").and_then(Value::as_str), body.get("account_id"))
        else {
            return error(StatusCode::BAD_REQUEST);
        };
        if self.limit.is_some_and(|limit| self.keys.len() >= limit) {
            return error(self.limit_status);
        }
        let (id, key) = self.make(label, account_id.clone());
        (StatusCode::CREATED, self.shown(json!({"id": id, "key": key})))
    }

    /// The same key under the same id again changes nothing.
    fn upload(&mut self, id: &str, body: &[u8]) -> (StatusCode, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(key), Some(account_id)) = (body.get("key").and_then(Value::as_str), body.get("account_id"))
        else {
            return error(StatusCode::BAD_REQUEST);
        };
        if let Some(known) = self.keys.iter().find(|known| known.label == id) {
            let same = known.key == key;
            return error(if same {
                StatusCode::OK
            } else {
                StatusCode::CONFLICT
            });
        }
        if self.limit.is_some_and(|limit| self.keys.len() >= limit) {
            return error(self.limit_status);
        }
        self.made += 1;
        let own = if self.renames {
            format!("key-{}", self.made)
        } else {
            id.to_owned()
        };
        self.add(own.clone(), key.to_owned(), id.to_owned(), account_id.clone());
        (StatusCode::CREATED, json!({"id": own}))
    }

    pub(super) fn activate(&mut self, id: &str) -> (StatusCode, Value) {
        match self.keys.iter_mut().find(|key| key.id == id) {
            Some(key) => {
                key.active = true;
                (StatusCode::OK, json!({"id": id}))
            }
            None => error(StatusCode::NOT_FOUND),
        }
    }

    /// All keys, or from the one that `cursor=` names on.
    fn list(&self, query: &str) -> Value {
        let item = |key: &Key| {
            let item =
                json!({"id": key.id, "label": key.label, "account_id": key.account_id, "number": key.number});
            self.shown(item)
        };
        let from = query.split('&').find_map(|pair| pair.strip_prefix("cursor="));
        let from = from.and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let size = self.page_size.unwrap_or(usize::MAX);
        let items: Vec<_> = self.keys.iter().skip(from).take(size).map(item).collect();
        let next = from.saturating_add(size);
        match self.page_size {
            Some(_) if next < self.keys.len() => json!({"keys": items, "next": next.to_string()}),
            _ => json!({ "keys": items }),
        }
    }

    /// A key as replies show it: without its id, where there are none.
    fn shown(&self, mut key: Value) -> Value {
        if let (false, Some(fields)) = (self.gives_ids, key.as_object_mut()) {
            fields.retain(|name, _| name != "id" && name != "number");
        }
        key
    }

    fn delete(&mut self, id: &str) -> (StatusCode, Value) {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id);
        if self.keys.len() == before {
            return error(StatusCode::NOT_FOUND);
        }
        self.revoked.insert(id.to_owned());
        (StatusCode::NO_CONTENT, Value::Null)
    }

    fn health(&mut self, headers: &HeaderMap) -> (StatusCode, Value) {
        let bearer = header(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
        match self.keys.iter_mut().find(|key| Some(key.key.as_str()) == bearer) {
            Some(key) if key.active && key.unknown_for == 0 => (StatusCode::OK, json!({"ok": true})),
            Some(key) => {
                key.unknown_for = key.unknown_for.saturating_sub(1);
                error(StatusCode::UNAUTHORIZED)
            }
            None => error(StatusCode::UNAUTHORIZED),
        }
    }
}

/// Method and path, an id replaced by `{id}`.
pub(super) fn name(request: &Request<Bytes>) -> String {
    let path = match request.uri().path() {
        path if path.starts_with("/api-keys/") && path.ends_with("/activate") => "/api-keys/{id}/activate",
        path if path.starts_with("/api-keys/") => "/api-keys/{id}",
        path => path,
    };
    format!("{} {path}", request.method())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn error(status: StatusCode) -> (StatusCode, Value) {
    (status, json!({"error": status.canonical_reason()}))
}

pub(super) fn reply(status: StatusCode, body: &Value) -> Response<Bytes> {
    let body = if status == StatusCode::NO_CONTENT {
        Bytes::new()
    } else {
        body.to_string().into()
    };
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    reply.headers_mut().insert(http::header::CONTENT_TYPE, json);
    reply
}
