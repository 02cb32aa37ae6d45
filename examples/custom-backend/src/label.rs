//! What stands in `created_by` of every key that is made here.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rotation_core::StepContext;
use sha2::{Digest, Sha256};

/// Which secret a key was made for, in which rotation, and until when its maker may still store it.
///
/// As text `rotation DEADLINE SECRET TOKEN`: seconds since 1970, 16 hex digits of the hash of the secret's
/// ARN, the client request token. At most 104 characters; Forge takes 128.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Label {
    pub(crate) deadline: u64,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// What an operator writes into `created_by` of the first key, which is made by hand: a rotation may end it.
pub(crate) const BY_HAND: &str = "rotation";

impl Label {
    /// For what this call makes.
    pub(crate) fn of(ctx: &StepContext<'_>) -> Self {
        let deadline = ctx.wall_deadline().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            // Rounded up: a maker has at least the time that its label says.
            deadline: deadline.as_secs() + 1,
            secret: hash(ctx.secret_arn()),
            token: ctx.version().to_owned(),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        let ours = parts.next()? == BY_HAND;
        let label = Self {
            deadline: parts.next()?.parse().ok()?,
            secret: parts.next()?.to_owned(),
            token: parts.next()?.to_owned(),
        };
        (ours && label.to_string() == text).then_some(label)
    }

    /// Whether the maker's time was up at this time, with a margin for clocks that differ and for a last
    /// request under way.
    pub(crate) fn is_over(&self, as_of: SystemTime) -> bool {
        let until = Duration::from_secs(self.deadline).saturating_add(MARGIN);
        as_of.duration_since(UNIX_EPOCH).is_ok_and(|now| until < now)
    }
}

const MARGIN: Duration = Duration::from_secs(60);

/// The first 64 bits of SHA-256: an ARN is too long for `created_by`.
pub(crate) fn hash(arn: &str) -> String {
    let hash = Sha256::digest(arn);
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BY_HAND} {} {} {}", self.deadline, self.secret, self.token)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    const TEXT: &str = "rotation 1700000000 00000000000000ab a token with | and blanks, 32 long";

    #[test]
    fn a_label_survives_a_round_trip() {
        let label = Label::parse(TEXT).unwrap();
        assert_eq!(label.to_string(), TEXT);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(!label.is_over(at(1_700_000_060)) && label.is_over(at(1_700_000_061)));
    }

    #[test]
    fn what_is_not_exactly_ours_is_not_read() {
        for foreign in [
            "",
            "rotation",
            "by hand",
            "rotation x ab token",
            "rotation 017 ab token",
            "rotation 17 ab",
        ] {
            assert_eq!(Label::parse(foreign), None, "{foreign}");
        }
        // Keys made by an older build must stay recognisable.
        assert_eq!(hash("a"), "ca978112ca1bbdca");
    }
}
