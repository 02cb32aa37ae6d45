//! What earlier tries left behind, decided without any call.

use std::time::{Duration, SystemTime};

use crate::label::{Hash, Label};

/// How long after its deadline a maker still counts as being at work: clocks differ, and a last
/// request may be under way.
const MARGIN: Duration = Duration::from_secs(60);

/// A key as the provider lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Listed {
    pub(crate) id: Option<String>,
    pub(crate) label: Option<String>,
}

/// What is to be done with a listed key. Everything but an orphan is left alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Its label is not one that a rotation of this secret wrote.
    NotOurs,
    /// A labelled version holds it.
    Live,
    /// Its maker may still be about to store it.
    MakerInTime {
        /// From this moment on it is an orphan, unless it was stored.
        until: SystemTime,
    },
    /// It looks like an orphan, but so may a labelled version's key whose id is not known.
    Unidentifiable,
    /// Nobody knows of it: it is to be revoked.
    Orphan,
}

/// What has to be known to judge a key.
pub(crate) struct Facts<'a> {
    pub(crate) secret: Hash,
    pub(crate) token: Hash,
    pub(crate) now: SystemTime,
    /// Whether a labelled version holds the key with this id.
    pub(crate) protects: &'a dyn Fn(&str) -> bool,
    /// Whether the id of every labelled version's key is known.
    pub(crate) all_identified: bool,
}

/// Judges one key. A key of this very token is an orphan only when its maker is out of time too: the
/// same step may be running twice. It is one even when some version's key is not identified, for
/// createSecret runs only while no value is stored for its token.
pub(crate) fn judge(key: &Listed, facts: &Facts<'_>) -> Verdict {
    let Some(label) = key
        .label
        .as_deref()
        .and_then(Label::parse)
        .filter(|label| label.secret == facts.secret)
    else {
        return Verdict::NotOurs;
    };
    if key.id.as_deref().is_some_and(|id| (facts.protects)(id)) {
        return Verdict::Live;
    }
    // A deadline so far off that the sum does not fit the clock never comes.
    let until = label.deadline.checked_add(MARGIN).unwrap_or(label.deadline);
    if facts.now <= until {
        return Verdict::MakerInTime { until };
    }
    if !facts.all_identified && label.token != facts.token {
        return Verdict::Unidentifiable;
    }
    Verdict::Orphan
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn label(secret: &str, token: &str, deadline: u64) -> Option<String> {
        let label = Label {
            secret: Hash::of_secret(secret),
            token: Hash::of_token(token),
            deadline: at(deadline),
        };
        Some(label.to_string())
    }

    /// Judged for the secret `mine` and the token `this`, with the id `live` protected.
    fn verdict(id: Option<&str>, label: Option<String>, all_identified: bool) -> Verdict {
        let key = Listed {
            id: id.map(str::to_owned),
            label,
        };
        judge(
            &key,
            &Facts {
                secret: Hash::of_secret("mine"),
                token: Hash::of_token("this"),
                now: at(NOW),
                protects: &|id| id == "live",
                all_identified,
            },
        )
    }

    #[test]
    fn every_row_gets_its_verdict() {
        use Verdict::{Live, MakerInTime, NotOurs, Orphan, Unidentifiable};
        let out = NOW - 61;
        let in_time = |deadline: u64| MakerInTime {
            until: at(deadline + 60),
        };
        let rows = [
            // what it shows, id, label, verdict when all are identified, and when not
            ("no label", Some("a"), None, NotOurs, NotOurs),
            (
                "a person's label",
                Some("a"),
                Some("ci".to_owned()),
                NotOurs,
                NotOurs,
            ),
            (
                "another secret",
                Some("a"),
                label("theirs", "this", out),
                NotOurs,
                NotOurs,
            ),
            (
                "another secret, live here",
                Some("live"),
                label("theirs", "this", out),
                NotOurs,
                NotOurs,
            ),
            (
                "held by a version",
                Some("live"),
                label("mine", "other", out),
                Live,
                Live,
            ),
            (
                "held, maker in time",
                Some("live"),
                label("mine", "other", NOW),
                Live,
                Live,
            ),
            (
                "this token, maker out of time",
                Some("a"),
                label("mine", "this", out),
                Orphan,
                Orphan,
            ),
            (
                "another token, out of time",
                Some("a"),
                label("mine", "other", out),
                Orphan,
                Unidentifiable,
            ),
            (
                "no id, this token",
                None,
                label("mine", "this", out),
                Orphan,
                Orphan,
            ),
            (
                "no id, another token",
                None,
                label("mine", "other", out),
                Orphan,
                Unidentifiable,
            ),
            (
                "this token, at work",
                Some("a"),
                label("mine", "this", NOW),
                in_time(NOW),
                in_time(NOW),
            ),
            (
                "another token, at work",
                Some("a"),
                label("mine", "other", NOW),
                in_time(NOW),
                in_time(NOW),
            ),
            (
                "last moment",
                Some("a"),
                label("mine", "other", NOW - 60),
                in_time(NOW - 60),
                in_time(NOW - 60),
            ),
        ];
        for (row, id, label, identified, unidentified) in rows {
            assert_eq!(
                verdict(id, label.clone(), true),
                identified,
                "{row}, all identified"
            );
            assert_eq!(
                verdict(id, label, false),
                unidentified,
                "{row}, not all identified"
            );
        }
    }
}
