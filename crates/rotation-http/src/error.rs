//! What is wrong with a description, found when it is built.

use std::borrow::Cow;
use std::fmt;

/// A part of a provider's description that cannot work, found before anything is sent.
///
/// `Display` names the part and says what to do; it quotes names and templates of the description,
/// and no values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProviderError {
    part: Cow<'static, str>,
    problem: Cow<'static, str>,
}

impl ProviderError {
    pub(crate) fn new(part: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            part: part.into(),
            problem: problem.into(),
        }
    }

    /// The same problem, of a part of this larger part.
    pub(crate) fn within(self, whole: &str) -> Self {
        Self {
            part: format!("{whole}: {}", self.part).into(),
            ..self
        }
    }

    /// The part of the description: `create: path`, `revoke`, `allowed hosts`.
    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.problem)
    }
}

impl std::error::Error for ProviderError {}
