//! What the tests share: a description of the test kit's provider, contexts made by hand, a log.

#![allow(dead_code, unreachable_pub, reason = "each of the two binaries uses a part")]

pub mod scene;
#[cfg(feature = "oauth2")]
pub mod server;
#[cfg(feature = "oauth2")]
pub mod shop;

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rotation_core::{
    BackendError, Clock, CredentialBackend, Live, LiveIds, Outside, Retire, Retirement, SecretReader,
    SecretValue, Step, StepContext, StoreError, StoreErrorKind, async_trait,
};
use rotation_http::{
    Admin, AllowedHosts, ApiKeyDocument, HttpBackend, Paging, Provider, ProviderBuilder, Request, Transport,
};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::{LogCapture, ManualClock, TravelClock};
use serde_json::{Value, json};

pub const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-abc123";
pub const ADMIN_ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:admin-def456";
pub const ADMIN_TOKEN: &str = "SENTINEL-admin-token";
pub const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
pub const OTHER_TOKEN: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// The test kit's provider, at the address that the secret names.
pub fn description() -> ProviderBuilder {
    Provider::builder()
        .base_url("{secret.api_endpoint}")
        .create(
            Request::post("/api-keys").json(json!({"account_id": "{secret.account_id}", "label": "{label}"})),
        )
        .key_at("/key")
        .id_at("/id")
        .list(Request::get("/api-keys"))
        .items_at("/keys")
        .item_id_at("/id")
        .item_label_at("/label")
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/api-keys/{id}"))
}

/// The same provider, taken for one that has no list.
pub fn without_list() -> ProviderBuilder {
    Provider::builder()
        .base_url("{secret.api_endpoint}")
        .create(
            Request::post("/api-keys").json(json!({"account_id": "{secret.account_id}", "label": "{label}"})),
        )
        .key_at("/key")
        .id_at("/id")
        .without_list()
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/api-keys/{id}"))
}

/// The same provider, to which the key is uploaded. `label_at` is where its list has the id of the upload.
pub fn uploading(label_at: &str) -> ProviderBuilder {
    let key = json!({"account_id": "{secret.account_id}", "key": "{key}"});
    Provider::builder()
        .base_url("{secret.api_endpoint}")
        .upload(Request::put("/api-keys/{id}").json(key))
        .list(Request::get("/api-keys"))
        .items_at("/keys")
        .item_id_at("/id")
        .item_label_at(label_at)
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/api-keys/{id}"))
}

/// How keys come to life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keys {
    /// The provider makes them.
    Minted,
    /// The provider makes them, and they are activated in setSecret.
    Activated,
    /// They are made here and uploaded in setSecret.
    Uploaded,
    /// The same, and the provider gives them ids of its own and lists them by pages.
    Renamed,
}

impl Keys {
    pub const ALL: [Self; 4] = [Self::Minted, Self::Activated, Self::Uploaded, Self::Renamed];

    pub fn description(self) -> ProviderBuilder {
        match self {
            Self::Minted => description(),
            Self::Activated => description().activate(Request::post("/api-keys/{id}/activate")),
            Self::Uploaded => uploading("/id"),
            Self::Renamed => uploading("/label").pages(Paging::cursor_at("/next", "cursor")),
        }
    }

    /// The provider, with its first key made by a person.
    pub fn provider(self) -> KeyProvider {
        let provider = KeyProvider::new(ADMIN_TOKEN);
        match self {
            Self::Minted | Self::Uploaded => provider,
            Self::Activated => provider.with_activation(),
            Self::Renamed => provider.with_own_ids().with_pages(1),
        }
    }
}

pub fn admin() -> Admin {
    Admin::secret(ADMIN_ARN)
        .json_pointer("/token")
        .header("x-admin-token")
}

/// A backend over the real transport that may talk to this `HOST:PORT`.
pub fn backend(host: impl fmt::Display) -> HttpBackend {
    let hosts = AllowedHosts::new([host.to_string()])
        .unwrap()
        .allow_plain_http_on_loopback();
    HttpBackend::new(description().build().unwrap(), admin(), hosts).unwrap()
}

pub fn document(base_url: &str, key: &(String, String)) -> ApiKeyDocument {
    let (id, key) = key;
    from_json(
        json!({"api_endpoint": base_url, "account_id": 7, "api_key": key, "key_id": id, "note": "mine"}),
    )
}

pub fn from_json(document: Value) -> ApiKeyDocument {
    serde_json::from_value(document).unwrap()
}

