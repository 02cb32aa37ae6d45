//! What goes wrong at one effect, and what its caller sees.

use std::fmt;

/// What goes wrong at one effect.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Fault {
    /// The process dies before the effect: nothing is applied, nobody is told.
    CrashBefore,
    /// The process dies right after the effect: it is applied, nobody is told.
    CrashAfter,
    /// The request is lost on its way: not applied, and the caller cannot know that.
    LoseRequest,
    /// The answer is lost on its way: applied, and the caller cannot know that.
    LoseResponse,
    /// The other side says to try again later: not applied, and the caller knows.
    Throttle,
    /// The other side says that it is not allowed: not applied, and the caller knows.
    Deny,
    /// The other side fails within: not applied, and the caller cannot know that.
    InternalError,
    /// A read is answered from the state of before the last write. Strikes reads only.
    Stale,
    /// No answer ever comes, and nothing is applied: the caller's own timer has to end it.
    Hang,
    /// No answer ever comes, and it is applied all the same: the caller's own timer has to end it.
    HangAfter,
    /// The other side refuses the request itself: not applied, and the caller knows.
    Refuse,
}

impl Fault {
    /// Every kind, for tests that try each.
    pub const ALL: [Self; 11] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LoseRequest,
        Self::LoseResponse,
        Self::Throttle,
        Self::Deny,
        Self::InternalError,
        Self::Stale,
        Self::Hang,
        Self::HangAfter,
        Self::Refuse,
    ];

    /// Whether this can strike an effect of this name: only reads of Secrets Manager can be stale.
    #[must_use]
    pub fn can_strike(self, effect: &str) -> bool {
        self != Self::Stale || matches!(effect, "DescribeSecret" | "GetSecretValue")
    }
}

impl fmt::Display for Fault {
    /// What it means for the effect that it strikes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CrashBefore => "the process dies before it",
            Self::CrashAfter => "it is done, and the process dies",
            Self::LoseRequest => "the request is lost",
            Self::LoseResponse => "it is done, and the answer is lost",
            Self::Throttle => "refused: throttled",
            Self::Deny => "refused: not allowed",
            Self::InternalError => "the other side fails; not done",
            Self::Stale => "answered from before the last write",
            Self::Hang => "no answer ever comes; not done",
            Self::HangAfter => "it is done, and no answer ever comes",
            Self::Refuse => "refused for good",
        })
    }
}

/// One effect that was passed: a request to Secrets Manager, or to a target.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Passage {
    /// Its running number, from 1.
    pub number: usize,
    /// Its name: an action of Secrets Manager, or a target's own, such as `POST /keys`.
    pub name: String,
    /// The fault that struck it.
    pub fault: Option<Fault>,
}

impl Passage {
    /// Whether it is a request to a target, or a call of a backend, and not a call of Secrets Manager.
    #[must_use]
    pub fn reaches_target(&self) -> bool {
        let actions = [
            "DescribeSecret",
            "GetSecretValue",
            "PutSecretValue",
            "UpdateSecretVersionStage",
        ];
        !actions.contains(&self.name.as_str())
    }
}

/// How an effect failed, as its caller sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Interruption {
    /// No answer: whether it was applied is not known to the caller.
    NoAnswer,
    /// An answer that says to try again later.
    Throttled,
    /// An answer that says that it is not allowed.
    Denied,
    /// An answer that says that the other side failed.
    InternalError,
    /// An answer that refuses the request itself.
    Refused,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "no answer",
            Self::Throttled => "throttled",
            Self::Denied => "not allowed",
            Self::InternalError => "internal error",
            Self::Refused => "refused",
        })
    }
}

impl std::error::Error for Interruption {}
