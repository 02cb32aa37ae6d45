//! Who asks, and what.

use std::time::SystemTime;

use super::{ApiError, Model};

/// Who calls. The service tells the rotation function's writes from everybody else's.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Principal {
    /// The role of the rotation function.
    RotationFunction,
    /// Anybody else: a person, a deployment.
    Operator,
}

impl Principal {
    /// The principal as the name of a role.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RotationFunction => "rotation-function",
            Self::Operator => "operator",
        }
    }

    /// The principal in a log.
    pub(super) fn short(self) -> &'static str {
        match self {
            Self::RotationFunction => "function",
            Self::Operator => "operator",
        }
    }
}

/// The version and the labels that a request names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The version that is read or written; of UpdateSecretVersionStage the one that the label moves
    /// to.
    pub version: Option<&'a str>,
    /// Of UpdateSecretVersionStage: the version that must have the label, which is what makes it a
    /// compare-and-swap.
    pub remove_from: Option<&'a str>,
    /// The label.
    pub stage: Option<&'a str>,
}

/// A request to Secrets Manager: one type per action, with the action's own answer.
///
/// Implemented by the request types of this module, and by no others.
pub trait Request: Sized {
    /// What a successful call answers.
    type Response;

    /// The action's name.
    const ACTION: &'static str;

    /// Whether it changes something.
    const WRITES: bool;

    /// The ARN or name that it is about; `*` for an action that is about no one secret.
    fn secret_id(&self) -> &str;

    /// The versions and the label that it names, for the log of calls.
    fn asked(&self) -> Asked<'_> {
        Asked::default()
    }

    /// The service's side of it.
    #[doc(hidden)]
    #[allow(clippy::missing_errors_doc, reason = "Model::handle says it")]
    fn apply(self, model: &mut Model, caller: Caller) -> Result<Self::Response, ApiError>;
}

/// Who calls, when, and which state they see.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub(super) principal: Principal,
    pub(super) now: SystemTime,
    pub(super) stale: bool,
}
