//! What earlier tries left behind, decided without any call.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::label::{Hash, Label};

/// How long after its deadline a maker still counts as being at work: clocks differ, and a last
/// request may be under way.
const MARGIN: Duration = Duration::from_secs(60);

/// No label says a deadline that is further off than this from when its maker began: a Lambda
/// function has 15 minutes at most.
pub(crate) const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A key as the provider lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Listed {
    /// The id that the secret's document has for it.
    pub(crate) id: Option<String>,
    /// What the provider calls it: the same, unless the key was uploaded and given another id there.
    pub(crate) address: Option<String>,
    pub(crate) label: Option<String>,
}

impl Listed {
    /// A key that the provider made.
    pub(crate) fn minted(id: Option<String>, label: Option<String>) -> Self {
        let address = id.clone();
        Self { id, address, label }
    }

    /// A key that was uploaded: the label with which it was is its id for us.
    pub(crate) fn uploaded(address: Option<String>, label: Option<String>) -> Self {
        let ours = label.as_deref().and_then(Label::parse).is_some();
        let id = if ours { label.clone() } else { address.clone() };
        Self { id, address, label }
    }

    fn known(self, label: Label) -> Option<Ours> {
        let (id, address) = (self.id?, self.address?);
        Some(Ours { id, address, label })
    }
}

/// A listed key that a rotation of this secret made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ours {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) label: Label,
}

/// What is to be done with a key of ours. Everything but an orphan is left alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// A labelled version holds it.
    Live,
    /// Its maker may still be about to store it.
    MakerInTime {
        /// For steps that begin after this moment it is an orphan, unless it was stored.
        until: SystemTime,
    },
    /// It looks like an orphan, but so may a labelled version's key whose id is not known.
    Unidentifiable,
    /// Nobody knows of it: it is to be revoked.
    Orphan,
}

/// Why nothing can be reconciled with a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unfit {
    /// A key of ours has no id in it.
    NoId,
    /// It has keys, and the current one is not among them.
    CurrentMissing,
    /// The label of the current key starts as ours do, and is none.
    LabelChanged,
}

/// Why a list is to be mistrusted, though it may be right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Doubt {
    /// There is no key in it, or none but those that tries of this secret made.
    Empty,
    /// No key in it has a label.
    NoLabels,
}

/// What has to be known to judge a key.
pub(crate) struct Facts<'a> {
    pub(crate) token: Hash,
    /// The time before this step read the secret.
    pub(crate) as_of: SystemTime,
    /// The time after the list came.
    pub(crate) now: SystemTime,
    /// Whether a labelled version holds the key with this id.
    pub(crate) protects: &'a dyn Fn(&str) -> bool,
    /// Whether the id of every labelled version's key is known.
    pub(crate) all_identified: bool,
}

/// The listed keys that rotations of this secret made.
pub(crate) fn ours(keys: &[Listed], secret: Hash) -> Result<Vec<Ours>, Unfit> {
    labelled(keys, secret)
        .map(|(key, label)| key.clone().known(label).ok_or(Unfit::NoId))
        .collect()
}

/// The same, where the list may lack ids: those with an id, and how many have none.
pub(crate) fn split(keys: &[Listed], secret: Hash) -> (Vec<Ours>, usize) {
    let found: Vec<_> = labelled(keys, secret)
        .map(|(key, label)| key.clone().known(label))
        .collect();
    let all = found.len();
    let ours: Vec<_> = found.into_iter().flatten().collect();
    let nameless = all - ours.len();
    (ours, nameless)
}

/// The listed keys with a label of this secret.
fn labelled(keys: &[Listed], secret: Hash) -> impl Iterator<Item = (&Listed, Label)> {
    keys.iter().filter_map(move |key| {
        let label = key.label.as_deref().and_then(Label::parse)?;
        (label.secret == secret).then_some((key, label))
    })
}

/// Whether the list proves that there is no key of this id: it shows keys (the current one exists),
/// and the id of each.
pub(crate) fn is_certainly_absent(keys: &[Listed], id: &str) -> bool {
    let mut ids = keys.iter().map(|key| key.id.as_deref());
    !keys.is_empty() && ids.all(|shown| shown.is_some_and(|shown| shown != id))
}

/// Whether the list shows the key that is known to exist, the current one, with its label. One that
/// does not may lack orphans too. Keys that earlier tries of this secret left behind prove nothing:
/// the list may show none but those that are made by requests, and the current one by hand.
pub(crate) fn sight(
    keys: &[Listed],
    left_behind: impl Fn(&str) -> bool,
    current: Option<&str>,
) -> Result<Option<Doubt>, Unfit> {
    if keys.iter().all(|key| key.id.as_deref().is_some_and(&left_behind)) {
        return Ok(Some(Doubt::Empty));
    }
    if let Some(current) = current {
        let shown = keys.iter().find(|key| key.id.as_deref() == Some(current));
        let label = shown.ok_or(Unfit::CurrentMissing)?.label.as_deref();
        if label.is_some_and(|label| Label::parse(label).is_none() && Label::resembles(label)) {
            return Err(Unfit::LabelChanged);
        }
    }
    let labels = keys.iter().any(|key| key.label.is_some());
    Ok((!labels).then_some(Doubt::NoLabels))
}

