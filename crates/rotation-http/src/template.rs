//! Texts with placeholders, filled so that no value can break out of its place.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rotation_core::BackendError;
use zeroize::Zeroizing;

use crate::placeholder::{Allowed, Placeholder, Values, unsuitable};

#[cfg(test)]
mod tests;

/// What may stand in a URL's path segment or query value as it is: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text with placeholders. `{{` and `}}` stand for the braces themselves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
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
                let placeholder = Placeholder::parse(name)?;
                allowed.check(&placeholder)?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Placeholder(placeholder));
                after
            };
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    pub(crate) fn has(&self, mut wanted: impl FnMut(&Placeholder) -> bool) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, Part::Placeholder(placeholder) if wanted(placeholder)))
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
    pub(crate) fn fill_plain(&self, values: &Values<'_>) -> Result<Zeroizing<String>, BackendError> {
        self.fill_with(values, |_, _, value| Ok(Cow::Borrowed(value)))
    }

    /// For the path and query of a URL: each value is percent-encoded, so that it stays within its
    /// segment, and none is empty.
    pub(crate) fn fill_path(&self, values: &Values<'_>) -> Result<Zeroizing<String>, BackendError> {
        self.fill_with(values, |_, _, value| {
            Ok(utf8_percent_encode(value, RESERVED).into())
        })
    }

    /// For a base URL. A value at the very start is a URL itself. A value in the host has only letters, digits,
    /// hyphens and dots. All other values are percent-encoded, and none is `.` or `..`.
    pub(crate) fn fill_base(&self, values: &Values<'_>) -> Result<Zeroizing<String>, BackendError> {
        self.fill_with(values, |placeholder, before, value| {
            if before.is_empty() {
                return Ok(Cow::Borrowed(value.trim_end_matches('/')));
            }
            if before
                .split_once("://")
                .is_some_and(|(_, authority)| authority.contains('/'))
            {
                if is_dots(value) {
                    return Err(unsuitable(placeholder, DOTS));
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
                placeholder,
                "stands in a host name and holds other than letters, digits, hyphens and dots; correct it",
            ))
        })
    }

    /// Fills in the values. `encode` gets the placeholder, the text so far, and the value.
    fn fill_with(
        &self,
        values: &Values<'_>,
        encode: impl for<'v> Fn(&Placeholder, &str, &'v str) -> Result<Cow<'v, str>, BackendError>,
    ) -> Result<Zeroizing<String>, BackendError> {
        let mut filled = Zeroizing::new(String::new());
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Placeholder(placeholder) => {
                    let value = values.get(placeholder)?;
                    if value.is_empty() {
                        return Err(unsuitable(placeholder, "is empty; set it"));
                    }
                    let encoded = encode(placeholder, &filled, &value)?;
                    filled.push_str(&encoded);
                }
            }
        }
        Ok(filled)
    }
}

const DOTS: &str = "is . or .. as a segment of the path, which would lead elsewhere; correct it";

/// Whether a segment of a path is `.` or `..`, or becomes so when it is decoded, once or several times.
pub(crate) fn is_dots(segment: &str) -> bool {
    let mut plain = segment.to_ascii_lowercase();
    while plain.contains("%25") {
        plain = plain.replace("%25", "%");
    }
    matches!(plain.replace("%2e", ".").as_str(), "." | "..")
}
