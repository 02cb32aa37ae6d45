//! The shared role that owns what both users make.

use rotation_core::BackendError;

use crate::names::{LONGEST, is_reserved};

/// A role without a login that both users of a pair are members of and act as, so that what one makes
/// the other can use, alter and drop, and neither can reset the other's password.
///
/// Each user starts its sessions as this role (`ALTER ROLE app SET role = 'app_owner'`). A pair made
/// by AWS's template has to be migrated first: ownership and direct grants given to the role, and the
/// membership of one user in the other revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnerRole {
    name: String,
    created: bool,
}

impl OwnerRole {
    /// A role that exists.
    pub fn existing(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            created: false,
        }
    }

    /// A role that the superuser creates if it does not exist, for a user that owns nothing yet and
    /// has no grants of its own. (One that does has to be migrated.)
    pub fn created(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            created: true,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_created(&self) -> bool {
        self.created
    }

    /// Fails if it cannot be a role's name, or is a name that must not be touched.
    pub(crate) fn check(&self, users: [&str; 2]) -> Result<(), BackendError> {
        let problem = match self.name.as_str() {
            "" => "is empty",
            name if name.len() > LONGEST => "is longer than the 63 bytes that PostgreSQL keeps",
            name if name.contains('\0') => "holds a NUL",
            name if ["none", "public"].contains(&name) || is_reserved(name) => "is reserved",
            name if users.contains(&name) => "is that of a user; it has to be a role of its own",
            _ => return Ok(()),
        };
        Err(BackendError::misconfigured(format!(
            "the name of the owner role, {:?}, {problem}",
            self.name
        )))
    }
}
