//! How far a rotation has come, by the labels alone.

use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};

use crate::error::{Error, Exit};
use crate::session::Session;
use crate::state::Facts;
use crate::words;

/// How often the labels are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far the rotation to a version has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// It is `AWSPENDING`, and no value is seen.
    Registered,
    /// It is `AWSPENDING` and holds a value: setSecret, testSecret and finishSecret are left.
    Stored,
    /// It is, or has been, `AWSCURRENT`.
    Current,
    /// It was `AWSPENDING` and is no more.
    Released,
    /// Rotation was turned off meanwhile.
    TurnedOff,
}

impl Progress {
    /// `seen`: whether the version was pending before. Until it was, a look that does not show it may
    /// be older than the call that registered it.
    pub(super) fn of(facts: &Facts, version: &str, seen: bool) -> Self {
        let labels = facts.described.versions.get(version);
        let has = |label: &str| labels.is_some_and(|labels| labels.iter().any(|it| it == label));
        // A version that was current before, and was made pending again by hand, is not there yet.
        if has(AWSCURRENT) || (has(AWSPREVIOUS) && !has(AWSPENDING)) {
            return Self::Current;
        }
        match has(AWSPENDING) {
            true if facts.described.rotation_enabled == Some(false) => Self::TurnedOff,
            true if facts.is_stored(version) == Some(true) => Self::Stored,
            false if seen => Self::Released,
            _ => Self::Registered,
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::Registered => "registered, no value yet: createSecret is at work, or failed",
            Self::Stored => "the value is stored: setSecret, testSecret and finishSecret are left",
            Self::Current => "AWSCURRENT",
            Self::Released => "no longer AWSPENDING",
            Self::TurnedOff => "rotation was turned off",
        }
    }
}

/// How a wait ended.
pub(super) struct Waited {
    pub(super) outcome: &'static str,
    pub(super) says: String,
    pub(super) exit: Exit,
}

/// Waits until the rotation to `version` has ended, and says what changes on the way. A look that fails
/// is looked again.
pub(super) async fn wait(
    session: &mut Session<'_, '_>,
    secret: &str,
    version: &str,
    limit: Duration,
    mut seen: bool,
) -> Result<Waited, Error> {
    let begun = session.clock.elapsed();
    let mut last = None;
    loop {
        let took = session.clock.elapsed().saturating_sub(begun);
        match session.look(secret).await {
            Ok(found) => {
                let progress = Progress::of(&found.facts, version, seen);
                seen |= found.facts.described.versions.contains_key(version);
                let before = last.replace(progress);
                if before != Some(progress) {
                    let after = words::span(took);
                    session
                        .console
                        .say(format_args!("{after:>6}  {}", progress.says()));
                }
                if let Some(waited) = ended(progress, before, version) {
                    return Ok(waited);
                }
            }
            Err(error) if took >= limit => return Err(error.into()),
            Err(error) => session
                .console
                .say(format_args!("rotation: {error}; looking again")),
        }
        if took >= limit {
            return Ok(Waited {
                outcome: "not_finished",
                says: format!(
                    "version {version} is not AWSCURRENT after {}; the labels do not tell a step that failed from one \
                     that takes its time, the function's log does",
                    words::span(limit)
                ),
                exit: Exit::Unfinished,
            });
        }
        session.clock.sleep(INTERVAL).await;
    }
}

/// Waits until the test that turning rotation on runs is over: until no version is pending. Whether it is.
pub(super) async fn test_is_over(session: &mut Session<'_, '_>, secret: &str, limit: Duration) -> bool {
    let begun = session.clock.elapsed();
    loop {
        // A look that fails does not tell; a first one may be older than the call that began the test.
        session.clock.sleep(INTERVAL.min(limit)).await;
        let found = session.look(secret).await;
        if found.is_ok_and(|found| found.facts.pending().is_none()) {
            return true;
        }
        if session.clock.elapsed().saturating_sub(begun) >= limit {
            return false;
        }
    }
}

/// How the wait has ended, if it has. A look may be older than the one before it: a label that is gone is
/// believed when it is gone twice.
fn ended(progress: Progress, before: Option<Progress>, version: &str) -> Option<Waited> {
    let (outcome, says, exit) = match progress {
        Progress::Registered | Progress::Stored => return None,
        Progress::Released if before != Some(progress) => return None,
        Progress::Current => (
            "rotated",
            format!("version {version} is AWSCURRENT: the rotation is complete"),
            Exit::Done,
        ),
        Progress::Released => (
            "released",
            format!(
                "version {version} is no longer AWSPENDING and never became AWSCURRENT: the function released it, for \
                 the target rejected it or a dry run had left it, or somebody wrote to the secret; start a new rotation"
            ),
            Exit::Attention,
        ),
        Progress::TurnedOff => (
            "turned_off",
            format!("rotation was turned off while version {version} was AWSPENDING"),
            Exit::Attention,
        ),
    };
    Some(Waited { outcome, says, exit })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn facts(labels: &[&str], stored: bool) -> Facts {
        let mut facts = Facts::default();
        if !labels.is_empty() {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            facts.described.versions.insert("v".to_owned(), labels);
        }
        facts.described.rotation_enabled = Some(true);
        facts.stored = Some(match stored {
            true => BTreeMap::from([("v".to_owned(), None)]),
            false => BTreeMap::new(),
        });
        facts
    }

    #[test]
    fn progress_is_read_off_the_labels() {
        let rows: [(&[&str], bool, bool, Progress); 10] = [
            (&[], false, false, Progress::Registered),
            (&[], false, true, Progress::Released),
            (&["AWSPENDING"], false, false, Progress::Registered),
            (&["AWSPENDING"], true, false, Progress::Stored),
            (&["AWSCURRENT"], true, true, Progress::Current),
            (&["AWSCURRENT", "AWSPENDING"], true, true, Progress::Current),
            (&["AWSPREVIOUS"], true, true, Progress::Current),
            (&["AWSPENDING", "AWSPREVIOUS"], true, true, Progress::Stored),
            (&["MINE"], true, true, Progress::Released),
            (&["MINE"], true, false, Progress::Registered),
        ];
        for (labels, stored, seen, expected) in rows {
            assert_eq!(
                Progress::of(&facts(labels, stored), "v", seen),
                expected,
                "{labels:?}, {seen}"
            );
        }
        let mut off = facts(&["AWSPENDING"], true);
        off.described.rotation_enabled = Some(false);
        assert_eq!(Progress::of(&off, "v", true), Progress::TurnedOff);
    }

    #[test]
    fn a_label_that_is_gone_is_believed_when_it_is_gone_twice() {
        let outcome = |progress, before| ended(progress, before, "v").map(|waited| waited.outcome);
        let rows = [
            (Progress::Released, Some(Progress::Stored), None),
            (Progress::Released, None, None),
            (Progress::Released, Some(Progress::Released), Some("released")),
            (Progress::Stored, Some(Progress::Released), None),
            (Progress::Current, Some(Progress::Released), Some("rotated")),
            (Progress::TurnedOff, Some(Progress::Stored), Some("turned_off")),
        ];
        for (progress, before, expected) in rows {
            assert_eq!(outcome(progress, before), expected, "{before:?}, {progress:?}");
        }
    }
}
