//! Descriptions as JSON: the same type as the builder's, and errors that name the field.

use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, ProviderBuilder, Request};
use rotation_test_servers::http::KeyProvider;
use serde_json::{Value, json};

use crate::support::{ADMIN_ARN, ADMIN_TOKEN, TOKEN, World, document};

fn complete() -> Value {
    json!({
        "documentation": ["https://vendor.example/docs"],
        "base_url": "{secret.api_endpoint}",
        "admin": {"header": {"name": "x-admin-token", "token_at": "/token"}},
        "create": {
            "method": "POST", "path": "/api-keys", "expect": [201],
            "json": {"account_id": "{secret.account_id}", "label": "{label}"},
        },
        "key_at": "/key",
        "id_at": "/id",
        "list": {"method": "GET", "path": "/api-keys"},
        "items_at": "/keys",
        "item_id_at": "/id",
        "item_label_at": "/label",
        "pages": {"cursor": {"at": "/next", "parameter": "cursor"}},
        "max_keys": 10,
        "verify": {"method": "GET", "path": "/health", "headers": {"authorization": "Bearer {key}"}},
        "revoke": {"method": "DELETE", "path": "/api-keys/{id}"},
    })
}

/// The complete description with one field set, or taken out by a null.
fn with(pointer: &str, value: Value) -> String {
    let mut description = complete();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = description.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => _ = parent.remove(name),
        value => _ = parent.insert(name.to_owned(), value),
    }
    description.to_string()
}

#[tokio::test]
async fn a_description_as_a_document_makes_keys() {
    let provider = KeyProvider::new(ADMIN_TOKEN).with_pages(1);
    let current = document("https://api.vendor.com", &provider.make_key("made by hand"));
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    let described = Provider::from_json(&complete().to_string()).unwrap();
    let backend = HttpBackend::new(described, Admin::secret(ADMIN_ARN), hosts).unwrap();
    let (world, backend) = (World::manual(), backend.with_transport(provider.clone()));
    let made = world.create(&backend, TOKEN, &current, &[]).await.unwrap();
    world.test(&backend, &made).await.unwrap();
    world.retire(&backend, &made).await.unwrap();
    assert_eq!(
        provider.requests(),
        [
            "GET /api-keys 200",
            "POST /api-keys 201",
            "GET /health 200",
            "DELETE /api-keys/{id} 204"
        ]
    );
}

#[test]
fn every_form_is_read() {
    for (pointer, value) in [
        ("/admin", json!({"bearer": {}})),
        ("/admin", json!({"bearer": {"token_at": "/t"}})),
        (
            "/admin",
            json!({"header": {"name": "authorization", "prefix": "SSWS "}}),
        ),
        (
            "/admin",
            json!({"headers": {"DD-API-KEY": "/api_key", "DD-APPLICATION-KEY": "/app_key"}}),
        ),
        (
            "/admin",
            json!({"basic": {"user_at": "/user", "password_at": "/password"}}),
        ),
        ("/admin", json!(null)),
        ("/pages", json!({"url": {"at": "/next"}})),
        ("/pages", json!({"number": {"parameter": "page", "first": 1}})),
        ("/may_lack", json!(["id", "list", "revoke"])),
        (
            "/activate",
            json!({"method": "PUT", "path": "/api-keys/{id}", "json": {"active": true}}),
        ),
        ("/create/basic", json!({"user": "{secret.user}", "password": "x"})),
        (
            "/verify",
            json!({"method": "GET", "path": "/", "basic": {"user": "{id}", "password": "{key}"}}),
        ),
        ("/expires_at", json!("/expires")),
    ] {
        Provider::from_json(&with(pointer, value)).unwrap_or_else(|error| panic!("{pointer}: {error}"));
    }
    #[cfg(feature = "oauth2")]
    for oauth2 in [
        json!({"token_url": "https://auth.example/token"}),
        json!({
            "token_url": "https://auth.example/token", "client_id_at": "/a", "client_secret_at": "/b",
            "scopes": ["keys"], "credentials_in_body": true,
        }),
    ] {
        Provider::from_json(&with("/admin", json!({ "oauth2": oauth2 }))).unwrap();
    }
    let uploads = json!({
        "base_url": "https://api.example",
        "upload": {"method": "PUT", "path": "/keys/{id}", "form": {"key": "{key}"}},
        "key_policy": {"length": 64, "exclude_uppercase": true},
        "lacks": ["list"],
        "verify": {"method": "GET", "path": "/", "headers": {"x-key": "{key}"}},
        "revoke": {"method": "DELETE", "path": "/keys/{id}"},
    });
    Provider::from_json(&uploads.to_string()).unwrap();
}

