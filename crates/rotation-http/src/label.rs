//! The label on every key that is made here: by it a later run knows whose key it is.

use std::fmt;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

/// Which secret, which rotation, and until when the maker may still be at work.
///
/// As text: `rotation-<16 hex digits of the secret's hash>-<16 of the token's>-<deadline>`, at most
/// 62 characters of `a-z`, `0-9` and `-`; the deadline is in seconds since 1970.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Label {
    pub(crate) secret: Hash,
    pub(crate) token: Hash,
    pub(crate) deadline: SystemTime,
}

impl Label {
    /// Reads a label that is exactly as [`Display`](fmt::Display) writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.split('-');
        let (secret, token, seconds) = (parts.next()?, parts.next()?, parts.next()?);
        let label = Self {
            secret: Hash::parse(secret)?,
            token: Hash::parse(token)?,
            deadline: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?,
        };
        (parts.next().is_none() && label.to_string() == text).then_some(label)
    }

    /// Whether the text may be what a provider made of a label: cut off, in capitals, with other
    /// separators, with something behind it.
    pub(crate) fn resembles(text: &str) -> bool {
        let text = text.trim().to_ascii_lowercase();
        let Some(rest) = text.strip_prefix(PREFIX.trim_end_matches('-')) else {
            return false;
        };
        let mut rest = rest.chars();
        let separated = rest.next().is_some_and(|separator| !separator.is_alphanumeric());
        // A person's name for a key may start with a few of the digits.
        separated && rest.take_while(char::is_ascii_hexdigit).count() >= 8
    }
}

const PREFIX: &str = "rotation-";

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deadline = self
            .deadline
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        // Rounded up: a maker has at least the time that its label says.
        let seconds = deadline.as_secs() + u64::from(deadline.subsec_nanos() > 0);
        write!(f, "{PREFIX}{}-{}-{seconds}", self.secret, self.token)
    }
}

/// The first 64 bits of a SHA-256 hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn of_secret(arn: &str) -> Self {
        Self::of("rotation-http secret\0", arn)
    }

    pub(crate) fn of_token(token: &str) -> Self {
        Self::of("rotation-http token\0", token)
    }

    /// The domain ends in a zero byte, which neither an ARN nor a token contains.
    fn of(domain: &str, text: &str) -> Self {
        let hash = Sha256::new().chain_update(domain).chain_update(text).finalize();
        let first = hash
            .iter()
            .take(8)
            .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Self(first)
    }

    fn parse(hex: &str) -> Option<Self> {
        u64::from_str_radix(hex, 16).ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "rotation-00000000000000ab-ffffffffffffffff-1700000000";

    #[test]
    fn a_label_survives_a_round_trip() {
        let label = Label::parse(TEXT).unwrap();
        assert_eq!(
            label.deadline,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
        );
        assert_eq!(label.to_string(), TEXT);
    }

    #[test]
    fn what_is_not_exactly_ours_is_not_read() {
        for foreign in [
            "",
            "rotation",
            "rotation-",
            "my rotation key",
            "rotation-00000000000000ab-ffffffffffffffff",
            "rotation-00000000000000ab-ffffffffffffffff-",
            "rotation-00000000000000ab-ffffffffffffffff-1700000000-",
            "rotation-00000000000000ab-ffffffffffffffff-1700000000-x",
            "rotation-00000000000000ab-ffffffffffffffff-01700000000",
            "rotation-00000000000000ab-ffffffffffffffff-+1700000000",
            "rotation-00000000000000ab-ffffffffffffffff--1",
            "rotation-00000000000000ab-ffffffffffffffff-1700000000 ",
            " rotation-00000000000000ab-ffffffffffffffff-1700000000",
            "rotation-00000000000000AB-ffffffffffffffff-1700000000",
            "rotation-ab-ffffffffffffffff-1700000000",
            "rotation-0000000000000000ab-ffffffffffffffff-1700000000",
            "Rotation-00000000000000ab-ffffffffffffffff-1700000000",
            "rotation-00000000000000ab-ffffffffffffffff-99999999999999999999999",
            "rotation-00000000000000ab-ffffffffffffffff-18446744073709551615",
        ] {
            assert_eq!(Label::parse(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn what_a_provider_made_of_a_label_resembles_one() {
        let capitals = TEXT.to_uppercase();
        let (other_separators, longer) = (TEXT.replace('-', "_"), format!(" {TEXT} (copy)"));
        for changed in [
            TEXT,
            &TEXT[..40],
            &TEXT[..17],
            &capitals,
            &other_separators,
            &longer,
        ] {
            assert!(Label::resembles(changed), "{changed:?}");
        }
        for named_by_a_person in [
            "",
            "ci",
            "rotation",
            "rotations",
            "rotation-",
            "rotation-1",
            "Rotation 2026",
            "rotation_bee",
            "rotation-feed",
            "rotation-of-the-crew",
            "my rotation-00ab",
        ] {
            assert!(!Label::resembles(named_by_a_person), "{named_by_a_person:?}");
        }
    }

    #[test]
    fn a_deadline_is_rounded_up() {
        let mut label = Label::parse(TEXT).unwrap();
        label.deadline += Duration::from_millis(1);
        assert!(label.to_string().ends_with("-1700000001"));
    }

    #[test]
    fn hashes_are_pinned_and_apart() {
        // Keys made by an older build must stay recognisable: a change here is a breaking one.
        assert_eq!(Hash::of_secret("a").to_string(), "ac64234ad256986f");
        assert_eq!(Hash::of_token("a").to_string(), "c80b06bb11c27fce");
    }
}
