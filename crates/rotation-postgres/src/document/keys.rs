//! The keys of a secret's document, each checked. `which` says in errors whose secret it is.

use rotation_core::{BackendError, SecretString};
use serde::{Deserialize, Serialize};

use crate::names::LONGEST;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum NumberOrText {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum BooleanOrText {
    Boolean(bool),
    Text(String),
}

pub(super) fn bad(which: &str, key: &str, rule: &str) -> BackendError {
    BackendError::misconfigured(format!("the key {key:?} of the {which} secret {rule}"))
}

pub(super) fn host(which: &str, host: &str) -> Result<String, BackendError> {
    // A host that starts with a slash would be a socket's folder, a comma a list of hosts.
    let odd = |c: char| c.is_control() || c.is_whitespace() || "/,@?".contains(c);
    if host.is_empty() || host.contains(odd) {
        return Err(bad(
            which,
            "host",
            "must be one host name or address; correct it in the secret",
        ));
    }
    Ok(host.to_owned())
}

pub(super) fn port(which: &str, port: Option<&NumberOrText>) -> Result<u16, BackendError> {
    let number = match port {
        None => Some(5432),
        Some(NumberOrText::Number(number)) => u16::try_from(*number).ok(),
        Some(NumberOrText::Text(text)) => text.trim().parse().ok(),
    };
    number
        .filter(|&port| port != 0)
        .ok_or_else(|| bad(which, "port", "must be a number from 1 to 65535"))
}

pub(super) fn database(which: &str, name: Option<&str>) -> Result<String, BackendError> {
    match name {
        None => Ok("postgres".to_owned()),
        Some(name) if name.is_empty() || name.contains('\0') => Err(bad(
            which,
            "dbname",
            "is empty; name the database, or remove the key for \"postgres\"",
        )),
        Some(name) => Ok(name.to_owned()),
    }
}

pub(super) fn user(which: &str, name: &str) -> Result<String, BackendError> {
    if name.is_empty() || name.contains('\0') {
        return Err(bad(which, "username", "is empty; name the user"));
    }
    if name.len() > LONGEST {
        return Err(bad(
            which,
            "username",
            "is longer than the 63 bytes that PostgreSQL keeps of a name",
        ));
    }
    Ok(name.to_owned())
}

pub(super) fn password(which: &str, password: &SecretString) -> Result<SecretString, BackendError> {
    let text = password.expose_secret();
    if text.is_empty() || text.contains('\0') {
        return Err(bad(
            which,
            "password",
            "is empty or holds a NUL, which PostgreSQL takes for no password",
        ));
    }
    Ok(password.clone())
}

pub(super) fn ssl(which: &str, ssl: Option<&BooleanOrText>) -> Result<Option<bool>, BackendError> {
    match ssl {
        None => Ok(None),
        Some(BooleanOrText::Boolean(on)) => Ok(Some(*on)),
        Some(BooleanOrText::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(BooleanOrText::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(BooleanOrText::Text(_)) => Err(bad(
            which,
            "ssl",
            "must be true or false; remove it for TLS, which is the default",
        )),
    }
}
