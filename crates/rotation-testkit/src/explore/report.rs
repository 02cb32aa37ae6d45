//! What an exploration found, to be printed and asserted on.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rotation_core::{Grace, Step};
use rotation_simulator::Fault;

use super::gap::Gap;
use super::levels::Share;
use super::plan::Plan;
use super::run::{Ended, Setting};
use super::summary::Summary;
use super::twist::Can;
use super::violation::Violation;
use crate::subject::COARSE;

/// How often each kind of fault struck in each step.
type Struck = BTreeMap<(Step, Fault), usize>;

/// What an exploration found. `Display` is for people; [`assert_holds`](Self::assert_holds) is for tests.
#[derive(Debug, Default)]
pub struct Report {
    histories: usize,
    distinct: usize,
    took: Duration,
    levels: Vec<Level>,
    random: usize,
    struck: Struck,
    /// The kinds of fault that were left out, and whether overlaps were.
    left_out: Vec<Fault>,
    without_overlaps: bool,
    /// The steps that have effects to strike, and whether one is a read of Secrets Manager.
    steps: BTreeMap<Step, bool>,
    gaps: BTreeMap<Gap, Shown>,
    without_logs: usize,
    undisturbed: Option<Undisturbed>,
    violation: Option<Violation>,
    /// From which the history with the violation was drawn.
    seed: Option<u64>,
}

/// What a rotation that nothing disturbed told of the subject.
#[derive(Debug)]
struct Undisturbed {
    /// It had an effect that is not a call of Secrets Manager.
    at_target: bool,
    /// Faults strike around whole calls of the backend.
    coarse: bool,
    can: Can,
}

#[derive(Debug, Default)]
struct Shown {
    count: usize,
    /// How many the subject may have.
    allowed: usize,
    history: String,
}

#[derive(Debug)]
struct Level {
    faults: usize,
    whole: usize,
    counted: bool,
    planned: usize,
    explored: usize,
    kinds: usize,
    met: usize,
}

impl Report {
    pub(super) fn add(&mut self, history: &Summary) {
        self.histories += 1;
        self.without_logs += usize::from(!history.logs);
        for struck in &history.struck {
            *self.struck.entry(*struck).or_default() += 1;
        }
        for gap in &history.gaps {
            self.gaps.entry(*gap).or_default().count += 1;
        }
    }

    /// The first history with this gap, in words.
    pub(super) fn show(&mut self, gap: Gap, history: String) {
        let shown = self.gaps.entry(gap).or_default();
        if shown.history.is_empty() {
            shown.history = history;
        }
    }

    pub(super) fn allow(&mut self, allowed: impl Fn(Gap) -> usize) {
        for (gap, shown) in &mut self.gaps {
            shown.allowed = allowed(*gap);
        }
    }

    pub(super) fn level(&mut self, faults: usize, share: &Share, explored: usize) {
        self.levels.push(Level {
            faults,
            whole: share.whole,
            counted: share.counted,
            planned: share.plans.len(),
            explored,
            kinds: share.kinds,
            met: share.met,
        });
    }

    pub(super) fn random(&mut self, histories: usize) {
        self.random = histories;
    }

    pub(super) fn seed(&mut self, seed: Option<u64>) {
        self.seed = seed;
    }

    pub(super) fn undisturbed(&mut self, ended: &Ended) {
        self.steps = ended.trace.steps();
        self.undisturbed = Some(Undisturbed {
            // A rotation that broke something may not have come that far.
            at_target: ended.broken.is_some() || ended.trace.reaches_a_target(),
            coarse: ended.coarse,
            can: ended.can,
        });
    }

    pub(super) fn violated(&mut self, plan: &Plan, ended: Ended, setting: Setting) {
        let grace = match setting.grace {
            Grace::None => ".grace(Grace::None)",
            _ => "",
        };
        let first = if setting.first { ".first_rotation()" } else { "" };
        let replica = if setting.replica { ".with_replica()" } else { "" };
        if let Some(broken) = ended.broken {
            self.violation = Some(Violation {
                invariant: broken.invariant,
                what: broken.what,
                replay: plan.to_string(),
                history: ended.trace.to_string(),
                setting: format!("{grace}{first}{replica}"),
                seed: self.seed,
            });
        }
    }

    pub(super) fn left_out(&mut self, faults: Vec<Fault>, overlaps: bool) {
        (self.left_out, self.without_overlaps) = (faults, overlaps);
    }

    pub(super) fn end(&mut self, distinct: usize, took: Duration) {
        (self.distinct, self.took) = (distinct, took);
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

    /// Whether every history with so many faults was carried out.
    #[must_use]
    pub fn is_exhaustive(&self, faults: usize) -> bool {
        let mut levels = self.levels.iter();
        levels.any(|level| level.faults == faults && level.counted && level.explored == level.whole)
    }

    /// Whether each kind of history with so many faults was carried out: a step, an effect in it, a fault, a twist.
    #[must_use]
    pub fn has_each_kind(&self, faults: usize) -> bool {
        let mut levels = self.levels.iter();
        levels.any(|level| level.faults == faults && level.counted && level.met == level.kinds)
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
    /// With the report as the message, if there is a violation, if a gap showed more often than the subject
    /// [may have it](crate::Subject::gaps), if no request to the target could be struck, or if faults were asked for
    /// and a kind of them never struck in some step.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_holds(&self) {
        self.assert_unbroken();
        if let Some(problem) = self.uncovered() {
            panic!("{self}\n{problem}");
        }
    }

    /// The same for a run that is too short to meet each kind of fault in each step, as on a real server.
    ///
    /// # Panics
    ///
    /// With the report as the message, if there is a violation, if a gap showed more often than the subject
    /// [may have it](crate::Subject::gaps), or if no request to the target could be struck.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_unbroken(&self) {
        if let Some(setup) = self.setup() {
            panic!("{setup}");
        }
        if self.violation.is_some() {
            panic!("{self}");
        }
        if let Some(problem) = self.too_many_gaps() {
            panic!("{self}\n{problem}");
        }
    }

