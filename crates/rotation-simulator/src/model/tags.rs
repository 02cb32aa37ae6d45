//! TagResource and UntagResource.

use std::collections::BTreeMap;

use super::caller::Caller;
use super::error::ApiError;
use super::request::Request;
use super::state::Model;

/// TagResource.
#[derive(Clone, Debug)]
pub(crate) struct TagResource {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `Tags`, which replace those of the same keys.
    pub(crate) tags: BTreeMap<String, String>,
}

/// UntagResource.
#[derive(Clone, Debug)]
pub(crate) struct UntagResource {
    /// `SecretId`: an ARN or a name.
    pub(crate) secret_id: String,
    /// `TagKeys`.
    pub(crate) keys: Vec<String>,
}

impl TagResource {
    /// One tag.
    pub(crate) fn new(secret_id: &str, key: &str, value: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            tags: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        }
    }
}

impl UntagResource {
    /// One tag.
    pub(crate) fn new(secret_id: &str, key: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            keys: vec![key.to_owned()],
        }
    }
}

impl Request for TagResource {
    type Response = ();
    const ACTION: &'static str = "TagResource";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<(), ApiError> {
        model.write(caller, &self.secret_id, |change| {
            change.secret.tags.extend(self.tags);
            Ok(())
        })
    }
}

impl Request for UntagResource {
    type Response = ();
    const ACTION: &'static str = "UntagResource";
    const WRITES: bool = true;

    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<(), ApiError> {
        model.write(caller, &self.secret_id, |change| {
            change.secret.tags.retain(|key, _| !self.keys.contains(key));
            Ok(())
        })
    }
}
