//! Admin credentials of OAuth 2.0 clients: when a token is asked for, how long it is used, what is said
//! when there is none.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use rotation_core::{
    BackendError, CredentialBackend, ErrorClass, Live, LiveIds, Outside, Retire, SecretReader, SecretValue,
    Step, StoreError, async_trait,
};
use rotation_http::{Admin, AdminAuth, AllowedHosts, ApiKeyDocument, HttpBackend, OAuth2, Paging};
use rotation_test_servers::http::{Answers, AtOnce};
use rotation_testkit::ManualClock;
use serde_json::{Value, json};

use crate::support::{ADMIN_ARN, ARN, Log, TOKEN, description, from_json};

const SECRET: &str = "SENTINEL-client-secret";

/// A provider with a token endpoint: hands out `SENTINEL-token-1` and so on, and keeps every request.
#[derive(Clone)]
struct Provider {
    token_reply: Value,
    token_statuses: Arc<Mutex<Vec<u16>>>,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
    clock: ManualClock,
    /// How long each request takes.
    takes: Duration,
    pages: usize,
}

impl Provider {
    fn new() -> Self {
        Self {
            token_reply: json!({"token_type": "bearer", "expires_in": 3600}),
            token_statuses: Arc::default(),
            requests: Arc::default(),
            clock: ManualClock::new(),
            takes: Duration::ZERO,
            pages: 1,
        }
    }

    fn count(&self, path: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .filter(|request| request.uri().path() == path)
            .count()
    }

    fn reply(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.clock.advance(self.takes);
        let path = request.uri().path().to_owned();
        let page: usize = request
            .uri()
            .query()
            .map_or(0, |query| query.trim_start_matches("page=").parse().unwrap());
        self.requests.lock().unwrap().push(request);
        let mut body = json!({"key": "made", "id": "2", "keys": [{"id": page + 1, "label": "by hand"}]});
        if page + 1 < self.pages {
            body["next"] = json!(page + 1);
        }
        let mut status = 200;
        if path == "/oauth/token" {
            body = self.token_reply.clone();
            if body.get("token_type").is_some() {
                body["access_token"] = json!(format!("SENTINEL-token-{}", self.count(&path)));
            }
            let mut statuses = self.token_statuses.lock().unwrap();
            if !statuses.is_empty() {
                status = statuses.remove(0);
                body = json!({"error": "invalid_client", "error_description": SECRET});
            }
        }
        let mut reply = Response::new(Bytes::from(body.to_string()));
        *reply.status_mut() = StatusCode::from_u16(status).unwrap();
        reply
    }
}

impl Answers for Provider {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.reply(request)
    }
}

/// The admin secret, in a version that a test may replace.
struct Secret(Mutex<&'static str>);

#[async_trait]
impl SecretReader for Secret {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        assert_eq!(secret_id, ADMIN_ARN);
        let id = *self.0.lock().unwrap();
        Ok(SecretValue::text(
            json!({"client_id": id, "client_secret": SECRET}).to_string(),
        ))
    }
}

struct Scene {
    provider: Provider,
    secret: Secret,
    backend: HttpBackend<AtOnce<Provider>>,
}

fn current() -> ApiKeyDocument {
    from_json(
        json!({"api_endpoint": "https://api.vendor.com", "account_id": 7, "api_key": "k", "key_id": "1"}),
    )
}

impl Scene {
    fn new(oauth2: OAuth2, provider: Provider) -> Self {
        let hosts = AllowedHosts::new(["api.vendor.com", "auth.vendor.com"]).unwrap();
        let description = description()
            .pages(Paging::cursor_at("/next", "page"))
            .admin(oauth2)
            .build()
            .unwrap();
        let backend = HttpBackend::new(description, Admin::secret(ADMIN_ARN), hosts).unwrap();
        Self {
            backend: backend.with_transport(AtOnce(provider.clone())),
            provider,
            secret: Secret(Mutex::new("client")),
        }
    }

