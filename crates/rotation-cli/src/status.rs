//! A secret's state as it is shown: as text, and as JSON.

use std::fmt;
use std::time::SystemTime;

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, ReplicaStatus};
use serde::Serialize;

use crate::state::{Facts, Rules, assess};
use crate::{advice, words};

/// Everything that `status` shows. No field holds a value.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Status {
    name: String,
    arn: String,
    /// [`State::as_str`](crate::state::State::as_str).
    pub(crate) state: &'static str,
    summary: String,
    pub(crate) needs_somebody: bool,
    rotation: Rotation,
    last_changed: Option<String>,
    pub(crate) versions: Vec<Version>,
    replicas: Vec<Replica>,
    notes: Vec<String>,
    next: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Rotation {
    enabled: bool,
    function: Option<String>,
    schedule: Option<String>,
    last_rotated: Option<String>,
    next_rotation: Option<String>,
}

/// One version that has a label.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Version {
    pub(crate) id: String,
    labels: Vec<String>,
    stored: Option<bool>,
    created: Option<String>,
    meaning: &'static str,
    /// The credential's public id, where a backend was asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Replica {
    region: String,
    status: &'static str,
}

impl Status {
    pub(crate) fn of(facts: &Facts, now: SystemTime) -> Self {
        let state = assess(facts, now);
        let date = |time: Option<SystemTime>| time.map(words::date);
        Self {
            name: facts.name.clone(),
            arn: facts.described.arn.clone(),
            state: state.as_str(),
            summary: state.summary(),
            needs_somebody: state.needs_somebody(),
            rotation: Rotation {
                enabled: facts.described.rotation_enabled == Some(true),
                function: facts.function.clone(),
                schedule: facts.rules.as_ref().and_then(schedule),
                last_rotated: date(facts.last_rotated),
                next_rotation: date(facts.next_rotation),
            },
            last_changed: date(facts.last_changed),
            versions: versions(facts),
            replicas: facts.described.replicas.iter().map(replica).collect(),
            notes: advice::notes(facts),
            next: advice::next(facts, &state),
        }
    }
}

fn schedule(rules: &Rules) -> Option<String> {
    let every = match (&rules.expression, rules.days) {
        (Some(expression), _) => expression.clone(),
        (None, Some(days)) => format!("every {days} days"),
        (None, None) => return None,
    };
    Some(match &rules.window {
        Some(window) => format!("{every}, in a window of {window}"),
        None => every,
    })
}

fn replica(replica: &rotation_core::Replica) -> Replica {
    Replica {
        region: replica.region.clone(),
        status: match replica.status {
            ReplicaStatus::InSync => "in_sync",
            ReplicaStatus::Behind => "behind",
            _ => "failed",
        },
    }
}

/// Current first, then pending, previous, the others.
fn versions(facts: &Facts) -> Vec<Version> {
    let rank = |version: &Version| {
        let known = [AWSCURRENT, AWSPENDING, AWSPREVIOUS];
        let mut known = known.iter();
        known.position(|label| version.labels.iter().any(|it| it == label))
    };
    let labelled = facts.described.versions.iter();
    let labelled = labelled.filter(|(_, labels)| !labels.is_empty());
    let mut versions: Vec<Version> = labelled
        .map(|(id, labels)| Version {
            id: id.clone(),
            labels: labels.clone(),
            stored: facts.is_stored(id),
            created: created(facts, id).map(words::date),
            meaning: advice::meaning(labels),
            credential: None,
        })
        .collect();
    versions.sort_by_key(|version| rank(version).unwrap_or(usize::MAX));
    versions
}

fn created(facts: &Facts, version: &str) -> Option<SystemTime> {
    *facts.stored.as_ref()?.get(version)?
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "secret    {}", self.name)?;
        writeln!(f, "arn       {}", self.arn)?;
        writeln!(f, "state     {}: {}", self.state, self.summary)?;
        writeln!(f, "rotation  {}", self.rotation)?;
        if let Some(changed) = &self.last_changed {
            writeln!(f, "changed   {changed}")?;
        }
        for replica in &self.replicas {
            writeln!(f, "replica   {}: {}", replica.region, replica.status)?;
        }
        write!(f, "\n{}", Labels(&self.versions))?;
        paragraph(f, "note", &self.notes)?;
        paragraph(f, "next", &self.next)
    }
}

fn paragraph(f: &mut fmt::Formatter<'_>, head: &str, lines: &[String]) -> fmt::Result {
    if !lines.is_empty() {
        writeln!(f)?;
    }
    lines.iter().try_for_each(|line| writeln!(f, "{head:8}  {line}"))
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.enabled { "on" } else { "off" })?;
        if let Some(function) = &self.function {
            write!(f, ", by {function}")?;
        }
        if let Some(schedule) = &self.schedule {
            write!(f, ", {schedule}")?;
        }
        if let Some(rotated) = &self.last_rotated {
            write!(f, ", last on {rotated}")?;
        }
        match &self.next_rotation {
            Some(next) => write!(f, ", next by {next}"),
            None => Ok(()),
        }
    }
}

/// The versions and their labels, as a table.
pub(crate) struct Labels<'a>(pub(crate) &'a [Version]);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |cells: &dyn Fn(&Version) -> usize, head: &str| {
            let widest = self.0.iter().map(cells).max().unwrap_or_default();
            widest.max(head.len())
        };
        let ids = width(&|version| version.id.len(), "version");
        let labels = width(&|version| version.labels.join(", ").len(), "labels");
        writeln!(f, "{:ids$}  {:labels$}  value  what it is", "version", "labels")?;
        for version in self.0 {
            let stored = match version.stored {
                Some(true) => "yes",
                Some(false) => "none",
                None => "?",
            };
            let held = version.labels.join(", ");
            write!(
                f,
                "{:ids$}  {held:labels$}  {stored:5}  {}",
                version.id, version.meaning
            )?;
            match &version.credential {
                Some(credential) => writeln!(f, " ({credential})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
