//! What a filled template holds, and that no value breaks out of its place.

use serde_json::json;

use super::*;
use crate::document::ApiKeyDocument;
use crate::json_template::JsonTemplate;
use crate::placeholder::ALL;

const HOSTILE: &str = "a/../b?c=d&e#f%2e\\\"}{\r\nX: y é";

fn document(hostile: &str) -> ApiKeyDocument {
    serde_json::from_value(json!({"v": hostile, "n": 7, "gone": null})).unwrap()
}

fn template(text: &str) -> Template {
    Template::parse(text, ALL).unwrap()
}

#[test]
fn a_value_in_a_path_stays_in_its_segment() {
    let document = document(HOSTILE);
    let filled = template("/k/{secret.v}/x?l={secret.v}")
        .fill_path(&Values::of(&document))
        .unwrap();
    let encoded = "a%2F..%2Fb%3Fc%3Dd%26e%23f%252e%5C%22%7D%7B%0D%0AX%3A%20y%20%C3%A9";
    assert_eq!(*filled, format!("/k/{encoded}/x?l={encoded}"));
}

#[test]
fn a_value_in_json_stays_a_text() {
    let document = document(HOSTILE);
    let body = json!({"label": "x-{secret.v}", "list": [1, "{secret.n}", {"deep": "{{}}"}], "{name}": null});
    let filled = JsonTemplate::parse(&body, ALL)
        .unwrap()
        .fill(&Values::of(&document))
        .unwrap();
    let expected = json!({"label": format!("x-{HOSTILE}"), "list": [1, "7", {"deep": "{}"}], "{name}": null});
    assert_eq!(filled, expected);
}

#[test]
fn a_base_may_start_with_a_value_or_have_one_in_its_host() {
    let fill = |text: &str, value: &str| {
        let document = document(value);
        template(text)
            .fill_base(&Values::of(&document))
            .map(|filled| filled.to_string())
            .map_err(|e| e.to_string())
    };
    assert_eq!(
        fill("{secret.v}", "https://h.example/v1/").as_deref(),
        Ok("https://h.example/v1")
    );
    assert_eq!(
        fill("{secret.v}/v1", "https://h.example").as_deref(),
        Ok("https://h.example/v1")
    );
    assert_eq!(
        fill("https://{secret.v}.example/v1", "eu-1").as_deref(),
        Ok("https://eu-1.example/v1")
    );
    assert_eq!(
        fill("https://h.example/{secret.v}", "a/b").as_deref(),
        Ok("https://h.example/a%2Fb")
    );
    for hostile in [
        "evil.example/",
        "evil.example#",
        "user@evil",
        "evil:1",
        "evil\\",
        "e%2f",
        "é",
    ] {
        let error = fill("https://{secret.v}.example", hostile).unwrap_err();
        assert!(
            error.contains("{secret.v}") && !error.contains(hostile),
            "{error}"
        );
    }
}

#[test]
fn a_missing_or_empty_value_is_named() {
    let document = document("");
    for text in [
        "{secret.v}",
        "{secret.gone}",
        "{secret.nowhere}",
        "{id}",
        "{key}",
        "{label}",
    ] {
        let error = template(text).fill_path(&Values::of(&document)).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn only_the_fixed_set_is_known() {
    for text in [
        "{",
        "}",
        "{}",
        "{foo}",
        "{secret.}",
        "{secret}",
        "{key",
        "{ key }",
        "{{key}",
        "{Key}",
    ] {
        assert!(Template::parse(text, ALL).is_err(), "{text}");
    }
    assert_eq!(template("{{key}}").sample(), "{key}");
    assert_eq!(template("a{key}b{secret.n}").sample(), "axbx");
}

#[test]
fn a_placeholder_is_refused_where_it_has_no_value() {
    let nothing = Allowed {
        key: false,
        id: false,
        label: false,
        ..ALL
    };
    for text in ["{key}", "{id}", "{label}", "{secret.api_key}"] {
        assert!(
            Template::parse(text, nothing).unwrap_err().contains(text),
            "{text}"
        );
    }
    assert!(Template::parse("{secret.other}", nothing).is_ok());
}
