//! ListSecrets.

use super::caller::Caller;
use super::describe::DescribedSecret;
use super::error::ApiError;
use super::page::page;
use super::request::Request;
use super::secret::Secret;
use super::state::{Entry, Model};

/// ListSecrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListSecrets {
    /// `Filters`, at most 10: a secret is listed if each lets it pass.
    pub(crate) filters: Vec<SecretFilter>,
    /// `SortBy`.
    pub(crate) sort_by: SortBy,
    /// `SortOrder`.
    pub(crate) order: SortOrder,
    /// `MaxResults`, 1 to 100; 100 when absent.
    pub(crate) max_results: Option<u32>,
    /// `NextToken` of the page before.
    pub(crate) next_token: Option<String>,
}

/// One of the `Filters` of [`ListSecrets`].
///
/// A secret passes if one of the values matches. A value that begins with `!` is a negation: a
/// secret that matches the rest of it does not pass.
#[derive(Clone, Debug)]
pub(crate) struct SecretFilter {
    /// `Key`.
    pub(crate) key: FilterKey,
    /// `Values`, 1 to 10.
    pub(crate) values: Vec<String>,
}

/// `Key` of a filter: what is looked at, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FilterKey {
    /// `name`: begins with the value.
    Name,
    /// `description`: begins with the value, whatever the case.
    Description,
    /// `tag-key`: a tag's key begins with the value.
    TagKey,
    /// `tag-value`: a tag's value begins with the value.
    TagValue,
    /// `primary-region`: begins with the value.
    PrimaryRegion,
    /// `owning-service`: begins with the value.
    OwningService,
    /// `all`: one of the value's words is a word of the name, the description or a tag, whatever the
    /// case.
    All,
}

/// `SortBy`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum SortBy {
    /// `created-date`.
    #[default]
    CreatedDate,
    /// `last-changed-date`.
    LastChangedDate,
    /// `name`.
    Name,
}

/// `SortOrder`. Which one is AWS's default is not published.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum SortOrder {
    /// `asc`.
    #[default]
    Ascending,
    /// `desc`.
    Descending,
}

/// The answer of ListSecrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ListedSecrets {
    /// `SecretList`.
    pub(crate) secrets: Vec<DescribedSecret>,
    /// `NextToken`, if there are more.
    pub(crate) next_token: Option<String>,
}

impl ListSecrets {
    /// All of them, the oldest first.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}

impl SecretFilter {
    /// Secrets that match one of these values.
    pub(crate) fn new(key: FilterKey, values: &[&str]) -> Self {
        Self {
            key,
            values: values.iter().map(|&value| value.to_owned()).collect(),
        }
    }

    fn passes(&self, secret: &Secret) -> bool {
        let is_negation = |value: &&String| value.starts_with('!');
        let (negations, values): (Vec<_>, Vec<_>) = self.values.iter().partition(is_negation);
        let matches = |value: &str| self.key.matches(value, secret);
        (values.is_empty() || values.iter().any(|value| matches(value)))
            && !negations
                .iter()
                .any(|value| matches(value.trim_start_matches('!')))
    }
}

impl FilterKey {
    /// The key of this name on the wire.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "description" => Self::Description,
            "tag-key" => Self::TagKey,
            "tag-value" => Self::TagValue,
            "primary-region" => Self::PrimaryRegion,
            "owning-service" => Self::OwningService,
            "all" => Self::All,
            _ => return None,
        })
    }

    fn matches(self, value: &str, secret: &Secret) -> bool {
        let begins = |text: &String| text.starts_with(value);
        let (name, description) = (&secret.name, &secret.description);
        match self {
            Self::Name => begins(name),
            Self::Description => description
                .as_ref()
                .is_some_and(|text| text.to_lowercase().starts_with(&value.to_lowercase())),
            Self::TagKey => secret.tags.keys().any(begins),
            Self::TagValue => secret.tags.values().any(begins),
            Self::PrimaryRegion => secret.primary_region.as_ref().is_some_and(begins),
            Self::OwningService => secret.owning_service.as_ref().is_some_and(begins),
            Self::All => {
                let texts = [name].into_iter().chain(description);
                let there: Vec<_> = texts
                    .chain(secret.tags.keys())
                    .chain(secret.tags.values())
                    .flat_map(|text| words(text))
                    .collect();
                words(value).iter().any(|word| there.contains(word))
            }
        }
    }
}

/// The words of a text, in lower case. A word ends where a small letter is followed by a capital, at
/// a change between letters and digits, and at anything else.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = None;
    for c in text.chars() {
        let is_new = before.is_some_and(|before: char| {
            (before.is_lowercase() && c.is_uppercase()) || before.is_numeric() != c.is_numeric()
        });
        if is_new || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Request for ListSecrets {
    type Response = ListedSecrets;
    const ACTION: &'static str = "ListSecrets";
    const WRITES: bool = false;

    fn secret_id(&self) -> &'static str {
        "*"
    }

    fn apply(self, model: &mut Model, caller: Caller) -> Result<ListedSecrets, ApiError> {
        self.check()?;
        let seen = |entry| Entry::seen_by(entry, caller);
        let mut secrets: Vec<_> = model.secrets.values().filter_map(seen).collect();
        secrets.retain(|secret| self.filters.iter().all(|filter| filter.passes(secret)));
        // The name decides between secrets of one moment.
        secrets.sort_by_key(|secret| &secret.name);
        match self.sort_by {
            SortBy::Name => {}
            SortBy::CreatedDate => secrets.sort_by_key(|secret| secret.created),
            SortBy::LastChangedDate => secrets.sort_by_key(|secret| secret.last_changed),
        }
        if self.order == SortOrder::Descending {
            secrets.reverse();
        }
        let (secrets, next_token) = page(secrets, self.max_results, self.next_token.as_deref())?;
        Ok(ListedSecrets {
            secrets: secrets.into_iter().map(DescribedSecret::of).collect(),
            next_token,
        })
    }
}

impl ListSecrets {
    fn check(&self) -> Result<(), ApiError> {
        if self.filters.len() > 10 {
            return Err(ApiError::invalid_parameter("There are at most 10 filters."));
        }
        if self.filters.iter().any(|it| !(1..=10).contains(&it.values.len())) {
            return Err(ApiError::invalid_parameter("A filter has from 1 to 10 values."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_the_user_guide_says() {
        let rows: [(&str, &[&str]); 5] = [
            ("", &[]),
            ("My_Secret", &["my", "secret"]),
            ("credsDatabase#892", &["creds", "database", "892"]),
            ("prod/crm-key2", &["prod", "crm", "key", "2"]),
            ("ABC", &["abc"]),
        ];
        for (text, expected) in rows {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
