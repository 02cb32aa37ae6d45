//! The actions about values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rotation_core::{SecretString, SecretValue};
use serde_json::{Value, json};

use super::super::error::WireError;
use super::super::fields::Fields;
use super::{Wire, object, read_regions, read_tags, read_value, replicas, timestamp};
use crate::model::{
    CreateSecret, CreatedSecret, GetRandomPassword, GetSecretValue, PutSecretValue, ReadSecretValue,
    UpdateSecret, UpdatedSecret, WrittenSecretValue,
};

impl Wire for CreateSecret {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let mut request = Self::new(&fields.required("Name")?);
        request.token = fields.text("ClientRequestToken")?;
        request.value = read_value(fields)?;
        request.tags = read_tags(fields)?;
        request.description = fields.text("Description")?;
        request.kms_key_id = fields.text("KmsKeyId")?;
        request.replica_regions = read_regions(fields)?;
        fields.ignore(&["ForceOverwriteReplicaSecret"]);
        Ok(request)
    }

    fn write(created: CreatedSecret) -> Value {
        object([
            ("ARN", Some(created.arn.into())),
            ("Name", Some(created.name.into())),
            ("VersionId", created.version_id.map(Value::from)),
            ("ReplicationStatus", replicas(created.replicas)),
        ])
    }
}

impl Wire for PutSecretValue {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let secret_id = fields.required("SecretId")?;
        let token = fields.text("ClientRequestToken")?;
        let value = read_value(fields)?
            .filter(|value| !is_empty(value))
            .ok_or_else(|| {
                WireError::new(
                    "InvalidRequestException",
                    "You must provide either SecretString or SecretBinary.",
                )
            })?;
        let mut request = Self::new(&secret_id, "", value);
        request.token = token;
        request.stages = fields.texts("VersionStages")?;
        request.rotation_token = fields.secret_text("RotationToken")?;
        Ok(request)
    }

    fn write(written: WrittenSecretValue) -> Value {
        json!({
            "ARN": written.arn,
            "Name": written.name,
            "VersionId": written.version_id,
            "VersionStages": written.stages,
        })
    }

    fn proof(&self) -> Option<&SecretString> {
        self.rotation_token.as_ref()
    }
}

fn is_empty(value: &SecretValue) -> bool {
    match value {
        SecretValue::Text(text) => text.expose_secret().is_empty(),
        SecretValue::Binary(bytes) => bytes.expose_secret().is_empty(),
    }
}

impl Wire for UpdateSecret {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let mut request = Self::new(&fields.required("SecretId")?);
        request.token = fields.text("ClientRequestToken")?;
        request.value = read_value(fields)?;
        request.description = fields.text("Description")?;
        request.kms_key_id = fields.text("KmsKeyId")?;
        Ok(request)
    }

    fn write(updated: UpdatedSecret) -> Value {
        object([
            ("ARN", Some(updated.arn.into())),
            ("Name", Some(updated.name.into())),
            ("VersionId", updated.version_id.map(Value::from)),
        ])
    }
}

impl Wire for GetSecretValue {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let mut request = Self::new(&fields.required("SecretId")?);
        request.version_id = fields.text("VersionId")?;
        request.stage = fields.text("VersionStage")?;
        Ok(request)
    }

    fn write(read: ReadSecretValue) -> Value {
        let (text, binary) = match &read.value {
            SecretValue::Text(text) => (Some(text.expose_secret().into()), None),
            SecretValue::Binary(bytes) => (None, Some(STANDARD.encode(bytes.expose_secret()).into())),
        };
        object([
            ("ARN", Some(read.arn.into())),
            ("Name", Some(read.name.into())),
            ("VersionId", Some(read.version_id.into())),
            ("SecretString", text),
            ("SecretBinary", binary),
            ("VersionStages", Some(read.stages.into())),
            ("CreatedDate", Some(timestamp(read.created))),
        ])
    }
}

impl Wire for GetRandomPassword {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let mut request = Self::new();
        request.length = fields.number("PasswordLength")?;
        request.exclude = fields.text("ExcludeCharacters")?.unwrap_or_default();
        request.exclude_numbers = fields.flag("ExcludeNumbers")?.unwrap_or(false);
        request.exclude_punctuation = fields.flag("ExcludePunctuation")?.unwrap_or(false);
        request.exclude_uppercase = fields.flag("ExcludeUppercase")?.unwrap_or(false);
        request.exclude_lowercase = fields.flag("ExcludeLowercase")?.unwrap_or(false);
        request.include_space = fields.flag("IncludeSpace")?.unwrap_or(false);
        request.require_each = fields.flag("RequireEachIncludedType")?;
        Ok(request)
    }

    fn write(password: SecretString) -> Value {
        json!({"RandomPassword": password.expose_secret()})
    }
}