#[cfg(not(feature = "oauth2"))]
#[test]
fn a_build_without_oauth2_says_so() {
    let error = Provider::from_json(rotation_http::vendors::MONGODB_ATLAS).unwrap_err();
    assert_eq!(error.part(), "admin.oauth2");
    assert!(error.to_string().contains("feature oauth2"), "{error}");
}

#[test]
fn errors_name_the_field_and_quote_no_value() {
    let sentinel = || json!("SENTINEL");
    for (pointer, value, part) in [
        ("/create/method", sentinel(), "create.method"),
        ("/create/path", json!(["SENTINEL"]), "create.path"),
        ("/create/expect", json!([201, "SENTINEL"]), "create.expect[1]"),
        ("/create/expect", json!([99999]), "create.expect[0]"),
        (
            "/create/headers",
            json!({"x": {"SENTINEL": 1}}),
            "create.headers.x",
        ),
        ("/create/form", json!({"a": "b"}), "create: json, form"),
        ("/create/pth", json!("/"), "create.pth"),
        ("/verify/path", json!("/{kee}"), "verify: path"),
        ("/verify/headers", json!({"x": "y"}), "verify"),
        ("/revoke/path", json!("/keys"), "revoke"),
        ("/admin", json!({"digest": {}}), "admin"),
        ("/admin", sentinel(), "admin"),
        ("/admin", json!({"header": {"nam": "x"}}), "admin.header.nam"),
        ("/admin", json!({"header": {"name": "a b"}}), "admin header"),
        ("/admin", json!({"headers": {}}), "admin headers"),
        (
            "/admin",
            json!({"basic": {"user_at": "user", "password_at": "/p"}}),
            "admin basic user_at",
        ),
        (
            "/pages",
            json!({"cursor": {"at": "next", "parameter": "p"}}),
            "pages",
        ),
        ("/pages", json!({"link": {}}), "pages"),
        ("/may_lack", json!(["SENTINEL"]), "may_lack[0]"),
        ("/verify/expect", json!([200, 401]), "verify: expect"),
        ("/create/expect", json!([201, 409]), "create: expect"),
        ("/revoke/expect", json!([404]), "revoke: expect"),
        ("/create/json", json!({"label": "{kee}"}), "create: json"),
        (
            "/verify/basic",
            json!({"user": "{id}", "password": "{key}"}),
            "verify: basic",
        ),
        (
            "/verify/headers",
            json!({"x-key": "{key}", "X-Key": "SENTINEL"}),
            "verify: headers",
        ),
        (
            "/admin",
            json!({"headers": {"x-key": "/a", "X-KEY": "/b"}}),
            "admin headers",
        ),
        ("/expiry_field", json!("until"), "expiry_field"),
        ("/expires_at", json!("/key"), "expires_at"),
        (
            "/max_keys",
            json!("SENTINEL-hidden\", expected usize"),
            "max_keys",
        ),
        ("/max_keys", json!("`, expected SENTINEL, expected "), "max_keys"),
        ("/SENTINEL, expected `x`", json!(1), "?"),
        ("/create/SENTINEL`, expected one of `x", json!(1), "create.?"),
        (
            "/create/headers",
            json!({"SENTINEL of a value": 1}),
            "create.headers.?",
        ),
        (
            "/create/headers",
            json!({format!("SENTINEL{}", "a".repeat(40)): 1}),
            "create.headers.?",
        ),
        ("/admin", json!({"SENTINEL, expected": {}}), "admin"),
        ("/lacks", json!(["list"]), "list"),
        ("/lacks", json!(["labels"]), "item_label_at"),
        ("/max_keys", json!(1), "max_keys"),
        ("/max_keys", json!(-1), "max_keys"),
        ("/max_keys", sentinel(), "max_keys"),
        ("/key_at", json!(7), "key_at"),
        ("/key_at", json!(null), "key_at"),
        ("/create", json!(null), "create"),
        ("/list", json!(null), "list"),
        ("/verify", json!(null), "verify"),
        ("/base_url", json!(null), "base_url"),
        (
            "/upload",
            json!({"method": "PUT", "path": "/{id}/{key}"}),
            "create, upload",
        ),
        ("/key_policy", json!({"length": 48}), "key_policy"),
        ("/key_policy", json!({"length": 0}), "key_policy"),
        ("/api_key", sentinel(), "api_key"),
    ] {
        let error = Provider::from_json(&with(pointer, value)).unwrap_err();
        assert_eq!(error.part(), part, "{pointer}: {error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("SENTINEL"), "{text}");
        assert!(text.contains(';'), "no remedy: {text}");
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    let uploads = |name: &str, value: Value| {
        let mut uploads = json!({
            "base_url": "https://api.example",
            "upload": {"method": "PUT", "path": "/keys/{id}", "json": "{key}"},
            "lacks": ["list"],
            "verify": {"method": "GET", "path": "/{key}"},
            "revoke": {"method": "DELETE", "path": "/keys/{id}"},
        });
        uploads[name] = value;
        uploads.to_string()
    };
    Provider::from_json(&uploads("max_keys", json!(null))).unwrap();
    let complete = complete().to_string();
    let twice = |of: &str, with: &str| {
        let text = complete.replace(of, with);
        assert_ne!(text, complete);
        text
    };
    for (text, part) in [
        (uploads("may_lack", json!(["id"])), "may_lack \"id\""),
        (uploads("may_lack", json!(["list"])), "may_lack, lacks"),
        (uploads("lacks", json!(["list", "labels"])), "lacks \"labels\""),
        (
            twice(
                r#""authorization":"Bearer {key}""#,
                r#""x-key":"{key}","x-key":"SENTINEL""#,
            ),
            "verify: headers",
        ),
        (
            twice(
                r#""path":"/health""#,
                r#""path":"/health","form":{"a":"{key}","a":"SENTINEL"}"#,
            ),
            "verify: form",
        ),
        (
            twice(
                r#"{"header":{"name":"x-admin-token","token_at":"/token"}}"#,
                r#"{"headers":{"x-key":"/a","x-key":"/SENTINEL"}}"#,
            ),
            "admin headers",
        ),
    ] {
        let error = Provider::from_json(&text).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(';') && !shown.contains("SENTINEL"), "{shown}");
    }
    let nothing = json!({
        "exclude_numbers": true, "exclude_uppercase": true, "exclude_lowercase": true,
    });
    let error = Provider::from_json(&uploads("key_policy", nothing)).unwrap_err();
    assert!(error.to_string().contains("the exclude_ fields"), "{error}");
    // A form that is built here may repeat a name, as some servers want it.
    let repeated = Request::get("/{key}").form([("scope", "a"), ("scope", "b")]);
    let builder = ProviderBuilder::from_json(&complete).unwrap();
    builder.verify(repeated).build().unwrap();
}

/// The manual's page: its first example is whole, its second replaces the parts of a key that is made there.
#[test]
fn the_manuals_examples_are_descriptions() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/http-api-keys.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut blocks = page
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let minted: Value = serde_json::from_str(blocks.next().unwrap()).unwrap();
    Provider::from_json(&minted.to_string()).unwrap();
    let upload: Value = serde_json::from_str(blocks.next().unwrap()).unwrap();
    let mut uploaded = minted;
    for name in ["create", "key_at", "id_at"] {
        uploaded.as_object_mut().unwrap().remove(name);
    }
    uploaded
        .as_object_mut()
        .unwrap()
        .extend(upload.as_object().unwrap().clone());
    Provider::from_json(&uploaded.to_string()).unwrap();
}

#[test]
fn what_is_no_document_is_refused() {
    for (text, part) in [
        ("", "description"),
        ("[]", "description"),
        ("{", "description"),
        ("{} {}", "description"),
        ("nonsense SENTINEL", "description"),
        (r#"{"base_url": "a", "base_url": "b"}"#, "description"),
    ] {
        let error = ProviderBuilder::from_json(text).unwrap_err();
        assert_eq!(error.part(), part, "{text}: {error}");
        assert!(!error.to_string().contains("SENTINEL"), "{error}");
    }
}
