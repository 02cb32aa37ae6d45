//! Who may not do what.

use super::error::ApiError;
use super::principal::Principal;
use super::state::Model;

impl Model {
    /// Denies an action to a principal, as an IAM policy does: `PutSecretValue`. With `kms:Decrypt` values can
    /// be neither read nor written, with `kms:GenerateDataKey` not written, as with a key's policy.
    pub(crate) fn deny(&mut self, principal: Principal, action: &str) {
        self.denied.insert((principal, action.to_owned()));
    }

    /// Allows an action again.
    pub(crate) fn allow(&mut self, principal: Principal, action: &str) {
        self.denied.remove(&(principal, action.to_owned()));
    }

    pub(super) fn authorise(
        &self,
        principal: Principal,
        action: &str,
        secret_id: &str,
    ) -> Result<(), ApiError> {
        if self.denied.contains(&(principal, action.to_owned())) {
            return Err(ApiError::access_denied(principal, action, secret_id));
        }
        let needs: &[&str] = match action {
            "GetSecretValue" => &["kms:Decrypt"],
            "PutSecretValue" => &["kms:Decrypt", "kms:GenerateDataKey"],
            _ => &[],
        };
        let denied = |action: &&str| self.denied.contains(&(principal, (*action).to_owned()));
        if needs.iter().any(denied) {
            return Err(ApiError::kms_denied());
        }
        Ok(())
    }
}
