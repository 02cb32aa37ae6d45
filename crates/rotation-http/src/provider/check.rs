//! What must hold of a description as a whole.

use super::{Minted, Model, Provider};
use crate::error::ProviderError;
use crate::placeholder::Placeholder;

impl Provider {
    /// Refuses parts that could not be filled for a key without an id.
    pub(super) fn check_ids(&self) -> Result<(), ProviderError> {
        if !self.may_lack_ids() {
            return Ok(());
        }
        let is_id = |placeholder: &Placeholder| {
            *placeholder == Placeholder::Id || *placeholder == Placeholder::Secret(self.fields.id.clone())
        };
        let calls = self
            .admin_calls()
            .filter(|(name, _)| *name != "revoke")
            .chain([("verify", &self.verify)])
            .map(|(name, call)| (name, call.has(is_id)));
        for (name, has_id) in calls.chain([("base_url", self.base.has(is_id))]) {
            if has_id {
                return Err(ProviderError::new(
                    name,
                    "needs the key's id, which the provider may not give (may_lack \"id\", id_where_given); take it out",
                ));
            }
        }
        Ok(())
    }

    /// Refuses requests that use what a rotation writes as the key's expiry: the next rotation would ask
    /// another target.
    pub(super) fn check_expiry(&self) -> Result<(), ProviderError> {
        let Model::Minted(Minted { expiry: Some(_), .. }) = &self.model else {
            return Ok(());
        };
        let field = Placeholder::Secret(self.fields.expiry.clone());
        let is_expiry = |placeholder: &Placeholder| *placeholder == field;
        let calls = self.admin_calls().chain([("verify", &self.verify)]);
        let users = calls.map(|(name, call)| (name, call.has(is_expiry)));
        match users
            .chain([("base_url", self.base.has(is_expiry))])
            .find(|(_, uses)| *uses)
        {
            Some((name, _)) => Err(ProviderError::new(
                "expiry_field",
                format!("is written by each rotation, and {name} uses it as {field}; name another field"),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn with_target(mut self) -> Self {
        let mut target = Vec::new();
        let written = [&self.fields.key, &self.fields.id];
        let mut note = |placeholder: &Placeholder| {
            if let Placeholder::Secret(field) = placeholder
                && !written.contains(&field)
                && !target.contains(field)
            {
                target.push(field.clone());
            }
            false
        };
        _ = self.base.has(&mut note);
        for (_, call) in self.admin_calls().chain([("verify", &self.verify)]) {
            _ = call.has(&mut note);
        }
        self.target = target;
        self
    }
}
