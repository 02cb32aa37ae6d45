//! What is printed, and how.

use std::io::{self, Write};
use std::time::Duration;

use rotation_testkit::{StepResult, StepRun};

use crate::scenario::KeyState;

/// Where lines go, in colour or not.
pub(crate) struct Paper<W> {
    out: W,
    colour: bool,
}

/// How a word looks on a terminal.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Heading,
    Good,
    Bad,
}

impl<W: Write> Paper<W> {
    pub(crate) fn new(out: W, colour: bool) -> Self {
        Self { out, colour }
    }

    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        let heading = self.tint(Tone::Heading, text);
        writeln!(self.out, "\n{heading}")
    }

    pub(crate) fn tint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Bad => "1;31",
        };
        match self.colour {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    /// One step, with its duration and what came of it.
    pub(crate) fn step(&mut self, run: &StepRun) -> io::Result<()> {
        let step = run.invocation.event.step();
        let took = milliseconds(run.duration);
        let outcome = match &run.result {
            StepResult::Done(report) => self.tint(Tone::Good, &report.outcome.as_str().replace('_', " ")),
            StepResult::Failed(error) => self.tint(Tone::Bad, &format!("failed: {error}")),
            StepResult::Crashed => self.tint(
                Tone::Bad,
                "died between \"the provider made the key\" and \"the value is stored\"",
            ),
            _ => self.tint(Tone::Bad, "cut off"),
        };
        self.line(&format!("\n  {step:<13} {took:>9}   {outcome}"))
    }

    /// The keys that the step made and revoked.
    pub(crate) fn provider<'k>(
        &mut self,
        made: impl Iterator<Item = &'k String>,
        revoked: impl Iterator<Item = &'k String>,
    ) -> io::Result<()> {
        let made = made.map(|id| format!("made {id}"));
        let done: Vec<_> = revoked.map(|id| format!("revoked {id}")).chain(made).collect();
        match done.is_empty() {
            true => Ok(()),
            false => self.line(&format!("      at the provider: {}", done.join(", "))),
        }
    }

    /// The labels, the keys, and whether `AWSCURRENT` works.
    pub(crate) fn state(&mut self, labels: &str, keys: &[KeyState], current_works: bool) -> io::Result<()> {
        for row in labels.lines() {
            self.line(&format!("      {row}"))?;
        }
        let keys: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
        self.line(&format!("      keys alive: {}", keys.join(", ")))?;
        let works = match current_works {
            true => self.tint(Tone::Good, "works"),
            false => self.tint(Tone::Bad, "DOES NOT WORK"),
        };
        self.line(&format!("      AWSCURRENT: {works}"))
    }

    fn key(&self, key: &KeyState) -> String {
        match key.labels.as_slice() {
            [] => self.tint(Tone::Bad, &format!("{} (nobody knows of it)", key.id)),
            labels => format!("{} ({})", key.id, labels.join(", ")),
        }
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
