//! The admin credential: where it comes from, which requests carry it, what is wrong with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rotation_core::{
    BackendError, CredentialBackend, ErrorClass, Live, LiveIds, Outside, SecretReader, SecretValue, Step,
    StoreError, StoreErrorKind, async_trait,
};
use rotation_http::{Admin, AdminAuth, AllowedHosts, HttpBackend, ProviderBuilder};
use rotation_test_servers::http::{Answers, AtOnce};
use rotation_testkit::TravelClock;
use serde_json::json;

use crate::support::{ADMIN_ARN, ARN, TOKEN, description, from_json};

/// Answers every request as the provider would, and keeps it.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Request<Bytes>>>>);

impl Answers for Recorder {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.0.lock().unwrap().push(request);
        Response::new(json!({"keys": [], "key": "made", "id": 2}).to_string().into())
    }
}

impl Recorder {
    /// Each request's method, and the value of one header.
    fn headers(&self, name: &str) -> Vec<(String, Option<String>)> {
        let header =
            |request: &Request<Bytes>| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|request| (request.method().to_string(), header(request)))
            .collect()
    }
}

/// A secret with this value; `None` is one that may not be read.
struct Secret(Option<SecretValue>);

#[async_trait]
impl SecretReader for Secret {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        assert_eq!(secret_id, ADMIN_ARN);
        self.0
            .clone()
            .ok_or_else(|| StoreError::not_applied(StoreErrorKind::Denied, "AccessDeniedException"))
    }
}

fn hosts() -> AllowedHosts {
    AllowedHosts::new(["api.vendor.com"]).unwrap()
}

/// All requests there are, in the order POST after GET, the verifying GET, DELETE.
async fn rotate(admin: Admin, secret: Option<SecretValue>) -> Result<Recorder, BackendError> {
    rotate_at(description(), admin, secret).await
}

async fn rotate_at(
    description: ProviderBuilder,
    admin: Admin,
    secret: Option<SecretValue>,
) -> Result<Recorder, BackendError> {
    let (recorder, secret, clock) = (Recorder::default(), Secret(secret), TravelClock::new());
    let backend = HttpBackend::new(description.build().unwrap(), admin, hosts()).unwrap();
    let backend = backend.with_transport(AtOnce(recorder.clone()));
    let outside = Outside::new(&clock).with_secrets(&secret);
    let ctx = outside.context(ARN, TOKEN, Step::CreateSecret, Duration::from_secs(60));
    let current =
        from_json(json!({"api_endpoint": "https://api.vendor.com", "account_id": 7, "key_id": "1"}));
    let ids = LiveIds::new([Some("1".to_owned())]);
    let made = backend.create(&ctx, Live::new(&current, None, &ids)).await?;
    backend.test(&ctx, &made).await?;
    backend
        .retire(&ctx, &made, rotation_core::Retire::Superseded)
        .await?;
    Ok(recorder)
}

#[tokio::test]
async fn a_plain_token_is_a_bearer_unless_a_header_is_named() {
    let plain = || Some(SecretValue::text("t0k"));
    let sent = rotate(Admin::secret(ADMIN_ARN), plain())
        .await
        .unwrap()
        .headers("authorization");
    let methods: Vec<_> = sent
        .iter()
        .map(|(method, value)| (method.as_str(), value.as_deref()))
        .collect();
    let (admin, key) = (Some("Bearer t0k"), Some("Bearer made"));
    assert_eq!(
        methods,
        [("GET", admin), ("POST", admin), ("GET", key), ("DELETE", admin)]
    );
    let sent = rotate(Admin::secret(ADMIN_ARN).header("X-Token"), plain())
        .await
        .unwrap()
        .headers("x-token");
    let carried: Vec<_> = sent.iter().map(|(_, value)| value.as_deref()).collect();
    assert_eq!(carried, [Some("t0k"), Some("t0k"), None, Some("t0k")]);
}

#[tokio::test]
async fn a_token_is_found_in_a_document_or_given() {
    let document = SecretValue::text(json!({"deep": [{"token": "t0k"}]}).to_string());
    let admin = Admin::secret(ADMIN_ARN)
        .json_pointer("/deep/0/token")
        .header("x-token");
    assert_eq!(
        rotate(admin, Some(document)).await.unwrap().headers("x-token")[0]
            .1
            .as_deref(),
        Some("t0k")
    );
    let given = Admin::given("t0k").header("x-token");
    assert_eq!(
        rotate(given, None).await.unwrap().headers("x-token")[0]
            .1
            .as_deref(),
        Some("t0k")
    );
}