/// Answers a request with this status as often as it is tried.
pub fn force_always(provider: &KeyProvider, name: &str, status: u16) {
    for _ in 0..TRIES {
        provider.force_next(name, http::StatusCode::from_u16(status).unwrap());
    }
}

/// How often a request that may be repeated is sent at most.
pub const TRIES: usize = 4;

/// A text field of the document.
pub fn field(document: &ApiKeyDocument, name: &str) -> String {
    let json = serde_json::to_value(document).unwrap();
    json[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {name}"))
        .to_owned()
}

/// Time, and the admin secret with a count of its reads.
#[derive(Default)]
pub struct World {
    pub clock: TravelClock,
    manual: Option<ManualClock>,
    secrets: Option<Box<dyn SecretReader>>,
    reads: AtomicUsize,
    time: Mutex<Option<Duration>>,
}

impl World {
    pub fn new() -> Self {
        Self::default()
    }

    /// With a clock whose pauses end at once: for doubles in process, not for sockets.
    pub fn manual() -> Self {
        Self {
            manual: Some(ManualClock::new()),
            ..Self::default()
        }
    }

    /// With other secrets than the admin's.
    pub fn with_secrets(self, secrets: impl SecretReader + 'static) -> Self {
        Self {
            secrets: Some(Box::new(secrets)),
            ..self
        }
    }

    pub fn manual_clock(&self) -> &ManualClock {
        self.manual.as_ref().unwrap()
    }

    /// Gives each call so much time, instead of 60 seconds.
    pub fn with_time(self, time: Duration) -> Self {
        *self.time.lock().unwrap() = Some(time);
        self
    }

    pub fn admin_reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn context<'a>(&'a self, token: &'a str, step: Step) -> StepContext<'a> {
        let time = self.time.lock().unwrap().unwrap_or(Duration::from_secs(60));
        let clock: &dyn Clock = match &self.manual {
            Some(manual) => manual,
            None => &self.clock,
        };
        let secrets = self.secrets.as_deref().unwrap_or(self);
        Outside::new(clock)
            .with_secrets(secrets)
            .context(ARN, token, step, time)
    }

    /// createSecret's part, where the current document and keys of these ids are live.
    pub async fn create<T: Transport>(
        &self,
        backend: &HttpBackend<T>,
        token: &str,
        current: &ApiKeyDocument,
        live: &[Option<&str>],
    ) -> Result<ApiKeyDocument, BackendError> {
        let ids = live
            .iter()
            .map(|id| id.map(str::to_owned))
            .chain([backend.id(current)]);
        let ids = LiveIds::new(ids);
        backend
            .create(
                &self.context(token, Step::CreateSecret),
                Live::new(current, None, &ids),
            )
            .await
    }

    pub async fn set<T: Transport>(
        &self,
        backend: &HttpBackend<T>,
        pending: &ApiKeyDocument,
        current: &ApiKeyDocument,
    ) -> Result<(), BackendError> {
        let ids = LiveIds::new([backend.id(current), backend.id(pending)]);
        let context = self.context(TOKEN, Step::SetSecret);
        backend
            .set(&context, pending, Live::new(current, None, &ids))
            .await
    }

    pub async fn test<T: Transport>(
        &self,
        backend: &HttpBackend<T>,
        key: &ApiKeyDocument,
    ) -> Result<(), BackendError> {
        backend.test(&self.context(TOKEN, Step::TestSecret), key).await
    }

    pub async fn retire<T: Transport>(
        &self,
        backend: &HttpBackend<T>,
        key: &ApiKeyDocument,
    ) -> Result<Retirement, BackendError> {
        self.retire_for(backend, key, Retire::Superseded).await
    }

    pub async fn retire_for<T: Transport>(
        &self,
        backend: &HttpBackend<T>,
        key: &ApiKeyDocument,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        let context = self.context(TOKEN, Step::CreateSecret);
        backend.retire(&context, key, why).await
    }
}

#[async_trait]
impl SecretReader for World {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if secret_id == ADMIN_ARN {
            return Ok(SecretValue::text(json!({ "token": ADMIN_TOKEN }).to_string()));
        }
        Err(StoreError::not_applied(
            StoreErrorKind::NotFound,
            "no such secret",
        ))
    }
}

/// Everything that this thread logs, which is one test, at every level.
pub struct Log(LogCapture);

impl Log {
    pub fn start() -> Self {
        Self(LogCapture::start().expect("the process has no other subscriber"))
    }

    pub fn text(&self) -> String {
        self.0.text()
    }
}
