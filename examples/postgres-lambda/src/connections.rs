//! How the servers are reached, as the environment has it.

use rotation_lambda::Error;
use rotation_postgres::{CaBundle, Connections, SameHost};

/// Connections that trust the bundle in `POSTGRES_CA_BUNDLE`, or else the operating system's authorities,
/// and that honour `"ssl": false` in a secret if `ALLOW_PLAINTEXT` is true.
///
/// # Errors
///
/// [`Error`], which names the variable.
pub fn connections(lookup: impl Fn(&str) -> Option<String>) -> Result<Connections, Error> {
    let bundle = match variable(&lookup, "POSTGRES_CA_BUNDLE") {
        Some(path) => CaBundle::File(path.into()),
        None => CaBundle::Platform,
    };
    let connections =
        Connections::new(&bundle).map_err(|error| Error::new(format!("POSTGRES_CA_BUNDLE: {error}")))?;
    Ok(match flag(&lookup, "ALLOW_PLAINTEXT")? {
        true => connections.allowing_plaintext(),
        false => connections,
    })
}

/// Where superusers log in: at the rotated secret's host, which their secret has to name unless
/// `ALLOW_SUPERUSER_WITHOUT_HOST` is true.
///
/// # Errors
///
/// [`Error`], which names the variable.
pub fn superuser_hosts(lookup: impl Fn(&str) -> Option<String>) -> Result<SameHost, Error> {
    Ok(match flag(lookup, "ALLOW_SUPERUSER_WITHOUT_HOST")? {
        true => SameHost::named_or_absent(),
        false => SameHost::named(),
    })
}

/// One that is empty counts as not set.
pub(crate) fn variable(lookup: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    lookup(name).filter(|value| !value.trim().is_empty())
}

/// False where it is not set.
pub(crate) fn flag(lookup: impl Fn(&str) -> Option<String>, name: &str) -> Result<bool, Error> {
    match variable(lookup, name)
        .map(|value| value.trim().to_ascii_lowercase())
        .as_deref()
    {
        None | Some("false" | "0" | "n" | "no") => Ok(false),
        Some("true" | "1" | "y" | "yes") => Ok(true),
        Some(_) => Err(Error::new(format!(
            "{name} must be true or false; correct or remove it"
        ))),
    }
}
