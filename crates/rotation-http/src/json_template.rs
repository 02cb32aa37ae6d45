//! JSON with placeholders in its texts.

use rotation_core::BackendError;
use serde_json::{Map, Value};

use crate::placeholder::{Allowed, Placeholder, Values};
use crate::template::Template;

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

    pub(crate) fn has(&self, wanted: &mut dyn FnMut(&Placeholder) -> bool) -> bool {
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
            Self::Text(template) => Value::String(std::mem::take(&mut *template.fill_plain(values)?)),
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
