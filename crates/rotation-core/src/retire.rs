//! Why a credential is to stop working, and what became of it.

use std::borrow::Cow;
use std::fmt;

/// Why a credential is to stop working.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retire {
    /// createSecret: it is about to lose its last label, after which nobody knows of it. It had a
    /// whole interval of grace.
    FallingOff,
    /// finishSecret, with [`Grace::None`](crate::Grace::None): it was current until just now. Labels
    /// of an operator's own do not keep it: it may have leaked.
    Superseded,
    /// createSecret: it was made just now and could not be stored.
    NotStored,
    /// setSecret, testSecret: the target will never take it, and nothing was applied.
    Rejected,
}

impl Retire {
    /// The reason in words, for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FallingOff => "falling off its last label",
            Self::Superseded => "superseded, with no grace",
            Self::NotStored => "made and not stored",
            Self::Rejected => "rejected by the target",
        }
    }
}

/// What became of a credential that was to be retired.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retirement {
    /// It worked, and does no more.
    Retired,
    /// It was gone already.
    AlreadyGone,
    /// It was kept on purpose: why, in words that are safe to print.
    Kept(Cow<'static, str>),
}

impl Retirement {
    /// It was kept on purpose, because of `why`.
    pub fn kept(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Kept(why.into())
    }
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retired => f.write_str("retired"),
            Self::AlreadyGone => f.write_str("already gone"),
            Self::Kept(why) => write!(f, "kept: {why}"),
        }
    }
}
