//! Tags and replicas.

use serde_json::{Value, json};

use super::super::error::WireError;
use super::super::fields::Fields;
use super::{Wire, object, read_regions, read_tags, replicas};
use crate::model::{
    ReplicateSecretToRegions, ReplicatedSecret, StopReplicationToReplica, TagResource, UntagResource,
};

impl Wire for TagResource {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let secret_id = fields.required("SecretId")?;
        fields.require("Tags")?;
        let tags = read_tags(fields)?;
        Ok(Self { secret_id, tags })
    }

    fn write((): ()) -> Value {
        json!({})
    }
}

impl Wire for UntagResource {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let secret_id = fields.required("SecretId")?;
        fields.require("TagKeys")?;
        let keys = fields.texts("TagKeys")?.unwrap_or_default();
        Ok(Self { secret_id, keys })
    }

    fn write((): ()) -> Value {
        json!({})
    }
}

impl Wire for ReplicateSecretToRegions {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let secret_id = fields.required("SecretId")?;
        fields.require("AddReplicaRegions")?;
        let regions = read_regions(fields)?;
        fields.ignore(&["ForceOverwriteReplicaSecret"]);
        Ok(Self { secret_id, regions })
    }

    fn write(replicated: ReplicatedSecret) -> Value {
        object([
            ("ARN", Some(replicated.arn.into())),
            ("ReplicationStatus", replicas(replicated.replicas)),
        ])
    }
}

impl Wire for StopReplicationToReplica {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        Ok(Self::new(&fields.required("SecretId")?))
    }

    fn write(stopped: ReplicatedSecret) -> Value {
        json!({"ARN": stopped.arn})
    }
}
