//! Who calls.

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
    pub(crate) fn as_str(self) -> &'static str {
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
