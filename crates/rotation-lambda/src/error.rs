//! Why a function could not start.

use std::fmt;

/// Why a function could not start or go on: what `main` returns.
///
/// Made from any error by `?`. `Display` and `Debug` are the same, the error's message and those of
/// its causes, because `main` prints `Debug`.
pub struct Error(Box<dyn std::error::Error + Send + Sync>);

impl Error {
    /// An error with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into().into())
    }

    pub(crate) fn from_box(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self(error)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// For a `main` of your own that returns the runtime's error.
impl From<Error> for Box<dyn std::error::Error + Send + Sync> {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rotation_core::chain(self.0.as_ref()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
