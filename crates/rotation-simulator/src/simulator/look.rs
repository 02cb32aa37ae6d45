//! What no request tells, for the checks of a test.

use rotation_core::SecretValue;

use super::Simulator;

/// A value that is stored, and where.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredValue {
    /// The secret's ARN.
    pub secret_arn: String,
    /// The version's id.
    pub version_id: String,
    /// The value.
    pub value: SecretValue,
}

impl Simulator {
    /// The version that carries a label, and its value if it has one. Not a request: it is in no log of calls.
    #[must_use]
    pub fn holding(&self, secret_id: &str, label: &str) -> Option<(String, Option<SecretValue>)> {
        self.model().holding(secret_id, label)
    }

    /// Every value of every secret, deprecated versions included. Not a request: it is in no log of calls.
    #[must_use]
    pub fn stored_values(&self) -> Vec<StoredValue> {
        let stored = |(arn, version, value): (&str, &str, &SecretValue)| StoredValue {
            secret_arn: arn.to_owned(),
            version_id: version.to_owned(),
            value: value.clone(),
        };
        self.model().values().map(stored).collect()
    }
}
