//! A Forge in memory, and what the suite and the explorer ask of it.
#![allow(dead_code, reason = "each of the two test binaries uses a part")]

pub(crate) mod manual;
pub(crate) mod readme;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use custom_backend::{AccessKey, Api, ForgeKeys, NoReply, Wire};
use http::{Method, Request, Response, StatusCode};
use rotation_core::{CredentialBackend, SecretValue, async_trait};
use rotation_testkit::explore::Gap;
use rotation_testkit::{Faults, Interruption, Simulator, Staged, Subject, Target};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "deploy-bot";
const ADMIN_TOKEN: &str = "admin-token-of-forge";

/// A Forge. Clones share it.
#[derive(Clone)]
pub(crate) struct Forge {
    faults: Faults,
    state: Arc<Mutex<State>>,
}

struct State {
    limit: usize,
    /// How many characters of `created_by` are kept.
    noted: usize,
    made: usize,
    keys: Vec<Key>,
    /// New keys are blocked for good.
    blocking: bool,
}

struct Key {
    account: String,
    id: String,
    value: String,
    created_by: String,
    active: bool,
    blocked: bool,
}

impl Forge {
    pub(crate) fn new(faults: Faults, limit: usize, noted: usize) -> Self {
        let state = State {
            limit,
            noted,
            made: 0,
            keys: Vec::new(),
            blocking: false,
        };
        Self {
            faults,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A key made by hand and switched on: the secret's first value.
    pub(crate) fn first_key(&self) -> SecretValue {
        let mut state = self.state.lock().unwrap();
        let index = state.make(ACCOUNT, "rotation");
        state.keys[index].active = true;
        let (id, value) = (&state.keys[index].id, &state.keys[index].value);
        let team = "build";
        let document = json!({"account": ACCOUNT, "key_id": id, "key": value, "team": team});
        SecretValue::text(document.to_string())
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.keys.iter().map(|key| key.id.clone()).collect()
    }

    fn works(&self, wanted: &AccessKey) -> bool {
        let state = self.state.lock().unwrap();
        let of = |key: &&Key| (&key.account, &key.id) == (&wanted.account, &wanted.key_id);
        let same = |key: &Key| key.works() && key.value == wanted.key.expose_secret();
        state.keys.iter().find(of).is_some_and(same)
    }

    /// What Forge answers, and does.
    fn answer(&self, request: &Request<String>) -> Response<Bytes> {
        let reply = |status, body: Value| {
            let mut response = Response::new(Bytes::from(body.to_string()));
            *response.status_mut() = status;
            response
        };
        let header = |name: &str| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
        let mut state = self.state.lock().unwrap();
        let (path, method) = (request.uri().path(), request.method());
        if path == "/whoami" {
            let bearer = |key: &&Key| Some(format!("Bearer {}", key.value)) == header("authorization");
            return match state.keys.iter().find(bearer).filter(|key| key.works()) {
                Some(key) => reply(StatusCode::OK, json!({"id": key.id, "account": key.account})),
                None => reply(StatusCode::UNAUTHORIZED, Value::Null),
            };
        }
        if header("x-forge-admin").as_deref() != Some(ADMIN_TOKEN) {
            return reply(StatusCode::FORBIDDEN, Value::Null);
        }
        let body: Value = serde_json::from_str(request.body()).unwrap_or_default();
        let parts: Vec<_> = path.split('/').skip(3).collect();
        let (status, body) = match (method, &parts[..]) {
            (&Method::POST, [account, "keys"]) => state.create(account, body["created_by"].as_str().unwrap()),
            (&Method::GET, [account, "keys"]) => (StatusCode::OK, state.list(account)),
            (&Method::PUT, [account, "keys", id, "state"]) => (
                state.switch(account, id, body["active"].as_bool().unwrap()),
                Value::Null,
            ),
            (&Method::DELETE, [account, "keys", id]) => (state.delete(account, id), Value::Null),
            _ => (StatusCode::NOT_FOUND, Value::Null),
        };
        reply(status, body)
    }
}

impl State {
    fn make(&mut self, account: &str, created_by: &str) -> usize {
        self.made += 1;
        self.keys.push(Key {
            account: account.to_owned(),
            id: format!("key-{:04}", self.made),
            value: format!("fk_{:04}_not-to-be-printed", self.made),
            created_by: created_by.chars().take(self.noted).collect(),
            active: false,
            blocked: self.blocking,
        });
        self.keys.len() - 1
    }

    fn create(&mut self, account: &str, created_by: &str) -> (StatusCode, Value) {
        if self.keys.iter().filter(|key| key.account == account).count() >= self.limit {
            return (StatusCode::CONFLICT, Value::Null);
        }
        let index = self.make(account, created_by);
        let key = &self.keys[index];
        (StatusCode::CREATED, json!({"id": key.id, "key": key.value}))
    }

    fn list(&self, account: &str) -> Value {
        let keys = self.keys.iter().filter(|key| key.account == account);
        keys.map(|key| json!({"id": key.id, "created_by": key.created_by, "active": key.active}))
            .collect()
    }

    fn find(&mut self, account: &str, id: &str) -> Option<(usize, &mut Key)> {
        let mut keys = self.keys.iter_mut().enumerate();
        keys.find(|(_, key)| key.account == account && key.id == id)
    }

    fn switch(&mut self, account: &str, id: &str, active: bool) -> StatusCode {
        match self.find(account, id) {
            None => StatusCode::NOT_FOUND,
            Some((_, key)) if key.blocked => StatusCode::UNPROCESSABLE_ENTITY,
            Some((_, key)) => {
                key.active = active;
                StatusCode::NO_CONTENT
            }
        }
    }

    fn delete(&mut self, account: &str, id: &str) -> StatusCode {
        match self.find(account, id) {
            None => StatusCode::NOT_FOUND,
            Some((_, key)) if key.active => StatusCode::CONFLICT,
            Some((index, _)) => {
                self.keys.remove(index);
                StatusCode::NO_CONTENT
            }
        }
    }
}

impl Key {
    fn works(&self) -> bool {
        self.active && !self.blocked
    }
}

/// What the fault plan calls a request: its method and the last word of its path that is no id.
fn effect(request: &Request<String>) -> String {
    let words = request.uri().path().rsplit('/');
    let word = words.into_iter().find(|word| !word.starts_with("key-"));
    format!("{} /{}", request.method(), word.unwrap())
}

#[async_trait]
impl Wire for Forge {
    async fn send(&self, request: Request<String>) -> Result<Response<Bytes>, NoReply> {
        let passed = self
            .faults
            .pass(&effect(&request), || self.answer(&request))
            .await;
        let status = match passed {
            Ok(reply) => return Ok(reply),
            Err(Interruption::Throttled) => StatusCode::TOO_MANY_REQUESTS,
            Err(Interruption::Denied) => StatusCode::FORBIDDEN,
            Err(Interruption::InternalError) => StatusCode::INTERNAL_SERVER_ERROR,
            Err(Interruption::Refused) => StatusCode::BAD_REQUEST,
            Err(lost) => return Err(NoReply::new(lost)),
        };
        let mut refused = Response::new(Bytes::new());
        *refused.status_mut() = status;
        Ok(refused)
    }
}

/// The backend on a Forge in memory.
pub(crate) struct Keys {
    /// How many keys an account may have.
    pub(crate) limit: usize,
    /// How many characters of `created_by` it keeps.
    pub(crate) noted: usize,
}

/// As it is deployed.
pub(crate) const KEYS: Keys = Keys { limit: 2, noted: 128 };

impl Keys {
    /// One stage, with something around the backend.
    pub(crate) fn stage_with<B: CredentialBackend>(
        &self,
        simulator: &Simulator,
        around: impl FnOnce(ForgeKeys) -> B,
    ) -> Staged<B> {
        let forge = Forge::new(simulator.faults(), self.limit, self.noted);
        let first = forge.first_key();
        let backend = backend(simulator, "https://forge.internal", forge.clone());
        let backend = backend.with_keys_per_account(self.limit);
        Staged::new(around(backend), first, forge)
    }
}

#[async_trait]
impl Subject for Keys {
    type Backend = ForgeKeys;

    async fn stage(&self, simulator: &Simulator) -> Staged<ForgeKeys> {
        self.stage_with(simulator, |backend| backend)
    }

    /// A replay within seconds finds both keys taken, until the maker of the second is out of time.
    fn replays(&self) -> u32 {
        200
    }

    /// All but a late change: no request gives a key another value.
    fn gaps(&self, gap: Gap) -> usize {
        match gap {
            Gap::LateSet => 0,
            _ => usize::MAX,
        }
    }
}

/// The backend, with its admin secret in the simulator.
pub(crate) fn backend(simulator: &Simulator, url: &str, wire: impl Wire) -> ForgeKeys {
    let token = SecretValue::text(ADMIN_TOKEN);
    let admin = simulator.operator().create_secret("forge/admin", token).unwrap();
    let accounts = [ACCOUNT, "release-bot"].map(str::to_owned);
    ForgeKeys::new(Api::new(url, wire), admin, accounts)
}

#[async_trait]
impl Target for Forge {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value.decode().is_ok_and(|key| self.works(&key))
    }

    async fn alive(&self) -> Vec<String> {
        self.ids()
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        let unknown = json!({"account": ACCOUNT, "key_id": "key-9999", "key": "fk_of-nobody"});
        Some(SecretValue::text(unknown.to_string()))
    }

    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        let mut other: AccessKey = pending.decode().unwrap();
        other.account = "release-bot".to_owned();
        vec![(
            "account",
            SecretValue::text(serde_json::to_string(&other).unwrap()),
        )]
    }

    fn reject(&self, rejecting: bool) -> bool {
        self.state.lock().unwrap().blocking = rejecting;
        true
    }
}
