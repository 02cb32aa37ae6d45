//! A login, and whether two of them are for the same place.

use rotation_core::{BackendError, SecretString};

use crate::endpoint::Endpoint;

/// Who logs in, where, to what: a document that was checked. `Debug` redacts the password.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) endpoint: Endpoint,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    pub(crate) tls: bool,
}

impl Login {
    /// The same login to another database of the server.
    pub(crate) fn in_database(&self, name: &str) -> Self {
        Self {
            database: name.to_owned(),
            ..self.clone()
        }
    }
}

/// Fails unless pending aims at the same server and database as current: whoever can write a pending
/// value could otherwise point the function's rights elsewhere.
pub(crate) fn same_target(pending: &Login, current: &Login) -> Result<(), BackendError> {
    let differs = [
        ("host", !pending.endpoint.same_host(&current.endpoint)),
        ("port", pending.endpoint.port() != current.endpoint.port()),
        ("dbname", pending.database != current.database),
        ("ssl", pending.tls != current.tls),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((key, _)) => Err(BackendError::misconfigured(format!(
            "the key {key:?} of the pending secret differs from that of the current one; a rotation \
             changes only the credential. No connection was made. Remove AWSPENDING from this version \
             and start a new rotation",
        ))),
    }
}
