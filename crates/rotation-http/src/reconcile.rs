//! What earlier tries left behind, decided without any call.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::label::{Hash, Label};

#[cfg(test)]
mod tests;

/// How long after its deadline a maker still counts as being at work: clocks differ, and a last
/// request may be under way.
const MARGIN: Duration = Duration::from_secs(60);

/// No maker's deadline is further off than this when the maker begins: a Lambda function has 15 minutes at
/// most.
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

    /// A key that was uploaded. The label of its upload is its id for us.
    pub(crate) fn uploaded(address: Option<String>, label: Option<String>) -> Self {
        let ours = label.as_deref().and_then(Label::parse).is_some();
        let id = if ours { label.clone() } else { address.clone() };
        Self { id, address, label }
    }

    fn known(self, label: Label) -> Option<OurKey> {
        let (id, address) = (self.id?, self.address?);
        Some(OurKey { id, address, label })
    }
}

/// A listed key that a rotation of this secret made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct OurKey {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) label: Label,
}

/// What to do with a key of ours. Only an orphan is ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// A labelled version holds it.
    Live,
    /// Its maker may still be about to store it.
    MakerInTime {
        /// A step that begins after this moment takes the key for an orphan, unless it was stored.
        until: SystemTime,
    },
    /// It looks like an orphan. It may also be the key of a labelled version whose key id is not known.
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
    /// The label of the current key starts like a label of ours, and is none.
    LabelChanged,
}

/// Why a list is doubtful. It may be right all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Doubt {
    /// It has no keys, or only keys that tries of this secret made.
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
pub(crate) fn our_keys(keys: &[Listed], secret: Hash) -> Result<Vec<OurKey>, Unfit> {
    labelled(keys, secret)
        .map(|(key, label)| key.clone().known(label).ok_or(Unfit::NoId))
        .collect()
}

/// The same, where the list may lack ids: those with an id, and how many have none.
pub(crate) fn our_keys_with_id(keys: &[Listed], secret: Hash) -> (Vec<OurKey>, usize) {
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

/// Whether the list proves that there is no key with this id. To prove it, the list has to show keys, since the
/// current one exists, and an id for each.
pub(crate) fn is_certainly_absent(keys: &[Listed], id: &str) -> bool {
    let mut ids = keys.iter().map(|key| key.id.as_deref());
    !keys.is_empty() && ids.all(|shown| shown.is_some_and(|shown| shown != id))
}

/// Looks for the current key and its label in the list. A list that does not show a key that exists may not
/// show orphans either. Keys that earlier tries of this secret left behind prove nothing: the list may show only
/// keys that requests made, and the current one may be made by hand.
pub(crate) fn check_list(
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

/// Judges one key. A key of this token, too, is an orphan only when its maker is out of time: the same step may
/// be running twice. It is an orphan even if the key id of some version is not known, because createSecret runs
/// only while no value is stored for its token.
///
/// Whether a maker is out of time is judged by the time before this step read the secret, and not by the time of
/// the list. The labelled versions were read then. A maker that still had time then may have stored its key since,
/// and its whole rotation may have ended.
pub(crate) fn judge(key: &OurKey, facts: &Facts<'_>) -> Verdict {
    if (facts.protects)(&key.id) {
        return Verdict::Live;
    }
    // If the sum does not fit the clock, the deadline never comes.
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

/// Whether a maker that began by `now` can have written this deadline. `now` is the time of the list, because
/// the maker may have begun after this step.
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
