//! What the two programs of this example read from their environment: `postgres-rotator`, the function,
//! and `postgres-migrate`, which gives a pair of users a shared owner role.

mod config;
mod connections;

pub use config::{Strategy, strategy};
pub use connections::{connections, superuser_hosts};

/// A variable of this process's environment.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}
