//! Where the tool prints and asks.

use std::fmt;
use std::io::{self, BufRead, Write};

use crate::words::printable;

/// Where a command prints its result and its progress, and whom it asks.
///
/// Results go to `out`: one text, or one JSON object. Progress and questions go to `err`.
pub struct Console<'a> {
    out: &'a mut (dyn Write + Send + Sync),
    err: &'a mut (dyn Write + Send + Sync),
    input: Option<&'a mut (dyn BufRead + Send + Sync)>,
}

impl<'a> Console<'a> {
    /// A console with nobody to ask: whatever has to be confirmed needs `--yes`.
    pub fn new(out: &'a mut (dyn Write + Send + Sync), err: &'a mut (dyn Write + Send + Sync)) -> Self {
        Self {
            out,
            err,
            input: None,
        }
    }

    /// Somebody answers there, a line for each question.
    #[must_use]
    pub fn answered_by(mut self, input: &'a mut (dyn BufRead + Send + Sync)) -> Self {
        self.input = Some(input);
        self
    }

    pub(crate) fn can_ask(&self) -> bool {
        self.input.is_some()
    }

    /// A result. What others chose in it is stripped of what a terminal would act on.
    pub(crate) fn result(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{}", printable(&text.to_string()).trim_end())?;
        self.out.flush()
    }

    /// Progress. Whoever does not read it does not stop a command.
    pub(crate) fn say(&mut self, text: impl fmt::Display) {
        _ = writeln!(self.err, "{}", printable(&text.to_string()).trim_end()).and_then(|()| self.err.flush());
    }

    /// Asks; anything but `y` and `yes` is a no.
    pub(crate) fn ask(&mut self, question: &str) -> bool {
        let Some(input) = self.input.as_mut() else {
            return false;
        };
        _ = write!(self.err, "{question} [y/N] ").and_then(|()| self.err.flush());
        let mut answer = String::new();
        _ = input.read_line(&mut answer);
        matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
    }
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("can_ask", &self.can_ask())
            .finish_non_exhaustive()
    }
}