#[tokio::test]
async fn the_credential_takes_the_form_that_the_provider_needs() {
    let document = || {
        Some(SecretValue::text(
            json!({"user": "Aladdin", "password": "open sesame"}).to_string(),
        ))
    };
    let admin = Admin::secret(ADMIN_ARN);
    let first = |recorder: &Recorder, name| recorder.headers(name)[0].1.clone().unwrap();
    let basic = rotate(
        admin.clone().auth(AdminAuth::basic("/user", "/password")),
        document(),
    )
    .await
    .unwrap();
    assert_eq!(
        first(&basic, "authorization"),
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    let two = AdminAuth::headers([("dd-api-key", "/user"), ("dd-application-key", "/password")]);
    let two = rotate(admin.clone().auth(two), document()).await.unwrap();
    assert_eq!(
        (first(&two, "dd-api-key"), first(&two, "dd-application-key")),
        ("Aladdin".to_owned(), "open sesame".to_owned())
    );
    assert_eq!(two.headers("dd-api-key")[2].1, None, "verify goes without it");
    let prefixed = AdminAuth::prefixed("authorization", "SSWS ").token_at("/user");
    let prefixed = rotate(admin.clone().auth(prefixed), document()).await.unwrap();
    assert_eq!(first(&prefixed, "authorization"), "SSWS Aladdin");
    // What the caller says goes before what the description says.
    let described = description().admin(AdminAuth::header("x-described").token_at("/user"));
    for (admin, header) in [
        (admin.clone(), "x-described"),
        (admin.json_pointer("/user").header("x-own"), "x-own"),
    ] {
        let recorder = rotate_at(described.clone(), admin, document()).await.unwrap();
        assert_eq!(first(&recorder, header), "Aladdin");
    }
}

#[tokio::test]
async fn an_unsuitable_admin_secret_is_said_and_not_shown() {
    let text = |text: &str| Some(SecretValue::text(text));
    let document = json!({"SENTINEL": 1, "token": 5}).to_string();
    let plain = || Admin::secret(ADMIN_ARN);
    for (row, admin, value, named) in [
        ("denied", plain(), None, "could not be read"),
        ("empty", plain(), text(""), "empty"),
        (
            "a line break at its end",
            plain(),
            text("SENTINEL\n"),
            "line break",
        ),
        (
            "binary",
            plain(),
            Some(SecretValue::binary(b"SENTINEL".as_slice())),
            "binary",
        ),
        (
            "a document and no pointer",
            plain(),
            text(&document),
            "json_pointer",
        ),
        (
            "no text at the pointer",
            plain().json_pointer("/token"),
            text(&document),
            "/token",
        ),
        (
            "nothing at the pointer",
            plain().json_pointer("/nowhere"),
            text(&document),
            "/nowhere",
        ),
        (
            "a user name with a colon",
            plain().auth(AdminAuth::basic("/user", "/password")),
            text(r#"{"user": "SENTINEL:", "password": "x"}"#),
            "colon",
        ),
        (
            "an empty part",
            plain().auth(AdminAuth::headers([("x-a", "/a")])),
            text(r#"{"a": "", "b": "SENTINEL"}"#),
            "/a",
        ),
        (
            "plain text and a pointer",
            plain().json_pointer("/token"),
            text("SENTINEL"),
            "form",
        ),
    ] {
        let error = rotate(admin, value).await.err().expect(row);
        assert_eq!(error.class(), ErrorClass::Misconfigured, "{row}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains(named) && !text.contains("SENTINEL"),
            "{row}: {text}"
        );
    }
}

#[test]
fn parts_that_do_not_suit_each_other_are_refused() {
    let error = |description: ProviderBuilder, admin: Admin| {
        HttpBackend::new(description.build().unwrap(), admin, hosts())
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let secret = || Admin::secret(ADMIN_ARN);
    let own_header = || description().list(rotation_http::Request::get("/k").header("Authorization", "x"));
    for (found, named) in [
        (error(description(), Admin::secret("")), "ARN"),
        (error(description(), secret().header("no header")), "admin header"),
        (error(description(), secret().header("Host")), "transport"),
        (
            error(description(), secret().header("content-length")),
            "transport",
        ),
        (
            error(description(), secret().header("transfer-encoding")),
            "transport",
        ),
        (error(description(), secret().header("connection")), "transport"),
        (
            error(description(), secret().json_pointer("token")),
            "json_pointer",
        ),
        (error(own_header(), secret()), "list: header authorization"),
        (
            error(description().base_url("https://elsewhere.com"), secret()),
            "elsewhere.com",
        ),
        (
            error(description().base_url("http://api.vendor.com"), secret()),
            "plain http",
        ),
    ] {
        assert!(found.contains(named), "{named}: {found}");
    }
    assert_eq!(error(own_header(), secret().header("x-token")), "");
}

#[tokio::test]
async fn requests_are_what_the_description_says() {
    let recorder = rotate(Admin::given("t0k"), None).await.unwrap();
    let requests = recorder.0.lock().unwrap();
    let lines: Vec<_> = requests
        .iter()
        .map(|request| format!("{} {}", request.method(), request.uri()))
        .collect();
    let base = "https://api.vendor.com";
    assert_eq!(lines[0], format!("GET {base}/api-keys"));
    assert_eq!(lines[1], format!("POST {base}/api-keys"));
    assert_eq!(lines[2], format!("GET {base}/health"));
    assert_eq!(lines[3], format!("DELETE {base}/api-keys/2"));
    let body: serde_json::Value = serde_json::from_slice(requests[1].body()).unwrap();
    assert_eq!(body["account_id"], "7");
    assert_eq!(requests[1].headers()["content-type"], "application/json");
    assert!(
        requests
            .iter()
            .all(|request| request.headers()["accept"] == "application/json")
    );
    assert!(!format!("{requests:?}").contains("t0k"));
}