/// Judges one key. A key of this very token is an orphan only when its maker is out of time too: the
/// same step may be running twice. It is one even when some version's key is not identified, for
/// createSecret runs only while no value is stored for its token.
///
/// Makers are judged by the time before this step read the secret, not by the time of the list:
/// what is protected was read then. A maker whose time was not up then may have stored its key since,
/// and the whole rotation may have ended.
pub(crate) fn judge(key: &Ours, facts: &Facts<'_>) -> Verdict {
    if (facts.protects)(&key.id) {
        return Verdict::Live;
    }
    // A deadline so far off that the sum does not fit the clock never comes.
    let until = key
        .label
        .deadline
        .checked_add(MARGIN)
        .unwrap_or(key.label.deadline);
    if facts.as_of <= until && is_credible(key.label.deadline, facts.now) {
        return Verdict::MakerInTime { until };
    }
    if !facts.all_identified && key.label.token != facts.token {
        return Verdict::Unidentifiable;
    }
    Verdict::Orphan
}

/// Whether a maker that began by `now` can have written this deadline. By the time of the list, for
/// it may have begun after this step did.
fn is_credible(deadline: SystemTime, now: SystemTime) -> bool {
    now.checked_add(LONGEST + MARGIN)
        .is_none_or(|latest| deadline <= latest)
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoId => {
                "it holds a key with a label of this secret and no id; correct item_id_at in the provider's description"
            }
            Self::CurrentMissing => {
                "it does not hold the AWSCURRENT key, so orphans may be missing too; look for a page limit, a filter of the list, or a wrong item_id_at; if the list cannot show this key (it was made by hand for another account, or is gone), take its id out of the secret's document"
            }
            Self::LabelChanged => {
                "the label of the AWSCURRENT key starts like one of ours and is none, so orphans cannot be told; let create put {label} where its 62 characters are kept as they are, or correct item_label_at; if a person named this key so, rename it"
            }
        })
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the list does not show the AWSCURRENT key, nor any but this secret's own, so orphans may be missing too; look for a filter of the list",
            Self::NoLabels => {
                "no key in the list has a label, so no orphan can be found; correct item_label_at, unless all were made by hand"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn label(secret: &str, token: &str, deadline: u64) -> Label {
        Label {
            secret: Hash::of_secret(secret),
            token: Hash::of_token(token),
            deadline: at(deadline),
        }
    }

    fn listed(id: Option<&str>, label: Option<&str>) -> Listed {
        Listed::minted(id.map(str::to_owned), label.map(str::to_owned))
    }

    /// Judged for the token `this`, with the id `live` protected, by a step that began at `NOW`
    /// and got the list 100 seconds later.
    fn verdict(id: &str, token: &str, deadline: u64, all_identified: bool) -> Verdict {
        let key = Ours {
            id: id.to_owned(),
            address: id.to_owned(),
            label: label("mine", token, deadline),
        };
        judge(
            &key,
            &Facts {
                token: Hash::of_token("this"),
                as_of: at(NOW),
                now: at(NOW + 100),
                protects: &|id| id == "live",
                all_identified,
            },
        )
    }

    #[test]
    fn every_row_gets_its_verdict() {
        use Verdict::{Live, MakerInTime, Orphan, Unidentifiable};
        let out = NOW - 61;
        let in_time = |deadline: u64| MakerInTime {
            until: at(deadline + 60),
        };
        // What a maker that begins when the list comes writes at the latest, and the margin.
        let latest = NOW + 100 + 15 * 60 + 60;
        let rows = [
            // what it shows, id, token, deadline, verdict when all are identified, and when not
            ("held by a version", "live", "other", out, Live, Live),
            ("held, maker in time", "live", "other", NOW, Live, Live),
            ("held, too far off", "live", "other", latest + 1, Live, Live),
            ("this token, out of time", "a", "this", out, Orphan, Orphan),
            (
                "another token, out of time",
                "a",
                "other",
                out,
                Orphan,
                Unidentifiable,
            ),
            (
                "this token, at work",
                "a",
                "this",
                NOW,
                in_time(NOW),
                in_time(NOW),
            ),
            (
                "another token, at work",
                "a",
                "other",
                NOW,
                in_time(NOW),
                in_time(NOW),
            ),
            (
                "last moment",
                "a",
                "other",
                NOW - 60,
                in_time(NOW - 60),
                in_time(NOW - 60),
            ),
            // Its time was not up when the secret was read, and is by now.
            (
                "since then",
                "a",
                "this",
                NOW + 1,
                in_time(NOW + 1),
                in_time(NOW + 1),
            ),
            (
                "the longest",
                "a",
                "other",
                latest,
                in_time(latest),
                in_time(latest),
            ),
            ("too far off, this token", "a", "this", latest + 1, Orphan, Orphan),
            (
                "too far off, another",
                "a",
                "other",
                latest + 1,
                Orphan,
                Unidentifiable,
            ),
            (
                "in a century",
                "a",
                "other",
                NOW + 3_000_000_000,
                Orphan,
                Unidentifiable,
            ),
        ];
        for (row, id, token, deadline, identified, unidentified) in rows {
            assert_eq!(
                verdict(id, token, deadline, true),
                identified,
                "{row}, all identified"
            );
            assert_eq!(
                verdict(id, token, deadline, false),
                unidentified,
                "{row}, not all identified"
            );
        }
    }

    #[test]
    fn only_keys_with_a_label_of_this_secret_are_ours() {
        let (mine, theirs) = (label("mine", "this", NOW), label("theirs", "this", NOW));
        let (mine_text, theirs_text) = (mine.to_string(), theirs.to_string());
        let keys = [
            listed(Some("a"), None),
            listed(Some("b"), Some("ci")),
            listed(Some("c"), Some(&theirs_text)),
            listed(Some("d"), Some(&mine_text)),
            listed(None, Some(&theirs_text)),
            listed(None, None),
        ];
        let found = ours(&keys, Hash::of_secret("mine")).unwrap();
        assert_eq!(
            found,
            [Ours {
                id: "d".to_owned(),
                address: "d".to_owned(),
                label: mine
            }]
        );
        let nameless = [listed(None, Some(&mine_text))];
        assert_eq!(ours(&nameless, Hash::of_secret("mine")), Err(Unfit::NoId));
    }

    #[test]
    fn keys_of_ours_without_an_id_are_counted_apart() {
        let (mine, theirs) = (label("mine", "this", NOW), label("theirs", "this", NOW));
        let (mine_text, theirs_text) = (mine.to_string(), theirs.to_string());
        let keys = [
            listed(Some("a"), Some(&mine_text)),
            listed(None, Some(&mine_text)),
            listed(None, Some(&theirs_text)),
            listed(None, None),
        ];
        let (found, nameless) = split(&keys, Hash::of_secret("mine"));
        let (id, address) = ("a".to_owned(), "a".to_owned());
        let expected = Ours {
            id,
            address,
            label: mine,
        };
        assert_eq!((found, nameless), (vec![expected], 1));
    }

    #[test]
    fn an_uploaded_key_goes_by_its_label_and_is_revoked_by_the_providers_id() {
        let text = label("mine", "this", NOW).to_string();
        let ours = Listed::uploaded(Some("41".to_owned()), Some(text.clone()));
        assert_eq!((ours.id, ours.address), (Some(text), Some("41".to_owned())));
        let by_hand = Listed::uploaded(Some("42".to_owned()), Some("by hand".to_owned()));
        assert_eq!(
            (by_hand.id.as_deref(), by_hand.address.as_deref()),
            (Some("42"), Some("42"))
        );
    }

    #[test]
    fn only_a_list_of_other_ids_proves_that_a_key_is_gone() {
        let (this, other, nameless) = (
            listed(Some("a"), None),
            listed(Some("b"), None),
            listed(None, Some("ci")),
        );
        for (row, keys, absent) in [
            ("other keys", vec![other.clone()], true),
            ("no keys", vec![], false),
            ("this one", vec![other.clone(), this], false),
            ("one without an id", vec![other, nameless], false),
        ] {
            assert_eq!(is_certainly_absent(&keys, "a"), absent, "{row}");
        }
    }

    #[test]
    fn a_list_has_to_show_the_current_key_with_its_label() {
        let text = label("mine", "this", NOW).to_string();
        let cut = &text[..40];
        let (other, by_hand) = (listed(Some("b"), Some("ci")), listed(Some("a"), Some("by hand")));
        for (row, keys, expected) in [
            ("empty", vec![], Ok(Some(Doubt::Empty))),
            ("made by hand", vec![other.clone(), by_hand], Ok(None)),
            ("ours", vec![listed(Some("a"), Some(&text))], Ok(None)),
            ("no label", vec![other.clone(), listed(Some("a"), None)], Ok(None)),
            (
                "no labels",
                vec![listed(Some("a"), None)],
                Ok(Some(Doubt::NoLabels)),
            ),
            ("another alone", vec![other.clone()], Err(Unfit::CurrentMissing)),
            (
                "one left behind alone",
                vec![listed(Some("left"), None)],
                Ok(Some(Doubt::Empty)),
            ),
            (
                "one left behind and another",
                vec![listed(Some("left"), None), other.clone()],
                Err(Unfit::CurrentMissing),
            ),
            (
                "no ids",
                vec![listed(None, Some(&text))],
                Err(Unfit::CurrentMissing),
            ),
            (
                "cut",
                vec![listed(Some("a"), Some(cut))],
                Err(Unfit::LabelChanged),
            ),
            (
                "another's cut",
                vec![listed(Some("a"), Some("ci")), listed(Some("b"), Some(cut))],
                Ok(None),
            ),
        ] {
            assert_eq!(sight(&keys, |id| id == "left", Some("a")), expected, "{row}");
        }
        assert_eq!(
            sight(&[other], |_| false, None),
            Ok(None),
            "an id that is not known cannot be looked for"
        );
    }
}
