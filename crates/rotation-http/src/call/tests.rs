//! What a filled request holds, and that no value breaks out of its place.

use serde_json::json;

use super::*;
use crate::document::ApiKeyDocument;
use crate::placeholder::ALL;
use crate::request::Request;

fn document(value: &str) -> ApiKeyDocument {
    serde_json::from_value(json!({ "v": value })).unwrap()
}

fn url(path: &str, value: &str) -> Result<String, String> {
    let call = Request::get(path).0.compile(ALL).unwrap();
    let base = "https://h.example/v1/".parse().unwrap();
    let document = document(value);
    call.url(base, &Values::of(&document))
        .map(|url| url.to_string())
        .map_err(|error| error.to_string())
}

#[test]
fn paths_are_laid_on_the_base() {
    assert_eq!(url("/keys", "").as_deref(), Ok("https://h.example/v1/keys"));
    assert_eq!(
        url("/keys/{secret.v}?a=b", "k 1").as_deref(),
        Ok("https://h.example/v1/keys/k%201?a=b")
    );
    assert_eq!(
        url("/keys?a={secret.v}", "x&b=c").as_deref(),
        Ok("https://h.example/v1/keys?a=x%26b%3Dc")
    );
}

#[test]
fn a_value_cannot_leave_its_segment() {
    for hostile in [".", "..", ""] {
        assert!(url("/keys/{secret.v}", hostile).is_err(), "{hostile:?}");
        assert!(url("/keys/{secret.v}/more", hostile).is_err(), "{hostile:?}");
    }
    assert!(url("/keys/.{secret.v}", ".").is_err());
    for hostile in [
        "../..",
        "a/b",
        "%2e%2e",
        "a?b",
        "a#b",
        "//evil.example",
        "@evil.example",
    ] {
        let url = url("/keys/{secret.v}", hostile).unwrap();
        let rest = url.strip_prefix("https://h.example/v1/keys/").unwrap();
        assert!(!rest.contains(['/', '?', '#', '@']), "{hostile}: {url}");
    }
}

#[test]
fn a_value_cannot_add_a_header() {
    let call = Request::get("/")
        .header("authorization", "Bearer {secret.v}")
        .0
        .compile(ALL)
        .unwrap();
    for hostile in ["SENTINEL\r\nx: y", "SENTINEL\n", "SENTINEL\0", "SENTINELé"] {
        let document = document(hostile);
        let error = call.headers(&Values::of(&document)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("SENTINEL"), "{error:?}");
    }
    let document = document("SENTINEL");
    let headers = call.headers(&Values::of(&document)).unwrap();
    assert_eq!(headers["authorization"], "Bearer SENTINEL");
    assert!(headers["authorization"].is_sensitive() && !format!("{headers:?}").contains("SENTINEL"));
}

#[test]
fn only_expected_statuses_are() {
    let expects = |request: Request, status| {
        request
            .0
            .compile(ALL)
            .unwrap()
            .expects(StatusCode::from_u16(status).unwrap())
    };
    assert!(expects(Request::get("/"), 204) && !expects(Request::get("/"), 302));
    let two = || Request::get("/").expect_status(201).expect_status(204);
    assert!(expects(two(), 204) && expects(two(), 201) && !expects(two(), 200));
}

#[test]
fn a_value_cannot_add_a_field_to_a_form() {
    let form = Request::post("/").form([("FriendlyName", "x {secret.v}"), ("Kind", "a&b")]);
    let document = document("1&Admin=true#é");
    let call = form.0.compile(ALL).unwrap();
    assert_eq!(
        call.body(&Values::of(&document)).unwrap(),
        "FriendlyName=x+1%26Admin%3Dtrue%23%C3%A9&Kind=a%26b"
    );
    assert_eq!(
        call.headers(&Values::of(&document)).unwrap()["content-type"],
        "application/x-www-form-urlencoded"
    );
}

#[test]
fn a_user_and_a_password_are_sent_as_basic_and_not_shown() {
    let call = Request::get("/")
        .basic_auth("Aladdin", "{secret.v}")
        .0
        .compile(ALL)
        .unwrap();
    let sesame = document("open sesame");
    let headers = call.headers(&Values::of(&sesame)).unwrap();
    assert_eq!(headers["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert!(headers["authorization"].is_sensitive() && call.sets(&AUTHORIZATION));
    let call = Request::get("/")
        .basic_auth("{secret.v}", "x")
        .0
        .compile(ALL)
        .unwrap();
    let document = document("SENTINEL:");
    let error = call.headers(&Values::of(&document)).unwrap_err();
    assert!(error.to_string().contains("colon") && !error.to_string().contains("SENTINEL"));
}
