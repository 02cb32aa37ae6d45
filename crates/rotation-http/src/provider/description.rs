//! What a description says, put together in Rust or read from JSON.

use rotation_core::{PasswordPolicy, PolicyError};
use serde::{Deserialize, Deserializer};

use crate::admin::{AdminAuth, json};
use crate::error::ProviderError;
use crate::paging::Pages;
use crate::request::RequestDescription;

/// The parts of a description, by their names in JSON. None of them has been checked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Description {
    #[serde(default)]
    #[allow(dead_code, reason = "for people who read the file")]
    documentation: Vec<String>,
    pub(super) base_url: Option<String>,
    /// Or what is wrong with what JSON says of it.
    #[serde(default, deserialize_with = "json::read")]
    pub(super) admin: Option<Result<AdminAuth, ProviderError>>,
    pub(super) create: Option<RequestDescription>,
    pub(super) upload: Option<RequestDescription>,
    pub(super) activate: Option<RequestDescription>,
    pub(super) list: Option<RequestDescription>,
    pub(super) verify: Option<RequestDescription>,
    pub(super) revoke: Option<RequestDescription>,
    pub(super) key_at: Option<String>,
    pub(super) id_at: Option<String>,
    pub(super) expires_at: Option<String>,
    pub(super) items_at: Option<String>,
    pub(super) item_id_at: Option<String>,
    pub(super) item_label_at: Option<String>,
    pub(super) pages: Option<Pages>,
    #[serde(default)]
    pub(super) may_lack: MayLack,
    #[serde(default)]
    pub(super) lacks: Lacks,
    pub(super) max_keys: Option<usize>,
    /// Or what is wrong with what JSON says of it.
    #[serde(default, deserialize_with = "policy")]
    pub(super) key_policy: Option<Result<PasswordPolicy, ProviderError>>,
    pub(super) key_field: Option<String>,
    pub(super) key_id_field: Option<String>,
    pub(super) expiry_field: Option<String>,
}

/// What the provider may lack, as its answers will tell: declared, never guessed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(from = "Vec<MayLackName>")]
pub(super) struct MayLack {
    pub(super) id: bool,
    pub(super) list: bool,
    pub(super) revoke: bool,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum MayLackName {
    Id,
    List,
    Revoke,
}

impl From<Vec<MayLackName>> for MayLack {
    fn from(names: Vec<MayLackName>) -> Self {
        Self {
            id: names.contains(&MayLackName::Id),
            list: names.contains(&MayLackName::List),
            revoke: names.contains(&MayLackName::Revoke),
        }
    }
}

/// What the provider certainly lacks.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(from = "Vec<LacksName>")]
pub(super) struct Lacks {
    pub(super) list: bool,
    pub(super) labels: bool,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum LacksName {
    List,
    Labels,
}

impl From<Vec<LacksName>> for Lacks {
    fn from(names: Vec<LacksName>) -> Self {
        Self {
            list: names.contains(&LacksName::List),
            labels: names.contains(&LacksName::Labels),
        }
    }
}

impl Description {
    /// Refuses what JSON can say and the builder's methods cannot.
    pub(super) fn check_json(&self) -> Result<(), ProviderError> {
        if let Some(Err(error)) = &self.key_policy {
            return Err(error.clone());
        }
        if let Some(Err(error)) = &self.admin {
            return Err(error.clone());
        }
        for (name, request) in [
            ("create", &self.create),
            ("upload", &self.upload),
            ("activate", &self.activate),
            ("list", &self.list),
            ("verify", &self.verify),
            ("revoke", &self.revoke),
        ] {
            if let Some(request) = request {
                request.check_json().map_err(|error| error.within(name))?;
            }
        }
        self.check_lacks()
    }

    fn check_lacks(&self) -> Result<(), ProviderError> {
        if self.may_lack.list && self.lacks.list {
            return Err(ProviderError::new(
                "may_lack, lacks",
                "both name the list, of which one says that there may be none and the other that there is none; take it out of one",
            ));
        }
        for (name, lacks, is_there) in [
            ("list", self.lacks.list, self.list.is_some()),
            ("item_label_at", self.lacks.labels, self.item_label_at.is_some()),
        ] {
            if lacks && is_there {
                return Err(ProviderError::new(
                    name,
                    "is described, and lacks says that there is none; take one of them out",
                ));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct PolicyDescription {
    length: Option<usize>,
    exclude_characters: Option<String>,
    exclude_numbers: Option<bool>,
    exclude_punctuation: Option<bool>,
    exclude_uppercase: Option<bool>,
    exclude_lowercase: Option<bool>,
}

fn policy<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Result<PasswordPolicy, ProviderError>>, D::Error> {
    let described = Option::<PolicyDescription>::deserialize(deserializer)?;
    Ok(described.map(PolicyDescription::policy))
}

impl PolicyDescription {
    fn policy(self) -> Result<PasswordPolicy, ProviderError> {
        let mut rules = PasswordPolicy::of_length(self.length.unwrap_or(48));
        if let Some(characters) = &self.exclude_characters {
            rules = rules.excluding(characters);
        }
        if self.exclude_numbers.unwrap_or(false) {
            rules = rules.without_numbers();
        }
        if self.exclude_punctuation.unwrap_or(true) {
            rules = rules.without_punctuation();
        }
        if self.exclude_uppercase.unwrap_or(false) {
            rules = rules.without_uppercase();
        }
        if self.exclude_lowercase.unwrap_or(false) {
            rules = rules.without_lowercase();
        }
        rules.build().map_err(|error| {
            let problem = match error {
                PolicyError::Length => "length must be a number from 1 to 4096; correct it".to_owned(),
                PolicyError::NothingLeft => {
                    "the exclude_ fields leave no character to make a key of; exclude less".to_owned()
                }
                PolicyError::TooShort { types } => format!(
                    "length is less than the {types} types of characters of which a key has one each; raise it"
                ),
                other => other.to_string(),
            };
            ProviderError::new("key_policy", problem)
        })
    }
}
