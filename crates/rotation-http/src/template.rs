//! Templates: texts with placeholders from a fixed set, filled so that no value can break out.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rotation_core::BackendError;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::document::ApiKeyDocument;

#[cfg(test)]
mod tests;

/// What may stand in a URL's path segment or query value as it is: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a placeholder stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Hole {
    Key,
    Id,
    Label,
    Secret(String),
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("{key}"),
            Self::Id => f.write_str("{id}"),
            Self::Label => f.write_str("{label}"),
            Self::Secret(field) => write!(f, "{{secret.{field}}}"),
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
    fn check(&self, hole: &Hole) -> Result<(), String> {
        let (allowed, elsewhere) = match hole {
            Hole::Key => (self.key, "the verify and upload requests"),
            Hole::Secret(field) if field == self.key_field => {
                (self.key, "the verify and upload requests, as {key}")
            }
            Hole::Secret(_) => (true, ""),
            Hole::Id => (self.id, "the upload, activate, verify and revoke requests"),
            Hole::Label => (self.label, "the create and upload requests"),
        };
        if allowed {
            return Ok(());
        }
        Err(format!(
            "{hole} has no value here, it belongs into {elsewhere}; take it out"
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

    fn get(&self, hole: &Hole) -> Result<Cow<'_, str>, BackendError> {
        match hole {
            Hole::Key => self.key.as_deref().map(Cow::Borrowed),
            Hole::Id => self.id.as_deref().map(Cow::Borrowed),
            Hole::Label => self.label.as_deref().map(Cow::Borrowed),
            Hole::Secret(field) => self.document.text(field),
        }
        .ok_or_else(|| {
            unsuitable(
                hole,
                "is needed and the secret's document has no text or whole number for it; add it to the document",
            )
        })
    }
}

fn unsuitable(hole: &Hole, why: &str) -> BackendError {
    BackendError::misconfigured(format!("the value of {hole} {why}"))
}

/// A text with placeholders. `{{` and `}}` stand for the braces themselves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Hole(Hole),
}

impl Template {
    pub(crate) fn parse(text: &str, allowed: Allowed<'_>) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            rest = if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                after
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                after
            } else {
                let (name, after) = from
                    .strip_prefix('{')
                    .and_then(|inner| inner.split_once('}'))
                    .ok_or("a brace stands alone; write {{ or }} for the character itself")?;
                let hole = parse_hole(name)?;
                allowed.check(&hole)?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Hole(hole));
                after
            };
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    pub(crate) fn has(&self, mut wanted: impl FnMut(&Hole) -> bool) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, Part::Hole(hole) if wanted(hole)))
    }

    /// The template with `x` for each placeholder: what can be checked before any value is known.
    pub(crate) fn sample(&self) -> String {
        self.0
            .iter()
            .map(|part| {
                if let Part::Text(text) = part {
                    text.as_str()
                } else {
                    "x"
                }
            })
            .collect()
    }

    /// For a header or a JSON text: each value as it is.
    pub(crate) fn plain(&self, values: &Values<'_>) -> Result<Zeroizing<String>, BackendError> {
        self.fill(values, |_, _, value| Ok(Cow::Borrowed(value)))
    }

    /// For the path and query of a URL: each value is percent-encoded, so that it stays within its
    /// segment, and none is empty.
    pub(crate) fn path(&self, values: &Values<'_>) -> Result<Zeroizing<String>, BackendError> {
        self.fill(values, |_, _, value| {
            Ok(utf8_percent_encode(value, RESERVED).into())
        })
    }

    /// For a base URL: a value at the very start is a URL itself, one in the host may only be made
    /// of letters, digits, hyphens and dots, all others are percent-encoded and not `.` or `..`.
    pub(crate) fn base(&self, values: &Values<'_>) -> Result<Zeroizing<String>, BackendError> {
        self.fill(values, |hole, before, value| {
            if before.is_empty() {
                return Ok(Cow::Borrowed(value.trim_end_matches('/')));
            }
            if before
                .split_once("://")
                .is_some_and(|(_, authority)| authority.contains('/'))
            {
                if is_dots(value) {
                    return Err(unsuitable(hole, DOTS));
                }
                return Ok(utf8_percent_encode(value, RESERVED).into());
            }
            if value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
            {
                return Ok(Cow::Borrowed(value));
            }
            Err(unsuitable(
                hole,
                "stands in a host name and holds other than letters, digits, hyphens and dots; correct it",
            ))
        })
    }

    /// Fills in the values, each as `encode` makes it of its placeholder, the text so far, and itself.
    fn fill(
        &self,
        values: &Values<'_>,
        encode: impl for<'v> Fn(&Hole, &str, &'v str) -> Result<Cow<'v, str>, BackendError>,
    ) -> Result<Zeroizing<String>, BackendError> {
        let mut filled = Zeroizing::new(String::new());
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Hole(hole) => {
                    let value = values.get(hole)?;
                    if value.is_empty() {
                        return Err(unsuitable(hole, "is empty; set it"));
                    }
                    let encoded = encode(hole, &filled, &value)?;
                    filled.push_str(&encoded);
                }
            }
        }
        Ok(filled)
    }
}

