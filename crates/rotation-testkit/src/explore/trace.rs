//! What happened in a history, in words.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use rotation_core::Step;

use crate::faults::is_secrets_manager;
use crate::model::RotationEventName;
use crate::{Fault, StepResult};

/// One thing that happened.
#[derive(Clone, Debug, Hash)]
pub(super) enum Entry {
    /// An invocation began.
    Begins {
        actor: char,
        step: Step,
        which: &'static str,
    },
    /// An effect was passed.
    Effect {
        actor: char,
        step: Step,
        number: usize,
        name: String,
        fault: Option<Fault>,
    },
    /// An invocation ended.
    Ends { actor: char, step: Step, how: How },
    /// Something else.
    Happens(&'static str),
    /// What the service noted about the rotation.
    Notes(RotationEventName),
}

/// How an invocation ended. Two failures that read differently are two histories.
#[derive(Clone, Debug, Hash)]
pub(super) enum How {
    Done(&'static str),
    Failed(String),
    Crashed,
    TimedOut,
}

impl From<&StepResult> for How {
    fn from(result: &StepResult) -> Self {
        match result {
            StepResult::Done(report) => Self::Done(report.outcome.as_str()),
            StepResult::Failed(error) => Self::Failed(error.kind().to_string()),
            StepResult::Crashed => Self::Crashed,
            StepResult::TimedOut => Self::TimedOut,
        }
    }
}

/// The history so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(pub(super) Vec<Entry>);

impl Trace {
    pub(super) fn push(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    /// The same for two histories in which the same happened.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// The names of the effects of A, step by step: of a rotation that nothing disturbs. One that fails all the
    /// same, as where a superseded credential cannot be told, counts without its replays.
    pub(super) fn effects_by_step(&self) -> Vec<Vec<String>> {
        let replayed = |entry: &Entry| matches!(entry, Entry::Begins { which, .. } if !which.is_empty());
        let end = self.0.iter().position(replayed).unwrap_or(self.0.len());
        let of = |wanted: Step| {
            let effects = self.0.iter().take(end).filter_map(|entry| match entry {
                Entry::Effect { step, name, .. } if *step == wanted => Some(name.clone()),
                _ => None,
            });
            effects.collect()
        };
        Step::ALL.map(of).to_vec()
    }

    /// The steps that had effects, and whether one was a read of Secrets Manager.
    pub(super) fn steps(&self) -> BTreeMap<Step, bool> {
        let mut steps = BTreeMap::new();
        for entry in &self.0 {
            if let Entry::Effect { step, name, .. } = entry {
                *steps.entry(*step).or_default() |= Fault::Stale.can_strike(name);
            }
        }
        steps
    }

    /// Whether an effect was a request to a target, or a call of the backend.
    pub(super) fn reaches_a_target(&self) -> bool {
        let mut effects = self.0.iter();
        effects.any(|entry| matches!(entry, Entry::Effect { name, .. } if !is_secrets_manager(name)))
    }

    /// The faults that struck, with the step that each struck.
    pub(super) fn struck(&self) -> impl Iterator<Item = (Step, Fault)> {
        self.0.iter().filter_map(|entry| match entry {
            Entry::Effect {
                step,
                fault: Some(fault),
                ..
            } => Some((*step, *fault)),
            _ => None,
        })
    }
}

/// What a fault at an effect means.
fn in_words(fault: Fault) -> &'static str {
    match fault {
        Fault::CrashBefore => "the process dies before it",
        Fault::CrashAfter => "it is done, and the process dies",
        Fault::LoseRequest => "the request is lost",
        Fault::LoseResponse => "it is done, and the answer is lost",
        Fault::Throttle => "refused: throttled",
        Fault::Deny => "refused: not allowed",
        Fault::InternalError => "the other side fails; not done",
        Fault::Stale => "answered from before the last write",
        Fault::Hang => "no answer ever comes; not done",
        Fault::HangAfter => "it is done, and no answer ever comes",
        Fault::Refuse => "refused for good",
    }
}

impl fmt::Display for Trace {
    /// Try after try; replays in which the same happens stand there once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begins = |entry: &Entry| {
            let step = Step::CreateSecret;
            matches!(entry, Entry::Begins { actor: 'A', step: of, .. } if *of == step)
        };
        let parts = self.0.chunk_by(|_, next| !begins(next));
        let parts: Vec<_> = parts.map(|part| Part(part).to_string()).collect();
        for same in parts.chunk_by(|part, next| part == next) {
            f.write_str(same.first().map_or("", String::as_str))?;
            match same.len() {
                0 | 1 => {}
                2 => writeln!(f, "  -  the same once more")?,
                times => writeln!(f, "  -  the same {} times more", times - 1)?,
            }
        }
        Ok(())
    }
}

struct Part<'a>(&'a [Entry]);

impl fmt::Display for Part<'_> {
    /// One line for each thing; effects that went well stand in one line together.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut well: Vec<&str> = Vec::new();
        for entry in self.0 {
            if let Entry::Effect {
                name, fault: None, ..
            } = entry
            {
                well.push(name);
                continue;
            }
            write_effects(f, &mut well)?;
            match entry {
                Entry::Begins { actor, step, which } => writeln!(f, "  {actor}  {step}{which}")?,
                Entry::Effect {
                    number,
                    name,
                    fault: Some(fault),
                    ..
                } => writeln!(f, "       {number:>3}  {name:<26} <- {}", in_words(*fault))?,
                Entry::Ends { actor, step, how } => match how {
                    How::Done(outcome) => writeln!(f, "  {actor}  {step} returns: {outcome}")?,
                    How::Failed(why) => writeln!(f, "  {actor}  {step} fails: {why}")?,
                    How::Crashed => writeln!(f, "  {actor}  {step} is dead")?,
                    How::TimedOut => writeln!(f, "  {actor}  {step} is cut off by Lambda")?,
                },
                Entry::Happens(what) => writeln!(f, "  -  {what}")?,
                Entry::Notes(name) => writeln!(f, "  -  the service notes {name}")?,
                Entry::Effect { .. } => {}
            }
        }
        write_effects(f, &mut well)
    }
}

fn write_effects(f: &mut fmt::Formatter<'_>, names: &mut Vec<&str>) -> fmt::Result {
    if !names.is_empty() {
        writeln!(f, "            {}", names.join(", "))?;
        names.clear();
    }
    Ok(())
}
