//! Secrets to begin with, from a file.

use std::fmt;

use rotation_core::SecretValue;
use serde_json::Value;

use super::fields::{FieldError, Fields, Problem};
use crate::model::{ApiError, CreateSecret, Model, Principal};
use crate::simulator::Simulator;

#[cfg(test)]
mod tests;

/// Secrets that a simulator is to begin with.
///
/// ```
/// use rotation_simulator::Simulator;
/// use rotation_simulator::server::Seed;
///
/// let seed = Seed::parse(r#"{"secrets": [{
///     "name": "crm",
///     "value": {"account_id": "7", "api_key": "first"},
///     "description": "key of the CRM",
///     "tags": {"team": "sales"},
///     "rotation_lambda_arn": "arn:aws:lambda:eu-west-1:111122223333:function:rotate-crm"
/// }]}"#)?;
/// let simulator = Simulator::new();
/// seed.plant(&simulator)?;
/// assert_eq!(simulator.operator().describe("crm")?.tags["team"], "sales");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A `value` that is a text is stored as it is; an object is stored as a JSON document, whose
/// keys may change their order. `binary` in its place is base64. All fields but `name` may be left out. With a
/// `rotation_lambda_arn` rotation is on, and RotateSecret needs no function.
#[derive(Clone, Debug)]
pub struct Seed {
    secrets: Vec<SeedSecret>,
}

#[derive(Clone, Debug)]
struct SeedSecret {
    request: CreateSecret,
    rotation_function: Option<String>,
}

/// What is wrong with a seed: the field, never its value.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SeedError {
    /// It is not JSON, at this line and column.
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A field is not as it has to be.
    Field(String),
    /// The service refuses a secret.
    Refused {
        /// The secret's place in the list, from 0.
        index: usize,
        /// The refusal.
        error: ApiError,
    },
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => write!(f, "not JSON at line {line}, column {column}"),
            Self::Field(text) => f.write_str(text),
            Self::Refused { index, error } => write!(f, "secrets[{index}] is refused: {error}"),
        }
    }
}

impl std::error::Error for SeedError {}

impl From<FieldError> for SeedError {
    fn from(error: FieldError) -> Self {
        Self::Field(error.to_string())
    }
}

impl Seed {
    /// Reads a seed.
    ///
    /// # Errors
    ///
    /// [`SeedError`]: not JSON, or a field that is missing, unknown or of another type.
    pub fn parse(json: &str) -> Result<Self, SeedError> {
        let document: Value = serde_json::from_str(json).map_err(|error| SeedError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        let mut fields = Fields::of(document, "the seed")?;
        fields.require("secrets")?;
        let secrets = fields
            .objects("secrets")?
            .into_iter()
            .map(read_secret)
            .collect::<Result<_, _>>()?;
        fields.finish()?;
        Ok(Self { secrets })
    }

    /// Creates the secrets, as an operator does.
    ///
    /// # Errors
    ///
    /// [`SeedError::Refused`], such as of a name that is not allowed; those before it are created.
    pub fn plant(&self, simulator: &Simulator) -> Result<(), SeedError> {
        for (index, secret) in self.secrets.iter().enumerate() {
            let refused = |error| SeedError::Refused { index, error };
            secret.plant(simulator).map_err(refused)?;
        }
        Ok(())
    }
}

impl SeedSecret {
    fn plant(&self, simulator: &Simulator) -> Result<(), ApiError> {
        let mut request = self.request.clone();
        request.token = Some(simulator.model().fresh_token());
        let created = simulator.call(Principal::Operator, request)?;
        match &self.rotation_function {
            Some(function) => Model::set_rotation_function(&mut simulator.model(), &created.arn, function),
            None => Ok(()),
        }
    }
}

fn read_secret(mut fields: Fields) -> Result<SeedSecret, FieldError> {
    let mut request = CreateSecret::new(&fields.required("name")?);
    request.value = read_value(&mut fields)?;
    request.description = fields.text("description")?;
    request.kms_key_id = fields.text("kms_key_id")?;
    if let Some(tags) = fields.object("tags")? {
        request.tags = tags.into_texts()?;
    }
    let rotation_function = fields.text("rotation_lambda_arn")?;
    fields.finish()?;
    Ok(SeedSecret {
        request,
        rotation_function,
    })
}

fn read_value(fields: &mut Fields) -> Result<Option<SecretValue>, FieldError> {
    let binary = fields.secret_bytes("binary")?.map(SecretValue::binary);
    match (fields.take("value"), binary) {
        (None, binary) => Ok(binary),
        (Some(_), Some(_)) => Err(fields.error("binary", Problem::MustBe("left out beside value"))),
        (Some(Value::String(text)), None) => Ok(Some(SecretValue::text(text))),
        (Some(document @ Value::Object(_)), None) => Ok(Some(SecretValue::text(document.to_string()))),
        (Some(_), None) => Err(fields.error("value", Problem::MustBe("a string or an object"))),
    }
}
