//! createSecret's decisions, as pure functions: is a look at the labels too old, what is to be
//! stored, what follows the put. finishSecret uses [`is_old`], too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::{DocumentError, SecretValue};
use crate::stages::Verdict;
use crate::store::{Effect, SecretDescription, StoreError, StoreErrorKind};

/// How old a look at the labels may be. An older one is repeated before anything that relies on it
/// and cannot be undone. finishSecret's reads after the promotion may take no longer, either.
const FRESH: Duration = Duration::from_secs(1);

/// Whether a look that began at `looked` is too old to rely on. Both are times of the monotonic clock.
pub(super) fn is_old(looked: Duration, now: Duration) -> bool {
    now.saturating_sub(looked) > FRESH
}

/// Whether the labels are looked at once more right before the put.
///
/// Minting takes time, and a put on old labels would take `AWSPENDING` from whoever has it by then.
pub(super) fn looks_before_put(minted: bool, looked: Duration, now: Duration) -> bool {
    minted || is_old(looked, now)
}

/// Whether the step may go on with the labels as they are `now`: the token is pending still, and no
/// label has moved since `before`.
pub(super) fn unmoved(before: &SecretDescription, now: &SecretDescription, verdict: Verdict<'_>) -> bool {
    matches!(verdict, Verdict::Proceed { .. }) && labels(before) == labels(now)
}

/// The labels of each version; the service does not promise an order among them.
fn labels(secret: &SecretDescription) -> BTreeMap<&str, BTreeSet<&str>> {
    let versions = secret.versions.iter();
    versions
        .map(|(version, stages)| (version.as_str(), stages.iter().map(String::as_str).collect()))
        .collect()
}

/// Why the next credential cannot be stored.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum NotStorable {
    /// It is the current one: nothing was made.
    Current,
    /// It cannot be written into the document: what was made has to be ended.
    Unwritable(DocumentError),
}

/// The current value with the next credential laid over it.
pub(super) fn next_value<C: Serialize + DeserializeOwned>(
    stored: &SecretValue,
    current: &C,
    next: &C,
) -> Result<SecretValue, NotStorable> {
    match stored.overlay(current, next) {
        Ok(value) if value == *stored => Err(NotStorable::Current),
        Ok(value) => Ok(value),
        Err(error) => Err(NotStorable::Unwritable(error)),
    }
}

/// What createSecret does after its put.
#[derive(Debug)]
pub(super) enum AfterPut {
    /// Nothing: the value is stored.
    Done,
    /// The token has another value, because an overlapping invocation stored its credential first:
    /// read that one.
    ReadTheOther(StoreError),
    /// The answer was lost, so the value may be stored: read what is pending.
    FindOut(StoreError),
    /// The value is certainly not stored: end what was made.
    Undo(StoreError),
}

/// Decides what follows the put.
pub(super) fn after_put(put: Result<(), StoreError>) -> AfterPut {
    match put {
        Ok(()) => AfterPut::Done,
        Err(error) if error.kind() == StoreErrorKind::Conflict => AfterPut::ReadTheOther(error),
        Err(error) if error.effect() == Effect::Unknown => AfterPut::FindOut(error),
        Err(error) => AfterPut::Undo(error),
    }
}

/// What is stored under the token, as far as it could be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum UnderToken<'i> {
    /// The read failed.
    NotKnown,
    /// Nothing.
    Nothing,
    /// A value. Its credential has this id, or none that can be read.
    Credential(Option<&'i str>),
}

