//! What state a secret is in, by what `DescribeSecret` and `ListSecretVersionIds` say of it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use rotation_core::Refusal;
use rotation_core::{AWSCURRENT, AWSPENDING, SecretDescription};

use crate::place::Place;
use crate::words;

/// A rotation in which nothing has changed for this long is taken to wait for its replay: four steps
/// of a function with the time-out of 60 seconds that this project gives it.
pub(crate) const QUIET: Duration = Duration::from_secs(4 * 60);

/// What is known of a secret without reading a value of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The name or ARN by which it was asked for.
    pub(crate) asked: String,
    /// Where it was asked for.
    pub(crate) place: Place,
    /// `Name`.
    pub(crate) name: String,
    /// ARN, labels, replicas, tags.
    pub(crate) described: SecretDescription,
    /// `RotationLambdaARN`.
    pub(crate) function: Option<String>,
    /// `RotationRules`.
    pub(crate) rules: Option<Rules>,
    /// `LastRotatedDate`; the service leaves it out while rotation is off.
    pub(crate) last_rotated: Option<SystemTime>,
    /// `LastChangedDate`.
    pub(crate) last_changed: Option<SystemTime>,
    /// `NextRotationDate`.
    pub(crate) next_rotation: Option<SystemTime>,
    /// `DeletedDate`: when the secret was marked for deletion.
    pub(crate) deleted: Option<SystemTime>,
    /// The versions that hold a value, with their creation, as ListSecretVersionIds lists them; a
    /// version that `RotateSecret` registered and nobody has written to is not among them. `None` if
    /// they could not be listed.
    pub(crate) stored: Option<BTreeMap<String, Option<SystemTime>>>,
}

/// `RotationRules`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Rules {
    /// `AutomaticallyAfterDays`.
    pub(crate) days: Option<i64>,
    /// `ScheduleExpression`.
    pub(crate) expression: Option<String>,
    /// `Duration` of the window: `3h`.
    pub(crate) window: Option<String>,
}

/// A version that is `AWSPENDING` and not current.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pending {
    /// Its id, which is the client request token of its rotation.
    pub(crate) version: String,
    /// Whether it holds a value; `None` if that could not be seen.
    pub(crate) stored: Option<bool>,
}

/// What state a secret is in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It is marked for deletion.
    MarkedForDeletion,
    /// Another AWS service manages it, and rotates it if it is rotated.
    ManagedByService(String),
    /// It is a replica; all happens at its primary.
    Replica {
        /// The primary's Region.
        primary_region: String,
    },
    /// No version is `AWSCURRENT`, or that version has no value.
    NoCurrent,
    /// A version is pending and rotation is off: no later rotation can start.
    Blocked(Pending),
    /// A rotation is under way.
    UnderWay(Pending),
    /// A rotation is under way in which nothing has changed for [`QUIET`]: a step failed or hangs.
    Waiting {
        /// What is to become current.
        pending: Pending,
        /// How long nothing has changed.
        quiet: Duration,
    },
    /// Rotation was never set up.
    NotSetUp,
    /// Rotation is off.
    Off,
    /// Rotation is on and the date of the next one has passed.
    Overdue {
        /// The date by which it should have been rotated.
        due: SystemTime,
    },
    /// Rotation is on and has not happened yet.
    NeverRotated,
    /// Rotation is on, and nothing is pending.
    InOrder,
}

impl Facts {
    /// The secret as a command names it, and where.
    pub(crate) fn named(&self) -> String {
        format!("{}{}", self.asked, self.place.options())
    }

    /// The version under `AWSCURRENT`.
    pub(crate) fn current(&self) -> Option<&str> {
        self.described.version_with(AWSCURRENT)
    }

    /// The version under `AWSPENDING`, unless it is the current one: that is how a rotation that
    /// succeeded may look until the service takes the label off.
    pub(crate) fn pending(&self) -> Option<Pending> {
        let version = self.described.version_with(AWSPENDING)?;
        (Some(version) != self.current()).then(|| Pending {
            version: version.to_owned(),
            stored: self.is_stored(version),
        })
    }

    /// Whether `AWSPENDING` is on the current version: its rotation is complete but for the clean-up, which
    /// may be at work still.
    pub(crate) fn is_closing(&self) -> bool {
        let pending = self.described.version_with(AWSPENDING);
        pending.is_some() && pending == self.current()
    }

    /// For how long nothing has changed; `None` if that is not known.
    pub(crate) fn quiet(&self, now: SystemTime) -> Option<Duration> {
        now.duration_since(self.last_changed?).ok()
    }

    /// Whether a version holds a value; `None` if that could not be seen.
    pub(crate) fn is_stored(&self, version: &str) -> Option<bool> {
        Some(self.stored.as_ref()?.contains_key(version))
    }

    /// The name of the rotation function.
    pub(crate) fn function_name(&self) -> Option<&str> {
        let mut parts = self.function.as_deref()?.split(':');
        parts.nth(6)
    }

