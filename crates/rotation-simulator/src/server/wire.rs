//! Each action's JSON: requests in, answers out.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rotation_core::{SecretString, SecretValue};
use serde_json::{Map, Value, json};

use super::error::WireError;
use super::fields::Fields;
use crate::model::{ReplicaStatus, Request, RotationRules};

mod describe;
mod manage;
mod rotation;
mod values;

/// A request that can be read from JSON, and whose answer can be written as JSON.
pub(super) trait Wire: Request<Response: Send> + Send + 'static {
    /// Takes the request's fields; those that it leaves are refused.
    fn read(fields: &mut Fields) -> Result<Self, WireError>;

    /// The answer, with absent fields left out.
    fn write(response: Self::Response) -> Value;

    /// The RotationToken, where the action has one.
    fn proof(&self) -> Option<&SecretString> {
        None
    }
}

/// Reads a request from a body; an empty one is an empty object.
pub(super) fn read<R: Wire>(body: &[u8]) -> Result<R, WireError> {
    let document = if body.is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_slice(body).map_err(|error| {
            // Its own text may quote the body.
            let (line, column) = (error.line(), error.column());
            WireError::serialization(format!("The body is not JSON: line {line}, column {column}."))
        })?
    };
    let mut fields = Fields::of(document, "The body")?;
    let request = R::read(&mut fields)?;
    fields.finish()?;
    Ok(request)
}

/// An object of the fields that are there.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect())
}

/// Seconds since the epoch, in thousandths as the service has them.
fn timestamp(time: SystemTime) -> Value {
    let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    // Exact: a date has fewer bits than a float's mantissa.
    #[allow(clippy::cast_precision_loss, reason = "below 2^53 until the year 287396")]
    let seconds = millis as f64 / 1000.0;
    json!(seconds)
}

/// `SecretString` or `SecretBinary`, if one is there.
fn read_value(fields: &mut Fields) -> Result<Option<SecretValue>, WireError> {
    let text = fields.secret_text("SecretString")?.map(SecretValue::text);
    let binary = fields.secret_bytes("SecretBinary")?.map(SecretValue::binary);
    match (text, binary) {
        (Some(_), Some(_)) => Err(WireError::invalid_parameter(
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )),
        (text, binary) => Ok(text.or(binary)),
    }
}

/// `Tags`: a list of `Key` and `Value`.
fn read_tags(fields: &mut Fields) -> Result<BTreeMap<String, String>, WireError> {
    fields
        .objects("Tags")?
        .into_iter()
        .map(|mut tag| {
            let pair = (tag.required("Key")?, tag.text("Value")?.unwrap_or_default());
            tag.finish()?;
            Ok(pair)
        })
        .collect()
}

fn tags(tags: BTreeMap<String, String>) -> Option<Value> {
    let list: Vec<_> = tags
        .into_iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    (!list.is_empty()).then_some(Value::Array(list))
}

/// `AddReplicaRegions`: the key of each replica makes no difference here.
fn read_regions(fields: &mut Fields) -> Result<Vec<String>, WireError> {
    fields
        .objects("AddReplicaRegions")?
        .into_iter()
        .map(|mut replica| {
            let region = replica.required("Region")?;
            replica.ignore(&["KmsKeyId"]);
            replica.finish()?;
            Ok(region)
        })
        .collect()
}

fn replicas(replicas: BTreeMap<String, ReplicaStatus>) -> Option<Value> {
    let list: Vec<_> = replicas
        .into_iter()
        .map(|(region, status)| json!({"Region": region, "Status": status.as_str()}))
        .collect();
    (!list.is_empty()).then_some(Value::Array(list))
}

fn rules(rules: RotationRules) -> Value {
    object([
        (
            "AutomaticallyAfterDays",
            rules.automatically_after_days.map(Value::from),
        ),
        ("Duration", rules.duration.map(Value::from)),
        ("ScheduleExpression", rules.schedule_expression.map(Value::from)),
    ])
}
