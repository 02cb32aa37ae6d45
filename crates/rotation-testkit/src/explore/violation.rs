//! A history in which an invariant does not hold.

use std::fmt;

use super::invariant::Invariant;

/// The shortest history that was found in which an invariant does not hold.
#[derive(Debug)]
#[non_exhaustive]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
    /// What [`Explorer::replay`](super::Explorer::replay) takes.
    pub replay: String,
    /// What happened, step by step.
    pub history: String,
    /// What the explorer was told before.
    pub(super) setting: String,
    /// What a longer history was drawn from.
    pub(super) seed: Option<u64>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nBROKEN: {}", self.invariant)?;
        writeln!(f, "{}\n", self.what)?;
        writeln!(
            f,
            "The shortest history that was found (A is the service's own invocation):"
        )?;
        write!(f, "{}", self.history)?;
        let (setting, replay) = (&self.setting, &self.replay);
        write!(f, "\nSee it again: explorer{setting}.replay(\"{replay}\")")?;
        match self.seed {
            Some(seed) => write!(f, ", made shorter from what the seed {seed} drew"),
            None => Ok(()),
        }
    }
}
