//! A credential that was made and is not stored yet.

use crate::document::SecretValue;
use crate::live::LiveIds;

/// A credential that was made and is not stored yet.
pub(super) struct Made<C> {
    pub(super) credential: C,
    /// The document with it.
    pub(super) value: SecretValue,
    /// The ids that must not be ended, its own among them if the target gave it an old one.
    pub(super) protected: LiveIds,
}
