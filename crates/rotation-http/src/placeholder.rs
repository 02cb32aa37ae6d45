//! The placeholders of templates: which there are, where each makes sense, and the values for them.

use std::borrow::Cow;
use std::fmt;

use rotation_core::BackendError;

use crate::document::ApiKeyDocument;

/// A placeholder, by what it stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Placeholder {
    Key,
    Id,
    Label,
    Secret(String),
}

impl Placeholder {
    /// The placeholder of this name, as it stands between its braces.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name {
            "key" => Ok(Self::Key),
            "id" => Ok(Self::Id),
            "label" => Ok(Self::Label),
            _ => match name.strip_prefix("secret.") {
                Some(field) if !field.is_empty() => Ok(Self::Secret(field.to_owned())),
                _ => Err(format!(
                    "{{{}}} is no placeholder; there are {{key}}, {{id}}, {{label}} and {{secret.NAME}}, and {{{{ for a brace",
                    name.escape_debug()
                )),
            },
        }
    }
}

/// For errors: a character that could forge a line of a log is written as its code.
impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("{key}"),
            Self::Id => f.write_str("{id}"),
            Self::Label => f.write_str("{label}"),
            Self::Secret(field) => write!(f, "{{secret.{}}}", field.escape_debug()),
        }
    }
}

/// Which placeholders make sense in a place, besides `{secret.NAME}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed<'a> {
    pub(crate) key: bool,
    pub(crate) id: bool,
    pub(crate) label: bool,
    /// The document's field with the key: `{secret.NAME}` of it is allowed where `{key}` is.
    pub(crate) key_field: &'a str,
}

impl Allowed<'_> {
    pub(crate) fn check(&self, placeholder: &Placeholder) -> Result<(), String> {
        let (allowed, elsewhere) = match placeholder {
            Placeholder::Key => (self.key, "the verify and upload requests"),
            Placeholder::Secret(field) if field == self.key_field => {
                (self.key, "the verify and upload requests, as {key}")
            }
            Placeholder::Secret(_) => (true, ""),
            Placeholder::Id => (self.id, "the upload, activate, verify and revoke requests"),
            Placeholder::Label => (self.label, "the create and upload requests"),
        };
        if allowed {
            return Ok(());
        }
        Err(format!(
            "{placeholder} has no value here, it belongs into {elsewhere}; take it out"
        ))
    }
}

/// The values for the placeholders of one request.
pub(crate) struct Values<'a> {
    pub(crate) document: &'a ApiKeyDocument,
    pub(crate) key: Option<Cow<'a, str>>,
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) label: Option<Cow<'a, str>>,
}

impl<'a> Values<'a> {
    /// With nothing but the document's fields.
    pub(crate) fn of(document: &'a ApiKeyDocument) -> Self {
        Self {
            document,
            key: None,
            id: None,
            label: None,
        }
    }

    pub(crate) fn get(&self, placeholder: &Placeholder) -> Result<Cow<'_, str>, BackendError> {
        match placeholder {
            Placeholder::Key => self.key.as_deref().map(Cow::Borrowed),
            Placeholder::Id => self.id.as_deref().map(Cow::Borrowed),
            Placeholder::Label => self.label.as_deref().map(Cow::Borrowed),
            Placeholder::Secret(field) => self.document.text(field),
        }
        .ok_or_else(|| {
            unsuitable(
                placeholder,
                "is needed and the secret's document has no text or whole number for it; add it to the document",
            )
        })
    }
}

/// What is wrong with the value of this placeholder.
pub(crate) fn unsuitable(placeholder: &Placeholder, why: &str) -> BackendError {
    BackendError::misconfigured(format!("the value of {placeholder} {why}"))
}

/// Every placeholder, for tests.
#[cfg(test)]
pub(crate) const ALL: Allowed<'static> = Allowed {
    key: true,
    id: true,
    label: true,
    key_field: "api_key",
};
