//! The actions that describe and list.

use serde_json::{Value, json};

use super::super::error::WireError;
use super::super::fields::Fields;
use super::{Wire, object, replicas, rules, tags, timestamp};
use crate::model::{
    DescribeSecret, DescribedSecret, FilterKey, ListSecretVersionIds, ListSecrets, ListedSecrets,
    ListedVersion, ListedVersions, SecretFilter, SortBy, SortOrder,
};

impl Wire for DescribeSecret {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        Ok(Self::new(&fields.required("SecretId")?))
    }

    fn write(mut described: DescribedSecret) -> Value {
        let replication = replicas(std::mem::take(&mut described.replicas));
        let mut fields = entry(described, "VersionIdsToStages");
        if let (Some(replication), Some(fields)) = (replication, fields.as_object_mut()) {
            fields.insert("ReplicationStatus".to_owned(), replication);
        }
        fields
    }
}

/// What DescribeSecret and ListSecrets have in common; the map of versions has two names.
fn entry(described: DescribedSecret, versions: &str) -> Value {
    let map = (!described.versions.is_empty()).then(|| json!(described.versions));
    object([
        ("ARN", Some(described.arn.into())),
        ("Name", Some(described.name.into())),
        ("Description", described.description.map(Value::from)),
        ("KmsKeyId", described.kms_key_id.map(Value::from)),
        ("RotationEnabled", described.rotation_enabled.map(Value::from)),
        ("RotationLambdaARN", described.rotation_function.map(Value::from)),
        ("RotationRules", described.rotation_rules.map(rules)),
        ("LastRotatedDate", described.last_rotated.map(timestamp)),
        ("LastChangedDate", Some(timestamp(described.last_changed))),
        ("CreatedDate", Some(timestamp(described.created))),
        ("Tags", tags(described.tags)),
        (versions, map),
        ("OwningService", described.owning_service.map(Value::from)),
        ("PrimaryRegion", described.primary_region.map(Value::from)),
    ])
}

impl Wire for ListSecrets {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let mut request = Self::new();
        for mut filter in fields.objects("Filters")? {
            request.filters.push(read_filter(&mut filter)?);
            filter.finish()?;
        }
        if let Some(sort_by) = fields.text("SortBy")? {
            request.sort_by = read_sort_by(&sort_by)?;
        }
        if let Some(order) = fields.text("SortOrder")? {
            request.order = read_order(&order)?;
        }
        request.max_results = fields.number("MaxResults")?;
        request.next_token = fields.text("NextToken")?;
        // Nothing is ever deleted here.
        fields.ignore(&["IncludePlannedDeletion"]);
        Ok(request)
    }

    fn write(listed: ListedSecrets) -> Value {
        let secrets = listed.secrets.into_iter();
        object([
            (
                "SecretList",
                Some(secrets.map(|it| entry(it, "SecretVersionsToStages")).collect()),
            ),
            ("NextToken", listed.next_token.map(Value::from)),
        ])
    }
}

fn read_filter(fields: &mut Fields) -> Result<SecretFilter, WireError> {
    let key = fields.required("Key")?;
    let key = FilterKey::parse(&key).ok_or_else(|| {
        WireError::invalid_parameter(
            "The Key of a filter is one of description, name, tag-key, tag-value, primary-region, owning-service, all.",
        )
    })?;
    let values = fields.texts("Values")?.unwrap_or_default();
    let mut filter = SecretFilter::new(key, &[]);
    filter.values = values;
    Ok(filter)
}

fn read_sort_by(text: &str) -> Result<SortBy, WireError> {
    match text {
        "created-date" => Ok(SortBy::CreatedDate),
        "last-changed-date" => Ok(SortBy::LastChangedDate),
        "name" => Ok(SortBy::Name),
        _ => Err(WireError::invalid_parameter(
            "SortBy is one of created-date, last-changed-date, name; the simulator does not model last-accessed-date.",
        )),
    }
}

fn read_order(text: &str) -> Result<SortOrder, WireError> {
    match text {
        "asc" => Ok(SortOrder::Ascending),
        "desc" => Ok(SortOrder::Descending),
        _ => Err(WireError::invalid_parameter("SortOrder is asc or desc.")),
    }
}

impl Wire for ListSecretVersionIds {
    fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let secret_id = fields.required("SecretId")?;
        let mut request = Self::new(&secret_id, fields.flag("IncludeDeprecated")?.unwrap_or(false));
        request.max_results = fields.number("MaxResults")?;
        request.next_token = fields.text("NextToken")?;
        Ok(request)
    }

    fn write(listed: ListedVersions) -> Value {
        let versions = listed.versions.into_iter();
        object([
            ("ARN", Some(listed.arn.into())),
            ("Name", Some(listed.name.into())),
            ("Versions", Some(versions.map(version).collect())),
            ("NextToken", listed.next_token.map(Value::from)),
        ])
    }
}

fn version(version: ListedVersion) -> Value {
    let stages = (!version.stages.is_empty()).then(|| version.stages.into());
    object([
        ("VersionId", Some(version.version_id.into())),
        ("VersionStages", stages),
        ("CreatedDate", Some(timestamp(version.created))),
    ])
}
