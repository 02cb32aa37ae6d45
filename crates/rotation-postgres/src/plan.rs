//! What a rotation has to do besides the password.

use crate::difference::Difference;

/// What makes the pending user equal to the current one, and what is left alone and reported.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Plan {
    pub(crate) differences: Vec<Difference>,
    pub(crate) warnings: Vec<String>,
    /// Grants on single objects have to be compared as well: the pending user does not inherit from
    /// the current one and cannot.
    pub(crate) compare_grants: bool,
}

impl Plan {
    /// Whether this user may do all of it itself.
    pub(crate) fn is_for(&self, user: &str) -> bool {
        self.differences
            .iter()
            .all(|difference| difference.may_be_made_by(user))
    }

    pub(crate) fn warn(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }
}
