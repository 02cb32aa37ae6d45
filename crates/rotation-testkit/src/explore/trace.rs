//! What happened in a history, in words.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use rotation_core::Step;
use rotation_simulator::model::RotationEventName;
use rotation_simulator::{Fault, Passage};

use super::levels::Effect;

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
        passage: Passage,
    },
    /// An invocation ended. Two failures that read differently are two histories.
    Ends { actor: char, step: Step, how: String },
    /// Something else.
    Happens(&'static str),
    /// What the service noted about the rotation.
    Notes(RotationEventName),
}

/// The history so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(pub(super) Vec<Entry>);

impl Trace {
    pub(super) fn push(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    /// Takes secrets out of what was said.
    pub(super) fn hide(&mut self, hidden: impl Fn(&str) -> String) {
        for entry in &mut self.0 {
            if let Entry::Ends { how, .. } = entry {
                *how = hidden(how);
            }
        }
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
                Entry::Effect { step, passage, .. } if *step == wanted => Some(passage.name.clone()),
                _ => None,
            });
            effects.collect()
        };
        Step::ALL.map(of).to_vec()
    }

    /// The effects of whoever took part, in order: what a fault may strike.
    pub(super) fn effects(&self) -> Vec<Effect> {
        let (mut effects, mut counts) = (Vec::new(), BTreeMap::new());
        for entry in &self.0 {
            match entry {
                Entry::Begins { actor, .. } => counts.retain(|(of, _), _| of != actor),
                Entry::Effect { actor, step, passage } => {
                    let count = counts.entry((*actor, passage.name.as_str())).or_insert(0);
                    *count += 1;
                    effects.push(Effect {
                        step: *step,
                        name: passage.name.as_str().into(),
                        nth: *count,
                    });
                }
                _ => {}
            }
        }
        effects
    }

    /// The steps that had effects, and whether one was a read of Secrets Manager.
    pub(super) fn steps(&self) -> BTreeMap<Step, bool> {
        let mut steps = BTreeMap::new();
        for entry in &self.0 {
            if let Entry::Effect { step, passage, .. } = entry {
                *steps.entry(*step).or_default() |= Fault::Stale.can_strike(&passage.name);
            }
        }
        steps
    }

    /// Whether an effect was a request to a target, or a call of the backend.
    pub(super) fn reaches_a_target(&self) -> bool {
        let mut effects = self.0.iter();
        effects.any(|entry| matches!(entry, Entry::Effect { passage, .. } if passage.reaches_target()))
    }

    /// The faults that struck, with the step that each struck.
    pub(super) fn struck(&self) -> impl Iterator<Item = (Step, Fault)> {
        self.0.iter().filter_map(|entry| match entry {
            Entry::Effect { step, passage, .. } => Some((*step, passage.fault?)),
            _ => None,
        })
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
            if let Entry::Effect { passage, .. } = entry {
                match passage.fault {
                    None => well.push(&passage.name),
                    Some(fault) => {
                        write_effects(f, &mut well)?;
                        let (number, name) = (passage.number, &passage.name);
                        writeln!(f, "       {number:>3}  {name:<26} <- {fault}")?;
                    }
                }
                continue;
            }
            write_effects(f, &mut well)?;
            match entry {
                Entry::Begins { actor, step, which } => writeln!(f, "  {actor}  {step}{which}")?,
                Entry::Ends { actor, step, how } => writeln!(f, "  {actor}  {step} {how}")?,
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
