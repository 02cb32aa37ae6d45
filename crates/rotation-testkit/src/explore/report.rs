//! What an exploration found, to be printed and asserted on.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rotation_core::{Grace, Step};
use rotation_simulator::Fault;

use super::gap::Gap;
use super::invariant::Invariant;
use super::plan::Plan;
use super::run::{Ended, Setting};
use super::trace::Trace;

/// How often each kind of fault struck in each step.
type Struck = BTreeMap<(Step, Fault), usize>;

/// What an exploration found. `Display` is for people; [`assert_holds`](Self::assert_holds) is for tests.
#[derive(Debug, Default)]
pub struct Report {
    histories: usize,
    distinct: usize,
    took: Duration,
    grace: Option<Grace>,
    levels: Vec<Level>,
    random: usize,
    struck: Struck,
    /// The kinds of fault that were left out.
    left_out: Vec<Fault>,
    /// The steps that have effects to strike, and whether one is a read of Secrets Manager.
    steps: BTreeMap<Step, bool>,
    /// How often, and the first by number, with that.
    gaps: BTreeMap<Gap, Shown>,
    without_logs: usize,
    /// Whether an undisturbed rotation had an effect that is not a call of Secrets Manager.
    at_target: Option<bool>,
    violation: Option<Violation>,
}

#[derive(Debug)]
struct Shown {
    count: usize,
    number: usize,
    history: String,
}

#[derive(Debug)]
struct Level {
    faults: usize,
    planned: usize,
    explored: usize,
}

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
    setting: String,
}

impl Report {
    pub(super) fn add(&mut self, number: usize, plan: &Plan, ended: &Ended) {
        self.histories += 1;
        self.without_logs += usize::from(!ended.logs);
        for struck in ended.trace.struck() {
            *self.struck.entry(struck).or_default() += 1;
        }
        if let Some(gap) = ended.gap {
            let shown = self.gaps.entry(gap).or_insert_with(|| Shown {
                count: 0,
                number: usize::MAX,
                history: String::new(),
            });
            shown.count += 1;
            if number < shown.number {
                shown.number = number;
                shown.history = format!("{}replay: \"{plan}\"", ended.trace);
            }
        }
    }

    pub(super) fn level(&mut self, faults: usize, planned: usize, explored: usize) {
        self.levels.push(Level {
            faults,
            planned,
            explored,
        });
    }

    pub(super) fn random(&mut self, histories: usize) {
        self.random = histories;
    }

    pub(super) fn undisturbed(&mut self, trace: &Trace) {
        self.steps = trace.steps();
        self.at_target = Some(trace.reaches_a_target());
    }

    pub(super) fn violated(&mut self, plan: &Plan, ended: Ended, setting: Setting) {
        let grace = match setting.grace {
            Grace::None => ".grace(Grace::None)",
            _ => "",
        };
        let first = if setting.first { ".first_rotation()" } else { "" };
        if let Some(broken) = ended.broken {
            self.violation = Some(Violation {
                invariant: broken.invariant,
                what: broken.what,
                replay: plan.to_string(),
                history: ended.trace.to_string(),
                setting: format!("{grace}{first}"),
            });
        }
    }

    pub(super) fn left_out(&mut self, faults: Vec<Fault>) {
        self.left_out = faults;
    }

    pub(super) fn end(&mut self, distinct: usize, took: Duration, setting: Setting) {
        (self.distinct, self.took, self.grace) = (distinct, took, Some(setting.grace));
    }

    /// How many histories were carried out.
    #[must_use]
    pub fn histories(&self) -> usize {
        self.histories
    }

    /// How many of them were distinct: by all that happened in them, effect by effect.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.distinct
    }

    /// The violation, if there was one.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// In how many histories this gap of the service's API showed.
    #[must_use]
    pub fn gap(&self, gap: Gap) -> usize {
        self.gaps.get(&gap).map_or(0, |shown| shown.count)
    }

    /// The first history in which this gap showed, step by step.
    #[must_use]
    pub fn gap_history(&self, gap: Gap) -> Option<&str> {
        self.gaps.get(&gap).map(|shown| shown.history.as_str())
    }

    /// The kinds of fault that never struck in a step that has effects to strike, those apart that were
    /// [left out](super::Explorer::without). Empty after a run that was not cut short.
    fn never_struck(&self) -> Vec<(Step, Fault)> {
        let steps = self.steps.iter();
        let all = steps.flat_map(|(step, reads)| {
            let kinds = Fault::ALL
                .into_iter()
                .filter(move |fault| *reads || *fault != Fault::Stale)
                .filter(|fault| !self.left_out.contains(fault));
            kinds.map(move |fault| (*step, fault))
        });
        all.filter(|key| !self.struck.contains_key(key)).collect()
    }

    /// Fails a test whose backend broke a promise, or whose exploration was empty.
    ///
    /// # Panics
    ///
    /// With the report as the message, if there is a violation, if no request to the target could be struck,
    /// or if faults were asked for and a kind of them never struck in some step.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_holds(&self) {
        if self.at_target == Some(false) {
            panic!(
                "{self}\nno effect of the target's passed Simulator::faults; hand them to the double, or stage it \
                 without with_wire_faults"
            );
        }
        if self.violation.is_some() {
            panic!("{self}");
        }
        let missed = self.never_struck();
        let asked = self.levels.iter().any(|level| level.faults > 0);
        if asked && !missed.is_empty() {
            panic!("{self}\nno history had these faults in these steps; raise Explorer::at_most: {missed:?}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.histories as f64 / seconds.max(0.001);
        writeln!(
            f,
            "{} histories, {} distinct, in {seconds:.1} s ({rate:.0}/s)",
            self.histories, self.distinct
        )?;
        for level in &self.levels {
            let share = match level.planned == level.explored {
                true => "",
                false if self.violation.is_some() => ", up to the violation",
                false => ", a share of them",
            };
            let (faults, planned, explored) = (level.faults, level.planned, level.explored);
            writeln!(f, "  with {faults} faults: {explored} of {planned}{share}")?;
        }
        if self.random > 0 {
            writeln!(f, "  with 3 to 6 faults, drawn: {}", self.random)?;
        }
        let struck: usize = self.struck.values().sum();
        let kinds = self.struck.len();
        writeln!(f, "  {struck} faults struck, of {kinds} pairs of step and kind")?;
        if !self.left_out.is_empty() {
            writeln!(f, "  left out: {:?}", self.left_out)?;
        }
        for (gap, Shown { count, .. }) in &self.gaps {
            writeln!(f, "  {count} times, and no client can help it: {gap}")?;
        }
        if self.without_logs > 0 {
            let why = "the process has a tracing subscriber of its own";
            writeln!(f, "  log lines were not looked at: {why}")?;
        }
        match &self.violation {
            Some(violation) => write!(f, "{violation}"),
            None => write!(f, "  every invariant held"),
        }
    }
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
        write!(f, "\nSee it again: explorer{setting}.replay(\"{replay}\")")
    }
}
