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

    /// The ARN or name that it is about.
    fn secret_id(&self) -> &str;

    /// The version and the label that it names, for the log of calls.
    fn asked(&self) -> (Option<&str>, Option<&str>) {
        (None, None)
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
