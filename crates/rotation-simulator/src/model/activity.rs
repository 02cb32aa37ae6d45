//! What happens, told to whoever wants to know: never a value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::iso::iso8601;

use super::error::ErrorCode;
use super::invocation::{Invocation, InvocationResult};
use super::principal::Principal;
use super::record::RotationEventRecord;

/// One thing that happened to a secret. `Display` is a line for people:
///
/// ```text
/// 2026-01-01T00:00:00Z UpdateSecretVersionStage by function on crm: AWSCURRENT 19c2b7aa -> 5fd3b1c0, AWSPREVIOUS -> 19c2b7aa
/// ```
///
/// It holds no value of a secret. What a failed function said is quoted, cut to one short line, and
/// without any text of eight characters or more that stands in a stored value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Activity {
    /// When.
    pub at: SystemTime,
    /// The secret's name; what the request named, if there is no such secret; `*` for a request that
    /// is about no one secret.
    pub secret: String,
    /// What.
    pub kind: ActivityKind,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ActivityKind {
    /// A request that writes was answered, or any request refused. Reads that succeed are not told.
    Called {
        /// The action: `PutSecretValue`.
        action: &'static str,
        /// Who called.
        principal: Principal,
        /// How the labels changed.
        labels: Vec<LabelChange>,
        /// The code of the refusal.
        refused: Option<ErrorCode>,
    },
    /// A request was refused before it could be told what it is about: not JSON, a field or an action
    /// that is not modelled. The secret is then `*`.
    Misunderstood {
        /// The code of the refusal.
        code: &'static str,
        /// Its text, which quotes no value.
        message: String,
    },
    /// The service itself changed labels, as at the end of a rotation.
    Serviced(Vec<LabelChange>),
    /// The rotation function is invoked.
    Invoked(Invocation),
    /// The rotation function returned, or failed.
    Returned {
        /// The invocation.
        invocation: Invocation,
        /// How it ended.
        result: InvocationResult,
    },
    /// The service noted an event of a rotation.
    Recorded(RotationEventRecord),
}

/// One label that came to a version, left one, or moved.
///
/// `Display` has the first eight characters of the ids: `AWSCURRENT 19c2b7aa -> 5fd3b1c0`,
/// `AWSPREVIOUS -> 19c2b7aa`, `AWSPENDING 5fd3b1c0 -> none`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LabelChange {
    /// The label.
    pub label: String,
    /// The version that had it.
    pub from: Option<String>,
    /// The version that has it.
    pub to: Option<String>,
}

/// The version that each label is on.
pub(super) type Labels = BTreeMap<String, String>;

/// Whom to tell.
#[derive(Clone)]
pub(super) struct Observer(pub(super) Arc<dyn Fn(&Activity) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What is different, label by label.
pub(super) fn label_changes(before: &Labels, after: &Labels) -> Vec<LabelChange> {
    let mut labels: Vec<_> = before.keys().chain(after.keys()).collect();
    labels.sort();
    labels.dedup();
    labels
        .into_iter()
        .map(|label| LabelChange {
            label: label.clone(),
            from: before.get(label).cloned(),
            to: after.get(label).cloned(),
        })
        .filter(|change| change.from != change.to)
        .collect()
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = Plain(&self.secret);
        write!(f, "{} ", iso8601(self.at))?;
        match &self.kind {
            ActivityKind::Called {
                action,
                principal,
                labels,
                refused,
            } => {
                write!(f, "{action} by {} on {secret}", principal.short())?;
                match refused {
                    Some(code) => write!(f, ": refused, {code}"),
                    None => write_changes(f, labels),
                }
            }
            ActivityKind::Misunderstood { code, message } => {
                write!(f, "refused, {code}: {}", Plain(message))
            }
            ActivityKind::Serviced(labels) => {
                write!(f, "service on {secret}")?;
                write_changes(f, labels)
            }
            ActivityKind::Invoked(invocation) => {
                write!(f, "invoke {} on {secret}", Run(invocation))
            }
            ActivityKind::Returned { invocation, result } => {
                let took = self.at.duration_since(invocation.at).unwrap_or_default();
                let took = Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
                write!(f, "{} on {secret}, {took:?}: ", Run(invocation))?;
                match result {
                    InvocationResult::Succeeded => f.write_str("succeeded"),
                    InvocationResult::Failed(cause) => write!(f, "failed: {}", Plain(cause)),
                }
            }
            ActivityKind::Recorded(record) => {
                write!(f, "{} on {secret} for {}", record.name, short(&record.version_id))?;
                match &record.message {
                    Some(message) => write!(f, ": {}", Plain(message)),
                    None => Ok(()),
                }
            }
        }
    }
}

fn write_changes(f: &mut fmt::Formatter<'_>, labels: &[LabelChange]) -> fmt::Result {
    for (n, change) in labels.iter().enumerate() {
        write!(f, "{} {change}", if n == 0 { ":" } else { "," })?;
    }
    Ok(())
}

impl fmt::Display for LabelChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Plain(&self.label))?;
        if let Some(from) = &self.from {
            write!(f, " {}", short(from))?;
        }
        write!(f, " -> {}", self.to.as_deref().map_or("none", short))
    }
}

/// A step of a run of the whole process.
struct Run<'a>(&'a Invocation);

impl fmt::Display for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Invocation {
            event,
            attempt,
            dry_run,
            ..
        } = self.0;
        let dry_run = if *dry_run { ", dry run" } else { "" };
        write!(f, "{} (attempt {attempt}{dry_run})", event.step())
    }
}

/// A text of somebody else's as one line of at most 200 characters.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for c in characters.by_ref().take(200) {
            write!(f, "{}", if c.is_control() { ' ' } else { c })?;
        }
        match characters.next() {
            Some(_) => f.write_str("…"),
            None => Ok(()),
        }
    }
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |(label, id): &(&str, &str)| ((*label).to_owned(), (*id).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn a_change_is_told_for_each_label_that_came_left_or_moved() {
        let rows: [(&[_], &[_], &str); 6] = [
            (&[], &[], ""),
            (&[("A", "one")], &[("A", "one")], ""),
            (&[], &[("A", "one")], "A -> one"),
            (&[("A", "one")], &[], "A one -> none"),
            (&[("A", "one")], &[("A", "two")], "A one -> two"),
            (
                &[
                    ("AWSCURRENT", "19c2b7aa-1111"),
                    ("AWSPENDING", "5fd3b1c0-2222"),
                    ("MINE", "x"),
                ],
                &[
                    ("AWSCURRENT", "5fd3b1c0-2222"),
                    ("AWSPREVIOUS", "19c2b7aa-1111"),
                    ("MINE", "x"),
                ],
                "AWSCURRENT 19c2b7aa -> 5fd3b1c0, AWSPENDING 5fd3b1c0 -> none, AWSPREVIOUS -> 19c2b7aa",
            ),
        ];
        for (before, after, expected) in rows {
            let changes = label_changes(&labels(before), &labels(after));
            let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
            assert_eq!(lines.join(", "), expected);
        }
    }

    #[test]
    fn foreign_text_is_one_short_line() {
        assert_eq!(Plain("a\nb\u{1b}[0m").to_string(), "a b [0m");
        let long = Plain(&"x".repeat(300)).to_string();
        assert_eq!(long.chars().count(), 201);
    }
}
