//! The actions of a rotation.

use serde_json::{Value, json};

use super::super::error::WireError;
use super::super::fields::Fields;
use super::{Wire, object};
use crate::model::{
    CancelRotateSecret, RestagedSecret, RotateSecret, RotatedSecret, RotationRules, UpdateSecretVersionStage,
};

impl Wire for UpdateSecretVersionStage {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let (secret_id, stage) = (fields.required("SecretId")?, fields.required("VersionStage")?);
        let (to, from) = (
            fields.text("MoveToVersionId")?,
            fields.text("RemoveFromVersionId")?,
        );
        Ok(Self::new(&secret_id, &stage, to.as_deref(), from.as_deref()))
    }

    fn write(restaged: RestagedSecret) -> Value {
        json!({"ARN": restaged.arn, "Name": restaged.name})
    }
}

impl Wire for RotateSecret {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let mut request = Self::new(&fields.required("SecretId")?, "");
        request.token = fields.text("ClientRequestToken")?;
        request.rotation_function = fields.text("RotationLambdaARN")?;
        request.rotate_immediately = fields.flag("RotateImmediately")?.unwrap_or(true);
        if let Some(mut rules) = fields.object("RotationRules")? {
            request.rules = Some(read_rules(&mut rules)?);
            rules.finish()?;
        }
        Ok(request)
    }

    fn write(rotated: RotatedSecret) -> Value {
        write_rotated(rotated)
    }
}

fn read_rules(fields: &mut Fields) -> Result<RotationRules, WireError> {
    Ok(RotationRules {
        automatically_after_days: fields.number("AutomaticallyAfterDays")?,
        duration: fields.text("Duration")?,
        schedule_expression: fields.text("ScheduleExpression")?,
    })
}

impl Wire for CancelRotateSecret {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        Ok(Self::new(&fields.required("SecretId")?))
    }

    fn write(cancelled: RotatedSecret) -> Value {
        write_rotated(cancelled)
    }
}

fn write_rotated(rotated: RotatedSecret) -> Value {
    object([
        ("ARN", Some(rotated.arn.into())),
        ("Name", Some(rotated.name.into())),
        ("VersionId", rotated.version_id.map(Value::from)),
    ])
}
