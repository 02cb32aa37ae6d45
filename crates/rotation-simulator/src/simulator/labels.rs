//! The versions of a secret as a table for people.

use std::fmt;

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};

use crate::model::VersionRow;

/// The versions of a secret and their labels, without values. `Display` is a small table:
///
/// ```text
/// version   labels       holds
/// 5fd3b1c0  AWSCURRENT   value
/// 8a0e44d2  AWSPENDING   empty
/// 19c2b7aa  (deprecated) value
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LabelTable {
    rows: Vec<VersionRow>,
}

impl LabelTable {
    /// Current, pending, previous, other labels, then deprecated versions, the youngest first.
    pub(super) fn new(mut rows: Vec<VersionRow>) -> Self {
        rows.sort_by_key(|row| (rank(row), std::cmp::Reverse(row.created)));
        Self { rows }
    }

    /// The versions, as they are printed.
    #[must_use]
    pub fn rows(&self) -> &[VersionRow] {
        &self.rows
    }

    /// The id of the version that carries the label.
    #[must_use]
    pub fn version_with(&self, label: &str) -> Option<&str> {
        let row = self
            .rows
            .iter()
            .find(|row| row.labels.iter().any(|l| l == label))?;
        Some(&row.version_id)
    }

    /// The labels of a version; none if there is no such version.
    #[must_use]
    pub fn of(&self, version_id: &str) -> &[String] {
        let row = self.rows.iter().find(|row| row.version_id == version_id);
        row.map_or(&[], |row| &row.labels)
    }
}

fn rank(row: &VersionRow) -> usize {
    let known = [AWSCURRENT, AWSPENDING, AWSPREVIOUS];
    let known = known
        .iter()
        .position(|label| row.labels.iter().any(|l| l == label));
    known.unwrap_or(if row.labels.is_empty() { 4 } else { 3 })
}

fn labels(row: &VersionRow) -> String {
    if row.labels.is_empty() {
        "(deprecated)".to_owned()
    } else {
        row.labels.join(", ")
    }
}

impl fmt::Display for LabelTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .rows
            .iter()
            .map(|row| labels(row).len())
            .max()
            .unwrap_or(0)
            .max("labels".len());
        write!(f, "{:8}  {:width$}  holds", "version", "labels")?;
        for row in &self.rows {
            let id = row.version_id.get(..8).unwrap_or(&row.version_id);
            let holds = if row.has_value { "value" } else { "empty" };
            write!(f, "\n{id:8}  {:width$}  {holds}", labels(row))?;
        }
        Ok(())
    }
}
