//! How a command ends.

use std::io;
use std::process::ExitCode;

use rotation_core::RandomUnavailable;
use serde_json::{Value, json};

use crate::service::ServiceError;

/// How the tool ended: its exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Exit {
    /// 0: it was done, or all is in order.
    Done = 0,
    /// 1: a call failed or had no answer, or the tool is not set up; the message says which.
    Failed = 1,
    /// 2: wrong arguments.
    Usage = 2,
    /// 3: somebody has to act: `status` found a state that may not come right by itself, `check` a
    /// fault, a rotation did not come to its end, or the state of the secret does not allow what was
    /// asked, and nothing was changed.
    Attention = 3,
    /// 4: it was started, and not finished within `--timeout`.
    Unfinished = 4,
    /// 5: it was not confirmed, and nothing was changed.
    NotConfirmed = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked. Safe to print.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Service(#[from] ServiceError),
    #[error("{0}")]
    Random(#[from] RandomUnavailable),
    /// The state of the secret, or the proof, does not allow it; nothing was changed.
    #[error("{0}; nothing was changed")]
    Refused(String),
    /// Some of it was done.
    #[error("{done}, but then: {source}; {remedy}")]
    Halfway {
        done: String,
        source: ServiceError,
        remedy: String,
    },
    /// The steps that were done in this process did not all pass.
    #[error("{0}")]
    Step(String),
    #[error("{0}; nothing was changed")]
    NotConfirmed(&'static str),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_)
            | Self::Service(_)
            | Self::Random(_)
            | Self::Halfway { .. }
            | Self::Output(_) => Exit::Failed,
            Self::Refused(_) | Self::Step(_) => Exit::Attention,
            Self::NotConfirmed(_) => Exit::NotConfirmed,
        }
    }

    /// The same without a word on what was changed.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Refused(why) => why.clone(),
            other => other.to_string(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "configuration",
            Self::Service(_) => "service",
            Self::Random(_) => "random",
            Self::Refused(_) => "refused",
            Self::Halfway { .. } => "halfway",
            Self::Step(_) => "step",
            Self::NotConfirmed(_) => "not_confirmed",
            Self::Output(_) => "output",
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {"kind": self.kind(), "message": self.to_string()}})
    }
}