const DOTS: &str = "is . or .. as a segment of the path, which would lead elsewhere; correct it";

/// Whether a segment of a path is `.` or `..`, or becomes one when it is decoded, however often.
pub(crate) fn is_dots(segment: &str) -> bool {
    let mut plain = segment.to_ascii_lowercase();
    while plain.contains("%25") {
        plain = plain.replace("%25", "%");
    }
    matches!(plain.replace("%2e", ".").as_str(), "." | "..")
}

fn parse_hole(name: &str) -> Result<Hole, String> {
    match name {
        "key" => Ok(Hole::Key),
        "id" => Ok(Hole::Id),
        "label" => Ok(Hole::Label),
        _ => match name.strip_prefix("secret.") {
            Some(field) if !field.is_empty() => Ok(Hole::Secret(field.to_owned())),
            _ => Err(format!(
                "{{{name}}} is no placeholder; there are {{key}}, {{id}}, {{label}} and {{secret.NAME}}, and {{{{ for a brace"
            )),
        },
    }
}

/// A JSON value with placeholders in its texts.
#[derive(Clone, Debug)]
pub(crate) enum JsonTemplate {
    Fixed(Value),
    Text(Template),
    Array(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    pub(crate) fn parse(value: &Value, allowed: Allowed<'_>) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text, allowed)?),
            Value::Array(items) => Self::Array(
                items
                    .iter()
                    .map(|item| Self::parse(item, allowed))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, field)| Ok((name.clone(), Self::parse(field, allowed)?)))
                    .collect::<Result<_, String>>()?,
            ),
            fixed => Self::Fixed(fixed.clone()),
        })
    }

    pub(crate) fn has(&self, wanted: &mut dyn FnMut(&Hole) -> bool) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Text(template) => template.has(wanted),
            Self::Array(items) => items.iter().any(|item| item.has(wanted)),
            Self::Object(fields) => fields.iter().any(|(_, field)| field.has(wanted)),
        }
    }

    /// Each value becomes part of a JSON text, whatever it holds.
    pub(crate) fn fill(&self, values: &Values<'_>) -> Result<Value, BackendError> {
        Ok(match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => Value::String(std::mem::take(&mut *template.plain(values)?)),
            Self::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| item.fill(values))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, field)| Ok((name.clone(), field.fill(values)?)))
                    .collect::<Result<Map<_, _>, BackendError>>()?,
            ),
        })
    }
}

/// Every placeholder, for tests.
#[cfg(test)]
pub(crate) const ALL: Allowed<'static> = Allowed {
    key: true,
    id: true,
    label: true,
    key_field: "api_key",
};
