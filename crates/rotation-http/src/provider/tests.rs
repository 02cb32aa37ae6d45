//! What is refused when a description is built.

use serde_json::json;

use super::*;
use crate::request::Request;

fn complete() -> ProviderBuilder {
    Provider::builder()
        .base_url("https://api.vendor.com/v1/")
        .create(Request::post("/keys").json(json!({"name": "{label}"})))
        .key_at("/key")
        .id_at("/id")
        .list(Request::get("/keys"))
        .items_at("")
        .item_id_at("/id")
        .item_label_at("/name")
        .verify(Request::get("/me").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/keys/{id}"))
}

fn without(take_out: impl FnOnce(&mut description::Description)) -> ProviderBuilder {
    let mut builder = complete();
    take_out(&mut builder.0);
    builder
}

#[test]
fn a_complete_description_is_built() {
    let provider = complete().build().unwrap();
    assert_eq!(
        provider.fixed_base().unwrap().as_str(),
        "https://api.vendor.com/v1"
    );
    assert!(
        complete()
            .base_url("{secret.endpoint}")
            .build()
            .unwrap()
            .fixed_base()
            .is_none()
    );
    let by_field = Request::get("/me").header("x-key", "{secret.api_key}");
    assert!(complete().verify(by_field).build().is_ok());
}

#[test]
fn errors_name_the_part_and_the_remedy() {
    let get = Request::get;
    for (builder, part) in [
        (Provider::builder(), "create"),
        (without(|parts| parts.base_url = None), "base_url"),
        (without(|parts| parts.create = None), "create"),
        (without(|parts| parts.list = None), "list"),
        (without(|parts| parts.verify = None), "verify"),
        (without(|parts| parts.revoke = None), "revoke"),
        (without(|parts| parts.key_at = None), "key_at"),
        (without(|parts| parts.id_at = None), "id_at"),
        (without(|parts| parts.items_at = None), "items_at"),
        (without(|parts| parts.item_id_at = None), "item_id_at"),
        (without(|parts| parts.item_label_at = None), "item_label_at"),
        (complete().create(Request::post("/keys")), "create"),
        (complete().create(Request::post("/{label}/{id}")), "create: path"),
        (
            complete().create(Request::post("/{label}").header("x", "{key}")),
            "create: header \"x\"",
        ),
        (
            complete().create(Request::post("/{label}").header("x", "{secret.api_key}")),
            "create: header \"x\"",
        ),
        (complete().list(get("/{label}")), "list: path"),
        (
            complete().list(get("/{secret.token}")).key_field("token"),
            "list: path",
        ),
        (complete().verify(get("/me")), "verify"),
        (complete().verify(get("/{key}/{label}")), "verify: path"),
        (complete().revoke(Request::delete("/keys")), "revoke"),
        (
            complete().revoke(Request::delete("/keys/{id}?k={key}")),
            "revoke: path",
        ),
        (complete().key_at("key"), "key_at"),
        (complete().id_at("/key"), "id_at"),
        (complete().id_at("/a~2"), "id_at"),
        (complete().key_field(""), "key_field, key_id_field, expiry_field"),
        (
            complete().key_id_field("api_key"),
            "key_field, key_id_field, expiry_field",
        ),
        (complete().base_url("api.vendor.com"), "base_url"),
        (complete().base_url("ftp://api.vendor.com"), "base_url"),
        (complete().base_url("https:api.vendor.com"), "base_url"),
        (complete().base_url("https://user@api.vendor.com"), "base_url"),
        (complete().base_url("https://api.vendor.com?a=b"), "base_url"),
        (complete().base_url("https://api.vendor.com#a"), "base_url"),
        (complete().base_url("https://api.vendor.com/a/../b"), "base_url"),
        (complete().base_url("https://api.vendor.com/%2E"), "base_url"),
        (complete().base_url("{secret.a}/%2e%2E/b"), "base_url"),
        (complete().base_url("{secret.a}{secret.b}"), "base_url"),
        (complete().base_url("{secret.a}:8080"), "base_url"),
        (complete().base_url("{key}"), "base_url"),
        (complete().base_url(""), "base_url"),
        (
            complete().verify(get("/{key}").expect_status(401)),
            "verify: expect",
        ),
        (
            complete().create(Request::post("/{label}").expect_status(409)),
            "create: expect",
        ),
        (complete().list(get("/keys").expect_status(302)), "list: expect"),
        (
            complete().revoke(Request::delete("/{id}").expect_status(404)),
            "revoke: expect",
        ),
        (
            complete().activate(get("/{id}").expect_status(100)),
            "activate: expect",
        ),
        (
            complete().verify(get("/").basic_auth("{id}", "{key}").header("AUTHORIZATION", "x")),
            "verify: basic",
        ),
        (
            complete().verify(get("/").header("X-Key", "{key}").header("x-key", "x")),
            "verify: header \"x-key\"",
        ),
        (complete().expiry_field("until"), "expiry_field"),
        (complete().expires_at("/key"), "expires_at"),
        (
            complete().expires_at("/until").expiry_field("api_key"),
            "expiry_field",
        ),
        (
            complete().expires_at("/until").expiry_field("key_id"),
            "expiry_field",
        ),
        (
            complete().expires_at("/until").key_field("expires_at"),
            "expiry_field",
        ),
        (
            complete()
                .expires_at("/until")
                .base_url("https://h.example/{secret.expires_at}"),
            "expiry_field",
        ),
        (
            complete()
                .expires_at("/until")
                .expiry_field("site")
                .list(get("/{secret.site}")),
            "expiry_field",
        ),
        (
            complete()
                .expires_at("/until")
                .expiry_field("n")
                .verify(get("/{key}/{secret.n}")),
            "expiry_field",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.part(), part, "{error}");
        assert!(error.to_string().contains(';'), "no remedy: {error}");
    }
}

#[test]
fn a_field_that_no_rotation_writes_may_be_used() {
    let by_field = Request::get("/me/{secret.expires_at}").header("x-key", "{key}");
    assert!(complete().verify(by_field).build().is_ok());
    let kept = complete().expires_at("/until").expiry_field("until");
    assert!(kept.build().is_ok());
}

#[test]
fn an_id_that_may_not_be_given_is_not_relied_on() {
    let optional = || complete().id_where_given("/id");
    assert!(optional().build().is_ok());
    let by_id = Request::get("/me/{id}").header("x-key", "{key}");
    assert!(complete().verify(by_id.clone()).build().is_ok());
    for (builder, part) in [
        (optional().verify(by_id.clone()), "verify"),
        (optional().list(Request::get("/keys/{secret.key_id}")), "list"),
        (
            optional().create(Request::post("/{label}/{secret.key_id}")),
            "create",
        ),
        (
            optional().base_url("https://h.example/{secret.key_id}"),
            "base_url",
        ),
        (optional().id_where_given("/key"), "id_at"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    // The last call says what holds.
    assert!(optional().verify(by_id).id_at("/id").build().is_ok());
}

#[test]
fn a_base_from_the_secret_is_checked_when_it_is_known() {
    let provider = complete().base_url("{secret.endpoint}/v2").build().unwrap();
    let base = |value: &str| {
        let document = serde_json::from_value(json!({ "endpoint": value })).unwrap();
        provider
            .base(&document)
            .map(|url| url.to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(base("https://h.example/").as_deref(), Ok("https://h.example/v2"));
    for hostile in [
        "",
        "SENTINEL",
        "https://h.example?SENTINEL",
        "https://h.example#SENTINEL",
        "https://SENTINEL@h.example",
        "https://h.example\\SENTINEL",
        "https://h.ex\namSENTINEL",
        "data:SENTINEL",
        "https:SENTINEL.example",
    ] {
        let error = base(hostile).unwrap_err();
        assert!(!error.contains("SENTINEL"), "{hostile:?}: {error}");
    }
}

#[test]
fn a_value_cannot_leave_its_place_in_the_base() {
    let base = |template: &str, value: &str| {
        let provider = complete().base_url(template).build().unwrap();
        let document = serde_json::from_value(json!({ "tenant": value })).unwrap();
        provider
            .base(&document)
            .map(|url| url.to_string())
            .map_err(|error| error.to_string())
    };
    let template = "https://api.vendor.com/tenants/{secret.tenant}/v1";
    assert_eq!(
        base(template, "a..b/%").as_deref(),
        Ok("https://api.vendor.com/tenants/a..b%2F%25/v1")
    );
    for dots in [".", "..", "%2e", "%2e%2e", ".%2E", "%252e%252E", "%25252e."] {
        let error = base(template, dots).unwrap_err();
        assert!(error.contains("{secret.tenant}"), "{dots}: {error}");
    }
    for (template, value) in [
        ("https://api.vendor.com/tenants/.{secret.tenant}/v1", "."),
        ("https://api.vendor.com/tenants/%2e{secret.tenant}", "."),
        ("{secret.tenant}/v1", "https://api.vendor.com/tenants/.."),
        ("{secret.tenant}/v1", "https://api.vendor.com/a/%2E%2e/b"),
    ] {
        let error = base(template, value).unwrap_err();
        assert!(error.contains(". or .."), "{template}: {error}");
    }
}

#[test]
fn debug_shows_requests_without_their_values() {
    let builder = complete().list(Request::get("/keys?t=SENTINEL").header("x", "SENTINEL"));
    let text = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(text.contains("GET /keys") && !text.contains("SENTINEL"), "{text}");
}