    /// What is wrong with the stage itself, the backend together with its double: then nothing was explored.
    #[must_use]
    pub fn setup(&self) -> Option<&'static str> {
        let what = "no effect of the target's passed Simulator::faults, so no fault could strike one, and nothing was \
                    explored. Hand the faults to the double; if it cannot take them, stage it with_faults_around_calls";
        self.undisturbed
            .as_ref()
            .is_some_and(|it| !it.at_target)
            .then_some(what)
    }

    fn too_many_gaps(&self) -> Option<String> {
        let mut gaps = self.gaps.iter();
        let (gap, shown) = gaps.find(|(_, shown)| shown.count > shown.allowed)?;
        let (count, allowed, history) = (shown.count, shown.allowed, &shown.history);
        Some(format!(
            "{gap:?} showed in {count} histories, and Subject::gaps allows {allowed}: {gap}. No client of Secrets \
             Manager can close it; but a backend that takes a lock, or compares before it changes, has fewer of them. The \
             first:\n{history}"
        ))
    }

    /// Which faults never struck in some step, though faults were asked for.
    fn uncovered(&self) -> Option<String> {
        let missed = self.never_struck();
        let kinds = self
            .levels
            .iter()
            .filter(|level| level.faults > 0)
            .map(|level| level.kinds)
            .max()?;
        (!missed.is_empty()).then(|| {
            format!(
                "no history had these faults in these steps; raise Explorer::at_most to {kinds}: {missed:?}"
            )
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(setup) = self.setup() {
            return f.write_str(setup);
        }
        let seconds = self.took.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.histories as f64 / seconds.max(0.001);
        writeln!(
            f,
            "{} histories, {} distinct, in {seconds:.1} s ({rate:.0}/s)",
            self.histories, self.distinct
        )?;
        for level in &self.levels {
            level.fmt(f, self.violation.is_some())?;
        }
        if self.random > 0 {
            writeln!(f, "  with 3 to 6 faults planned, drawn: {}", self.random)?;
        }
        let struck: usize = self.struck.values().sum();
        let kinds = self.struck.len();
        writeln!(f, "  {struck} faults struck, of {kinds} pairs of step and kind")?;
        if !self.left_out.is_empty() {
            writeln!(f, "  left out: {:?}", self.left_out)?;
        }
        if self.without_overlaps {
            writeln!(f, "  left out: overlaps of two invocations")?;
        }
        for (gap, Shown { count, allowed, .. }) in &self.gaps {
            let allowed = match *allowed {
                usize::MAX => "any number".to_owned(),
                allowed => allowed.to_string(),
            };
            writeln!(
                f,
                "  {count} times (allowed: {allowed}), and no client can help it: {gap}"
            )?;
        }
        self.fmt_unseen(f)?;
        match &self.violation {
            Some(violation) => write!(f, "{violation}"),
            None => write!(f, "  every invariant held"),
        }
    }
}

impl Report {
    /// What was not looked at, and what it would take.
    fn fmt_unseen(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.without_logs > 0 {
            let why = "the process has a tracing subscriber of its own";
            writeln!(f, "  not looked at: log lines; {why}")?;
        }
        let Some(undisturbed) = &self.undisturbed else {
            return Ok(());
        };
        if undisturbed.coarse {
            writeln!(f, "  {COARSE}")?;
        }
        if !undisturbed.can.breaks {
            let lacks = "the double makes up none (Target::unknown), or the credential is changed in place";
            writeln!(f, "  not looked at: a value that does not work; {lacks}")?;
        }
        if !undisturbed.can.reject {
            let lacks = "the double cannot refuse one for good (Target::reject)";
            writeln!(f, "  not looked at: a rejected credential; {lacks}")?;
        }
        Ok(())
    }
}

impl Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>, violated: bool) -> fmt::Result {
        let Self {
            faults,
            whole,
            counted,
            planned,
            explored,
            kinds,
            met,
        } = self;
        let about = if *counted { "" } else { "about " };
        let share = match explored {
            _ if explored == whole && *counted => ", all of them".to_owned(),
            _ if violated && explored < planned => ", up to the violation".to_owned(),
            _ => {
                #[allow(clippy::cast_precision_loss, reason = "a share for people")]
                let percent = 100.0 * *explored as f64 / (*whole).max(1) as f64;
                format!(", {percent:.1} %; {met} of {about}{kinds} kinds of history")
            }
        };
        writeln!(f, "  with {faults} faults: {explored} of {about}{whole}{share}")
    }
}
