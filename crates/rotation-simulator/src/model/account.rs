//! Where the secrets are.

/// The Region that a model's secrets are in.
pub(crate) const REGION: &str = "eu-west-1";
/// The account that a model's secrets are in: one of those in AWS's own examples.
pub(crate) const ACCOUNT: &str = "111122223333";
