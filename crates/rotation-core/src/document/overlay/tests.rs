use serde::{Deserialize, Serialize};

use crate::document::SecretValue;
use crate::secret::{SecretBytes, SecretString};

use super::*;

#[derive(Clone, Deserialize, Serialize)]
struct Login {
    username: String,
    password: SecretString,
    #[serde(default = "default_port")]
    port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

fn default_port() -> u16 {
    5432
}

fn rotate(stored: &str, change: impl Fn(&mut Login)) -> String {
    let stored = SecretValue::text(stored);
    let before: Login = stored.decode().unwrap();
    let mut after = before.clone();
    change(&mut after);
    exposed(&stored.overlay(&before, &after).unwrap())
}

fn exposed(value: &SecretValue) -> String {
    match value {
        SecretValue::Text(text) => text.expose_secret().to_owned(),
        SecretValue::Binary(bytes) => format!("{:?}", bytes.expose_secret()),
    }
}

#[test]
fn unknown_keys_order_digits_and_types_survive() {
    let stored = r#"{"zeta": 1.10, "password":"old","big":123456789012345678901234567890,"username":"app", "e": 1E+2, "nested":{"b":1.0,"a":null}, "list":[ 1 , 2.50 ],"über":"\u00fc"}"#;
    let rotated = rotate(stored, |login| login.password = "new".into());
    assert_eq!(
        rotated,
        r#"{"zeta":1.10,"password":"new","big":123456789012345678901234567890,"username":"app","e":1E+2,"nested":{"b":1.0,"a":null},"list":[ 1 , 2.50 ],"über":"\u00fc"}"#
    );
}

#[test]
fn a_default_that_nobody_wrote_is_not_written() {
    let rotated = rotate(r#"{"username":"app","password":"old"}"#, |login| {
        login.password = "new".into();
    });
    assert_eq!(rotated, r#"{"username":"app","password":"new"}"#);
}

#[test]
fn new_keys_are_added_and_dropped_ones_removed() {
    let added = rotate(r#"{"username":"app","password":"p"}"#, |login| {
        login.note = Some("x".into());
    });
    assert_eq!(added, r#"{"username":"app","password":"p","note":"x"}"#);
    let removed = rotate(r#"{"note":"x","username":"app","password":"p"}"#, |login| {
        login.note = None;
    });
    assert_eq!(removed, r#"{"username":"app","password":"p"}"#);
}

#[derive(Clone, Deserialize, Serialize)]
struct Secret {
    password: SecretString,
}

#[test]
fn nested_objects_and_arrays_are_overlaid_too() {
    #[derive(Clone, Deserialize, Serialize)]
    struct Nested {
        db: Secret,
        users: Vec<Secret>,
    }
    let stored = SecretValue::text(
        r#"{"db":{"pool":10.0,"password":"old"},"users":[{"extra":1.10,"password":"a"},{"password":"b","n":2.50}]}"#,
    );
    let before: Nested = stored.decode().unwrap();
    let mut after = before.clone();
    after.db.password = "new".into();
    after.users[1].password = "c".into();
    assert_eq!(
        exposed(&stored.overlay(&before, &after).unwrap()),
        r#"{"db":{"pool":10.0,"password":"new"},"users":[{"extra":1.10,"password":"a"},{"password":"c","n":2.50}]}"#
    );
    after.users.pop();
    assert_eq!(
        exposed(&stored.overlay(&before, &after).unwrap()),
        r#"{"db":{"pool":10.0,"password":"new"},"users":[{"password":"a"}]}"#
    );
}

#[test]
fn what_would_not_read_back_is_refused() {
    #[derive(Clone, Deserialize, Serialize)]
    struct Aliased {
        #[serde(alias = "pwd")]
        password: SecretString,
    }
    let stored = SecretValue::text(r#"{"pwd":"old"}"#);
    let before: Aliased = stored.decode().unwrap();
    let after = Aliased {
        password: "new".into(),
    };
    assert_eq!(
        stored.overlay(&before, &after).unwrap_err(),
        DocumentError::NotReadBack
    );

    let twice = SecretValue::text(r#"{"password":"a","password":"b"}"#);
    let before: Value = twice.decode().unwrap();
    let duplicate = DocumentError::DuplicateKey("password".to_owned());
    assert_eq!(twice.overlay(&before, &before).unwrap_err(), duplicate);

    let opaque = SecretValue::text("old");
    let old: SecretString = opaque.decode().unwrap();
    assert_eq!(
        opaque.overlay(&old, &"{new".into()).unwrap_err(),
        DocumentError::NotReadBack
    );
}

/// Without its feature `float_roundtrip`, serde_json reads what it wrote of this number as the neighbour.
#[test]
fn a_fraction_that_is_not_read_exactly_refuses_nothing() {
    let stored = SecretValue::text(r#"{"weights":[1.5,123456789.123456789]}"#);
    let before: Value = stored.decode().unwrap();
    let mut after = before.clone();
    after["weights"].as_array_mut().unwrap().remove(0);
    assert!(stored.overlay(&before, &after).is_ok());
}

#[test]
fn a_set_that_is_not_touched_may_be_read_in_any_order() {
    #[derive(Clone, Deserialize, Serialize)]
    struct Hosts {
        hosts: std::collections::HashSet<String>,
        password: SecretString,
    }
    let stored = SecretValue::text(r#"{"hosts":["a","b","c","d"],"password":"old"}"#);
    for _ in 0..20 {
        let before: Hosts = stored.decode().unwrap();
        stored.overlay(&before, &before).unwrap();
        let mut after = before.clone();
        after.password = "new".into();
        let overlaid = exposed(&stored.overlay(&before, &after).unwrap());
        assert_eq!(overlaid, r#"{"hosts":["a","b","c","d"],"password":"new"}"#);
    }
}

#[test]
fn white_space_before_a_document_is_no_part_of_it() {
    let stored = " \n\t{\"username\":\"app\",\"password\":\"old\"}\n";
    let rotated = rotate(stored, |login| login.password = "new".into());
    assert_eq!(rotated, r#"{"username":"app","password":"new"}"#);
}

#[test]
fn errors_name_the_key_and_quote_nothing() {
    let rows = [
        (
            r#"{"username":"app"}"#,
            "the key \"password\" is missing from the document; add it",
        ),
        (
            r#"{"username":"hunter2","password":17}"#,
            "the key \"password\" has a value of the wrong type or form",
        ),
        (
            r#"{"username":"app","password":"hunter2","port":"hunter2"}"#,
            "the key \"port\" has a value of the wrong type or form",
        ),
        (
            r#"{"username":"app","password":"hunter2","password":"hunter2"}"#,
            "the key \"password\" stands twice in the document; remove one",
        ),
        (
            "{\"username\":\"app\",\n\"password\":hunter2}",
            "it starts with { and is not a JSON object (line 2, column 12); correct it, or store plain text that starts otherwise",
        ),
        (
            "{",
            "it starts with { and is not a JSON object (line 1, column 1); correct it, or store plain text that starts otherwise",
        ),
        (
            "hunter2",
            "it does not have the form that the backend's credential needs",
        ),
    ];
    for (stored, expected) in rows {
        let error = SecretValue::text(stored).decode::<Login>().err().unwrap();
        assert_eq!(error.to_string(), expected, "{stored}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn opaque_values_keep_their_kind() {
    let text = SecretValue::text("[not a document");
    let before: SecretString = text.decode().unwrap();
    assert_eq!(exposed(&text.overlay(&before, &"new".into()).unwrap()), "new");

    let binary = SecretValue::binary(vec![1, 2, 255]);
    let before: SecretBytes = binary.decode().unwrap();
    let after = binary.overlay(&before, &vec![3, 254].into()).unwrap();
    assert_eq!(after, SecretValue::binary(vec![3, 254]));
}

#[test]
fn a_credential_of_another_kind_is_refused() {
    let document = SecretValue::text("{}");
    let [a, b] = ["a", "b"].map(str::to_owned);
    let rows = [
        (
            document.overlay(&a, &b).unwrap_err(),
            DocumentError::WrongKind("a JSON document"),
        ),
        (
            SecretValue::text("a")
                .overlay(&Value::Null, &serde_json::json!({}))
                .unwrap_err(),
            DocumentError::WrongKind("plain text"),
        ),
        (
            SecretValue::binary(vec![1]).overlay(&a, &b).unwrap_err(),
            DocumentError::WrongKind("binary"),
        ),
    ];
    for (error, expected) in rows {
        assert_eq!(error, expected);
    }
}

#[test]
fn maps_and_flattened_structs_read_a_document() {
    #[derive(Deserialize)]
    struct Outer {
        #[serde(flatten)]
        login: Login,
    }
    let value = SecretValue::text(r#"{"username":"app","password":"p","port":1}"#);
    assert_eq!(value.decode::<Outer>().unwrap().login.port, 1);
    let map: std::collections::BTreeMap<String, Value> = value.decode().unwrap();
    assert_eq!(map["port"], 1);
    assert_eq!(value.decode::<Value>().unwrap()["username"], "app");
}
