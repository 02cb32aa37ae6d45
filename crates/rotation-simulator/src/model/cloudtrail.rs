//! The events of a rotation as CloudTrail records.

use serde_json::{Value, json};

use super::account::{ACCOUNT, REGION};
use super::record::RotationEventRecord;
use crate::iso::iso8601;

/// The service, as who acts, from where, and with what.
const SERVICE: &str = "secretsmanager.amazonaws.com";

impl RotationEventRecord {
    /// The event as the record that CloudTrail keeps, and that EventBridge delivers as `detail` of
    /// an "AWS Service Event via CloudTrail".
    ///
    /// The shape is that of the samples in AWS's user guide and in an AWS blog's repository. What
    /// the function said ([`cause`](Self::cause)) is not in it, as it is not in AWS's.
    #[must_use]
    pub fn to_cloudtrail(&self) -> Value {
        let mut record = json!({
            "eventVersion": "1.08",
            "userIdentity": {"accountId": ACCOUNT, "invokedBy": SERVICE},
            "eventTime": iso8601(self.at),
            "eventSource": SERVICE,
            "eventName": self.name.as_str(),
            "awsRegion": REGION,
            "sourceIPAddress": SERVICE,
            "userAgent": SERVICE,
            "requestParameters": null,
            "responseElements": null,
            "additionalEventData": {"SecretId": self.secret_arn},
            "requestID": format!("Rotation-{}-{}", self.secret_arn, self.version_id),
            "eventID": self.event_id,
            "readOnly": false,
            "eventType": "AwsServiceEvent",
            "managementEvent": true,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        });
        if let (Some(message), Some(fields)) = (&self.message, record.as_object_mut()) {
            fields.insert("errorMessage".to_owned(), json!(message));
        }
        record
    }
}