    /// createSecret's part and a revocation.
    async fn run(&self, arn: &str) -> Result<(), BackendError> {
        let outside = Outside::new(&self.provider.clock).with_secrets(&self.secret);
        let ctx = outside.context(arn, TOKEN, Step::CreateSecret, Duration::from_secs(600));
        let (current, ids) = (current(), LiveIds::new([Some("1".to_owned())]));
        let made = self.backend.create(&ctx, Live::new(&current, None, &ids)).await?;
        self.backend.test(&ctx, &made).await?;
        self.backend
            .retire(&ctx, &made, Retire::Superseded)
            .await
            .map(drop)
    }

    /// What each request of this path carried as `authorization`.
    fn carried(&self, path: &str) -> Vec<String> {
        let requests = self.provider.requests.lock().unwrap();
        let of_path = requests.iter().filter(|request| request.uri().path() == path);
        of_path
            .map(|request| request.headers()["authorization"].to_str().unwrap().to_owned())
            .collect()
    }
}

fn oauth2() -> OAuth2 {
    OAuth2::new("https://auth.vendor.com/oauth/token")
        .scope("keys:read")
        .scope("keys:write")
}

#[tokio::test]
async fn client_credentials_buy_a_token_for_each_call() {
    let log = Log::start();
    let scene = Scene::new(oauth2(), Provider::new());
    scene.run(ARN).await.unwrap();
    assert_eq!(
        scene.provider.count("/oauth/token"),
        2,
        "one for createSecret, one for the revocation"
    );
    assert_eq!(
        scene.carried("/oauth/token")[0],
        "Basic Y2xpZW50OlNFTlRJTkVMLWNsaWVudC1zZWNyZXQ="
    );
    assert_eq!(
        scene.carried("/api-keys"),
        ["Bearer SENTINEL-token-1", "Bearer SENTINEL-token-1"]
    );
    assert_eq!(scene.carried("/api-keys/2"), ["Bearer SENTINEL-token-2"]);
    assert_eq!(scene.carried("/health"), ["Bearer made"], "the key's own");
    let requests = scene.provider.requests.lock().unwrap();
    assert_eq!(requests[0].uri(), "https://auth.vendor.com/oauth/token");
    let body = String::from_utf8(requests[0].body().to_vec()).unwrap();
    assert!(
        body.contains("grant_type=client_credentials") && body.contains("scope=keys%3Aread+keys%3Awrite"),
        "{body}"
    );
    let text = format!("{} {:?} {requests:?}", log.text(), scene.backend);
    assert!(!text.contains("SENTINEL"), "{text}");
}

#[tokio::test]
async fn a_client_may_send_its_credentials_in_the_body() {
    let scene = Scene::new(oauth2().credentials_in_body(), Provider::new());
    scene.run(ARN).await.unwrap();
    let requests = scene.provider.requests.lock().unwrap();
    assert!(requests[0].headers().get("authorization").is_none());
    let body = String::from_utf8(requests[0].body().to_vec()).unwrap();
    assert!(
        body.contains("client_id=client") && body.contains(&format!("client_secret={SECRET}")),
        "{body}"
    );
}

#[tokio::test]
async fn a_token_is_used_no_longer_than_it_is_valid() {
    // Each request takes 9 seconds; a token is used for 70, its margin taken off.
    let provider = Provider {
        token_reply: json!({"token_type": "bearer", "expires_in": 100}),
        takes: Duration::from_secs(9),
        pages: 12,
        ..Provider::new()
    };
    let scene = Scene::new(oauth2(), provider);
    scene.run(ARN).await.unwrap();
    let carried = scene.carried("/api-keys");
    assert_eq!(carried.len(), 13, "{carried:?}");
    let of_first = carried.iter().filter(|value| value.ends_with("token-1")).count();
    // Asked for at 0 and had at 9: used for requests that begin before 70.
    assert_eq!(of_first, 7, "{carried:?}");
    assert_eq!(carried.last().unwrap(), "Bearer SENTINEL-token-2");
}

