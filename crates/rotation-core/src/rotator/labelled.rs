//! Which credentials labelled versions hold, and which of them may be ended. Pure.

use crate::live::LiveIds;
use crate::store::AWSPREVIOUS;

/// A version that carries a label, other than the current one and the one being rotated in.
pub(super) struct Labelled<C> {
    pub(super) version: String,
    pub(super) is_previous: bool,
    /// It carries `AWSPREVIOUS` alone, which the promotion will take away.
    pub(super) falls_off: bool,
    /// The credential's id. `None` also if the credential is not known.
    pub(super) id: Option<String>,
    /// `None` if the version has no value that can be read, or one that is no such credential: it
    /// must not block the rotation, and counts as a live credential without an id.
    pub(super) credential: Option<C>,
}

impl<C> Labelled<C> {
    pub(super) fn new(
        version: &str,
        stages: &[String],
        credential: Option<C>,
        id: impl FnOnce(&C) -> Option<String>,
    ) -> Self {
        let is_previous = |stage: &String| stage == AWSPREVIOUS;
        Self {
            version: version.to_owned(),
            is_previous: stages.iter().any(is_previous),
            falls_off: stages.iter().all(is_previous),
            id: credential.as_ref().and_then(id),
            credential,
        }
    }
}

/// The ids of the current credential and of these versions' credentials.
pub(super) fn live_ids<'l, C: 'l>(
    current: Option<String>,
    others: impl IntoIterator<Item = &'l Labelled<C>>,
) -> LiveIds {
    let others = others.into_iter().map(|other| other.id.clone());
    LiveIds::new(others.chain([current]))
}

/// Why a credential may not be retired, if it may not.
pub(super) fn objection(id: Option<&str>, protected: &LiveIds) -> Option<&'static str> {
    match id {
        None => Some("it has no id, so it counts as live"),
        Some(id) if protected.contains(id) => Some("a labelled version holds the credential of the same id"),
        Some(_) => None,
    }
}

/// What createSecret does with the version that the promotion will take the last label from.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum FallingOff<'l, C> {
    /// There is no such version.
    Nothing,
    /// Its credential is left as it is, for this reason.
    Keep {
        version: &'l str,
        id: Option<&'l str>,
        why: &'static str,
    },
    /// Its credential is ended, once the current one has proved that it works.
    End { version: &'l str, credential: &'l C },
}

/// Decides about the version that is about to lose its last label.
pub(super) fn falling_off<C>(current: Option<String>, labelled: &[Labelled<C>]) -> FallingOff<'_, C> {
    let Some(falling) = labelled.iter().find(|other| other.falls_off) else {
        return FallingOff::Nothing;
    };
    let version = falling.version.as_str();
    let others = labelled.iter().filter(|other| other.version != falling.version);
    let protected = live_ids(current, others);
    let id = falling.id.as_deref();
    let keep = |why| FallingOff::Keep { version, id, why };
    match &falling.credential {
        None => keep("its value cannot be read, so it counts as live"),
        Some(_) if !protected.all_identified() => {
            keep("a labelled version's credential has no id, and may be this one")
        }
        Some(credential) => match objection(id, &protected) {
            Some(why) => keep(why),
            None => FallingOff::End { version, credential },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNREADABLE: &str = "its value cannot be read, so it counts as live";
    const MAY_BE_THIS_ONE: &str = "a labelled version's credential has no id, and may be this one";
    const NO_ID: &str = "it has no id, so it counts as live";
    const SAME_ID: &str = "a labelled version holds the credential of the same id";

    /// A version of this name that carries `AWSPREVIOUS` alone.
    fn previous(version: &str, id: Option<&str>) -> Labelled<&'static str> {
        Labelled {
            version: version.to_owned(),
            is_previous: true,
            falls_off: true,
            id: id.map(str::to_owned),
            credential: Some("credential"),
        }
    }

    fn with_own_label(version: &str, id: Option<&str>) -> Labelled<&'static str> {
        Labelled {
            is_previous: false,
            falls_off: false,
            ..previous(version, id)
        }
    }

    fn unreadable(version: &str) -> Labelled<&'static str> {
        Labelled {
            credential: None,
            ..previous(version, None)
        }
    }

    fn keep(why: &'static str, id: Option<&'static str>) -> FallingOff<'static, &'static str> {
        FallingOff::Keep {
            version: "v0",
            id,
            why,
        }
    }

    #[test]
    fn what_falls_off_is_ended_only_if_nobody_else_can_have_it() {
        let end = FallingOff::End {
            version: "v0",
            credential: &"credential",
        };
        let rows = [
            ("nothing is labelled", Some("k1"), vec![], FallingOff::Nothing),
            (
                "only an operator's own label",
                Some("k1"),
                vec![with_own_label("v0", Some("k0"))],
                FallingOff::Nothing,
            ),
            (
                "an ordinary rotation",
                Some("k1"),
                vec![previous("v0", Some("k0"))],
                end,
            ),
            (
                "its value cannot be read",
                Some("k1"),
                vec![unreadable("v0")],
                keep(UNREADABLE, None),
            ),
            (
                "it has no id",
                Some("k1"),
                vec![previous("v0", None)],
                keep(NO_ID, None),
            ),
            (
                "it is the current credential",
                Some("k0"),
                vec![previous("v0", Some("k0"))],
                keep(SAME_ID, Some("k0")),
            ),
            (
                "current has no id",
                None,
                vec![previous("v0", Some("k0"))],
                keep(MAY_BE_THIS_ONE, Some("k0")),
            ),
            (
                "an operator's label is on the same credential",
                Some("k1"),
                vec![previous("v0", Some("k0")), with_own_label("v9", Some("k0"))],
                keep(SAME_ID, Some("k0")),
            ),
            (
                "an operator's label is on a credential without an id",
                Some("k1"),
                vec![previous("v0", Some("k0")), with_own_label("v9", None)],
                keep(MAY_BE_THIS_ONE, Some("k0")),
            ),
        ];
        for (row, current, labelled, expected) in rows {
            let decided = falling_off(current.map(str::to_owned), &labelled);
            assert_eq!(decided, expected, "{row}");
        }
    }

    #[test]
    fn a_credential_is_protected_by_its_id() {
        let protected = LiveIds::new([Some("k1".to_owned())]);
        assert_eq!(objection(None, &protected), Some(NO_ID));
        assert_eq!(objection(Some("k1"), &protected), Some(SAME_ID));
        assert_eq!(objection(Some("k2"), &protected), None);
    }
}
