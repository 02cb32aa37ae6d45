//! One change of one secret: what a rule of the service may look at and touch.

use super::caller::Caller;
use super::options::ServiceOptions;
use super::record::{RotationEventName, RotationEventRecord};
use super::rotation::Rotation;
use super::secret::Secret;
use crate::random::uuid;

/// One change of one secret: everything that a rule of the service may look at or touch.
pub(super) struct Change<'a> {
    pub(super) caller: Caller,
    pub(super) options: &'a ServiceOptions,
    pub(super) secret: &'a mut Secret,
    pub(super) rotation: &'a mut Option<Rotation>,
    pub(super) records: &'a mut Vec<RotationEventRecord>,
    pub(super) serial: &'a mut u64,
}

impl Change<'_> {
    /// Notes an event of a rotation.
    pub(super) fn record(
        &mut self,
        name: RotationEventName,
        token: &str,
        text: Option<(String, Option<String>)>,
    ) {
        let (message, cause) = text.map_or((None, None), |(message, cause)| (Some(message), cause));
        // Version ids count up from one; so these do not meet them.
        let event_id = uuid(u64::MAX - u64::try_from(self.records.len()).unwrap_or_default());
        self.records.push(RotationEventRecord {
            event_id,
            name,
            secret_arn: self.secret.arn.clone(),
            version_id: token.to_owned(),
            at: self.caller.now,
            message,
            cause,
        });
    }
}

/// The next token that nobody has yet.
pub(super) fn fresh_token(serial: &mut u64) -> String {
    *serial += 1;
    uuid(*serial)
}