#[tokio::test]
async fn no_token_is_used_for_another_secret_or_after_the_admin_secret_has_changed() {
    let scene = Scene::new(oauth2(), Provider::new());
    scene.run(ARN).await.unwrap();
    *scene.secret.0.lock().unwrap() = "another";
    scene
        .run("arn:aws:secretsmanager:eu-west-1:111122223333:secret:other-abc123")
        .await
        .unwrap();
    let carried = scene.carried("/api-keys");
    assert_eq!(carried[2], "Bearer SENTINEL-token-3", "{carried:?}");
    assert!(scene.carried("/oauth/token")[2] != scene.carried("/oauth/token")[0]);
}

#[tokio::test]
async fn what_the_token_endpoint_answers_says_who_can_mend_it() {
    for (statuses, class, named) in [
        (
            &[401][..],
            ErrorClass::Misconfigured,
            "refused the client credentials",
        ),
        (
            &[400],
            ErrorClass::Misconfigured,
            "refused the client credentials",
        ),
        (
            &[403],
            ErrorClass::Misconfigured,
            "refused the client credentials",
        ),
        (&[302], ErrorClass::Misconfigured, "redirect"),
        (&[503, 503, 503, 503], ErrorClass::Unavailable, "503"),
        (&[429, 429, 429, 429], ErrorClass::Unavailable, "429"),
    ] {
        let scene = Scene::new(oauth2(), Provider::new());
        *scene.provider.token_statuses.lock().unwrap() = statuses.to_vec();
        let error = scene.run(ARN).await.unwrap_err();
        assert_eq!(error.class(), class, "{statuses:?}: {error:?}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains(named) && !text.contains("SENTINEL"),
            "{statuses:?}: {text}"
        );
        assert_eq!(
            scene.provider.requests.lock().unwrap().len(),
            statuses.len(),
            "nothing else was sent"
        );
    }
    let scene = Scene::new(oauth2(), Provider::new());
    *scene.provider.token_statuses.lock().unwrap() = vec![503, 429];
    scene.run(ARN).await.unwrap();
    for reply in [
        json!({"SENTINEL": 1}),
        json!("SENTINEL"),
        json!({"access_token": 5}),
    ] {
        let provider = Provider {
            token_reply: reply,
            ..Provider::new()
        };
        let error = Scene::new(oauth2(), provider).run(ARN).await.unwrap_err();
        let text = format!("{error} {error:?} {}", rotation_core::chain(&error));
        assert_eq!(error.class(), ErrorClass::Misconfigured);
        assert!(
            text.contains("not a token response") && !text.contains("SENTINEL"),
            "{text}"
        );
    }
}

#[test]
fn the_token_endpoint_has_to_be_allowed_and_well_described() {
    let error = |oauth2: OAuth2| {
        let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
        let admin = Admin::secret(ADMIN_ARN).auth(AdminAuth::from(oauth2));
        let backend = HttpBackend::new(description().build().unwrap(), admin, hosts);
        backend.err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (oauth2, named) in [
        (OAuth2::new("https://evil.example/token"), "evil.example"),
        (OAuth2::new("http://api.vendor.com/token"), "plain http"),
        (OAuth2::new("api.vendor.com"), "token_url"),
        (OAuth2::new("https://u:p@api.vendor.com/token"), "token_url"),
        (
            OAuth2::new("https://api.vendor.com/t").credentials_at("id", "/secret"),
            "client_id_at",
        ),
        (
            OAuth2::new("https://api.vendor.com/t").credentials_at("/id", "secret"),
            "client_secret_at",
        ),
    ] {
        let error = error(oauth2);
        assert!(error.contains(named) && error.contains(';'), "{named}: {error}");
    }
    assert_eq!(error(OAuth2::new("https://api.vendor.com/t")), "");
}