/// Whether a credential that was made and not stored may be ended: it must be certain that what is
/// stored under the token is another one. Some targets hand out one credential for one token, and then
/// an overlapping invocation may have stored the same.
pub(super) fn may_be_ended(ours: Option<&str>, under_token: UnderToken<'_>) -> bool {
    match under_token {
        UnderToken::NotKnown | UnderToken::Credential(None) => false,
        UnderToken::Nothing => true,
        UnderToken::Credential(Some(stored)) => Some(stored) != ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_look_is_old_after_a_second() {
        let looked = 7 * SECOND;
        let rows = [
            (looked, false),
            (looked + SECOND, false),
            (looked + SECOND + MILLISECOND, true),
            (Duration::ZERO, false), // a clock that went back
        ];
        for (now, old) in rows {
            assert_eq!(is_old(looked, now), old, "{now:?}");
            assert_eq!(looks_before_put(false, looked, now), old, "{now:?}");
            assert!(looks_before_put(true, looked, now), "{now:?}");
        }
    }

    fn labelled(versions: &[(&str, &[&str])]) -> SecretDescription {
        let mut secret = SecretDescription::new("arn");
        secret.versions = versions
            .iter()
            .map(|(id, stages)| ((*id).to_owned(), stages.iter().map(|&s| s.to_owned()).collect()))
            .collect();
        secret
    }

    #[test]
    fn labels_are_unmoved_whatever_their_order() {
        let before = labelled(&[("old", &["AWSCURRENT", "MINE"]), ("new", &["AWSPENDING"])]);
        let go_on = Verdict::Proceed { current: "old" };
        let reordered = labelled(&[("new", &["AWSPENDING"]), ("old", &["MINE", "AWSCURRENT"])]);
        let moved = labelled(&[("old", &["AWSCURRENT"]), ("new", &["AWSPENDING", "MINE"])]);
        let fewer = labelled(&[("old", &["AWSCURRENT"]), ("new", &["AWSPENDING"])]);
        assert!(unmoved(&before, &reordered, go_on));
        assert!(!unmoved(&before, &moved, go_on));
        assert!(!unmoved(&before, &fewer, go_on));
        assert!(!unmoved(&before, &before, Verdict::AlreadyCurrent));
    }

    #[test]
    fn what_is_stored_differs_from_what_is_current() {
        let stored = SecretValue::text("old");
        let text = |text: &str| text.to_owned();
        assert_eq!(
            next_value(&stored, &text("old"), &text("new")),
            Ok(SecretValue::text("new"))
        );
        assert_eq!(
            next_value(&stored, &text("old"), &text("old")),
            Err(NotStorable::Current)
        );
        assert_eq!(
            next_value(&stored, &text("old"), &text("{new")),
            Err(NotStorable::Unwritable(DocumentError::NotReadBack))
        );
    }

    #[test]
    fn what_follows_a_put() {
        use StoreErrorKind::{Conflict, Denied, Encryption, Invalid, NotFound, StageMismatch, Unavailable};
        let word = |put| match after_put(put) {
            AfterPut::Done => "done",
            AfterPut::ReadTheOther(_) => "read the other",
            AfterPut::FindOut(_) => "find out",
            AfterPut::Undo(_) => "undo",
        };
        assert_eq!(word(Ok(())), "done");
        assert_eq!(word(Err(StoreError::unknown("no answer"))), "find out");
        assert_eq!(
            word(Err(StoreError::not_applied(Conflict, "exists"))),
            "read the other"
        );
        for kind in [NotFound, StageMismatch, Unavailable, Denied, Encryption, Invalid] {
            assert_eq!(word(Err(StoreError::not_applied(kind, "no"))), "undo", "{kind:?}");
        }
    }

    #[test]
    fn only_what_is_certainly_not_stored_is_ended() {
        use UnderToken::{Credential, NotKnown, Nothing};
        let rows = [
            (Some("k2"), NotKnown, false),
            (Some("k2"), Nothing, true),
            (Some("k2"), Credential(None), false),
            (Some("k2"), Credential(Some("k2")), false),
            (Some("k2"), Credential(Some("k3")), true),
            (None, Nothing, true),
            (None, Credential(Some("k3")), true),
        ];
        for (ours, under_token, ends) in rows {
            assert_eq!(may_be_ended(ours, under_token), ends, "{ours:?}, {under_token:?}");
        }
    }
}