    fn replica_of(&self) -> Option<&str> {
        let own = self.described.arn.split(':').nth(3)?;
        let primary = self.described.primary_region.as_deref()?;
        (primary != own).then_some(primary)
    }
}

/// The state, of which there is always exactly one. Pure.
pub(crate) fn assess(facts: &Facts, now: SystemTime) -> State {
    if facts.deleted.is_some() {
        return State::MarkedForDeletion;
    }
    if let Some(service) = &facts.described.owning_service {
        return State::ManagedByService(service.clone());
    }
    if let Some(primary) = facts.replica_of() {
        let primary_region = primary.to_owned();
        return State::Replica { primary_region };
    }
    if facts
        .current()
        .is_none_or(|current| facts.is_stored(current) == Some(false))
    {
        return State::NoCurrent;
    }
    let is_on = facts.described.rotation_enabled == Some(true);
    match facts.pending() {
        Some(pending) if !is_on => State::Blocked(pending),
        Some(pending) => rotating(pending, facts.quiet(now)),
        None if is_on => resting(facts, now),
        None if facts.function.is_some() => State::Off,
        None => State::NotSetUp,
    }
}

fn rotating(pending: Pending, quiet: Option<Duration>) -> State {
    match quiet.filter(|quiet| *quiet >= QUIET) {
        Some(quiet) => State::Waiting { pending, quiet },
        None => State::UnderWay(pending),
    }
}

fn resting(facts: &Facts, now: SystemTime) -> State {
    match facts.next_rotation.filter(|due| *due < now) {
        Some(due) => State::Overdue { due },
        None if facts.last_rotated.is_none() => State::NeverRotated,
        None => State::InOrder,
    }
}

impl State {
    /// The state as lower-case words joined by underscores; stable.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::MarkedForDeletion => "marked_for_deletion",
            Self::ManagedByService(_) => "managed_by_service",
            Self::Replica { .. } => "replica",
            Self::NoCurrent => "no_current",
            Self::Blocked(_) => "blocked",
            Self::UnderWay(_) => "under_way",
            Self::Waiting { .. } => "waiting",
            Self::NotSetUp => "not_set_up",
            Self::Off => "off",
            Self::Overdue { .. } => "overdue",
            Self::NeverRotated => "never_rotated",
            Self::InOrder => "in_order",
        }
    }

    /// Whether somebody has to look: it will not, or may not, come right by itself.
    pub(crate) fn needs_somebody(&self) -> bool {
        match self {
            Self::MarkedForDeletion
            | Self::NoCurrent
            | Self::Blocked(_)
            | Self::Waiting { .. }
            | Self::Off
            | Self::Overdue { .. } => true,
            Self::ManagedByService(_)
            | Self::Replica { .. }
            | Self::UnderWay(_)
            | Self::NotSetUp
            | Self::NeverRotated
            | Self::InOrder => false,
        }
    }

    /// The version that is pending, if one is.
    pub(crate) fn pending(&self) -> Option<&Pending> {
        match self {
            Self::Blocked(pending) | Self::UnderWay(pending) | Self::Waiting { pending, .. } => Some(pending),
            _ => None,
        }
    }

    /// What state this is, in a sentence.
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::MarkedForDeletion => "the secret is marked for deletion; nothing rotates it".to_owned(),
            Self::ManagedByService(service) => Refusal::OwnedByService(service.clone()).to_string(),
            Self::Replica { primary_region } => Refusal::Replica {
                primary_region: primary_region.clone(),
            }
            .to_string(),
            Self::NoCurrent => "AWSCURRENT has no value; put a first value into the secret".to_owned(),
            Self::Blocked(pending) => format!(
                "rotation is off and version {} is AWSPENDING, {}: no later rotation can start",
                pending.version,
                pending.holding()
            ),
            Self::UnderWay(pending) => format!(
                "a rotation is under way: version {} is AWSPENDING, {}",
                pending.version,
                pending.holding()
            ),
            Self::Waiting { pending, quiet } => format!(
                "a rotation is not complete: version {} is AWSPENDING, {}, and nothing has changed for {}; a step \
                 failed, and the service replays the rotation or has given up, or it takes very long",
                pending.version,
                pending.holding(),
                words::span(*quiet)
            ),
            Self::NotSetUp => "rotation was never set up".to_owned(),
            Self::Off => "rotation is off; nothing is pending".to_owned(),
            Self::Overdue { due } => format!(
                "rotation is on, and should have happened by {}; nothing is pending",
                words::date(*due)
            ),
            Self::NeverRotated => "rotation is on, and has not happened yet; nothing is pending".to_owned(),
            Self::InOrder => "rotation is on, and nothing is pending".to_owned(),
        }
    }
}

impl Pending {
    fn holding(&self) -> &'static str {
        match self.stored {
            Some(true) => "with a value",
            Some(false) => "without a value",
            None => "with or without a value",
        }
    }
}

#[cfg(test)]
mod tests;
