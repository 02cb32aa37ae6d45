//! The two users that are compared.

use rotation_core::BackendError;

use crate::difference::Difference;
use crate::roles::{Role, Roles};

#[derive(Clone, Copy)]
pub(super) struct RolePair<'a> {
    pub(super) roles: &'a Roles,
    pub(super) current: &'a Role,
    /// `None` until it is created.
    pub(super) pending: Option<&'a Role>,
    pub(super) pending_name: &'a str,
    /// The pending user was this secret's before: it logged in by one of its versions.
    pub(super) proven: bool,
}

impl RolePair<'_> {
    /// The membership that makes the pending user one of the pair.
    pub(super) fn membership_in(&self, role: &str) -> Difference {
        Difference::Member {
            user: self.pending_name.to_owned(),
            role: role.to_owned(),
            options: "",
        }
    }

    /// The role of the pending user's name is not known to be this secret's; `mark` would say that it is.
    pub(super) fn not_a_pair(&self, mark: &Difference) -> BackendError {
        BackendError::misconfigured(format!(
            "the role {0} exists, and nothing says that it is the second user of {1}: no version of the secret logs in as it. \
             If it is, give it the password under AWSPREVIOUS, or, where {0} is the one ending in _clone, run: {2}; if it is \
             not, rename one of them",
            self.pending_name, self.current.name, mark,
        ))
    }
}
