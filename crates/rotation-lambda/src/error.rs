//! Why a function could not start.

use std::fmt;

/// What an error is kept as.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a function could not start or go on: what `main` returns.
///
/// A `?` makes one from any error, from a message (`String` or `&str`), and from the runtime's
/// `lambda_runtime::Error`, which is a boxed error:
///
/// ```
/// # fn backend() -> Result<(), Box<dyn std::error::Error + Send + Sync>> { Ok(()) }
/// fn main() -> Result<(), rotation_lambda::Error> {
///     let retries: u32 = "3".parse()?;
///     (retries < 10).then_some(()).ok_or("RETRIES must be below 10")?;
///     backend()?;
///     Ok(())
/// }
/// ```
///
/// The other way, a `?` makes a boxed error of it, for a `main` that returns one.
///
/// `Display` and `Debug` are the same, the error's message and those of its causes, because `main`
/// prints `Debug`.
///
/// It is `Send` and not `Sync`. To share it between threads, make a boxed error of it.
pub struct Error {
    cause: Cause,
    _apart: NotSync,
}

impl Error {
    /// An error with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::from(message.into())
    }
}

/// From any error, from `String`, `&str` and `Cow<str>`, and from a boxed error.
impl<E: Into<Cause> + Sync> From<E> for Error {
    fn from(error: E) -> Self {
        Self {
            cause: error.into(),
            _apart: NotSync::Always,
        }
    }
}

/// For a `main` of your own that returns the runtime's error.
impl From<Error> for Box<dyn std::error::Error + Send + Sync> {
    fn from(error: Error) -> Self {
        error.cause
    }
}

/// For a `main` of your own that returns any error.
impl From<Error> for Box<dyn std::error::Error> {
    fn from(error: Error) -> Self {
        error.cause
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rotation_core::chain(self.cause.as_ref()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Keeps [`Error`] from being `Sync`.
///
/// `Error` is made from all that becomes a boxed error, and it becomes a boxed error itself. So the
/// compiler would find two ways to make an `Error` from an `Error`: that one, and the one that the
/// standard library has for every type. Only what is `Sync` is taken, and `Error` is not, so there is
/// one way. A marker from the standard library does not do, because the compiler allows that such a
/// type becomes `Sync` in a later version. It is sure of a trait of this crate.
enum NotSync {
    Always,
    #[allow(dead_code, reason = "its type is what counts; no value is made")]
    Never(&'static mut dyn Apart),
}

/// What is `Send` and not `Sync`.
trait Apart: Send {}
