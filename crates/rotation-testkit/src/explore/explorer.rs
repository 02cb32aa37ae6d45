//! The explorer: what to explore, and how far.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rotation_core::{Grace, Rotate};
use rotation_simulator::Fault;

use super::levels::{deeper, share};
use super::parts::{MakeRotate, Parts};
use super::plan::Plan;
use super::progress::Progress;
use super::report::Report;
use super::run::{Ended, Setting, history};
use super::twist::Twist;
use crate::runtime::runtime;
use crate::subject::Subject;
use crate::sync::lock;

/// Explores the histories of one backend.
pub struct Explorer<S: Subject> {
    subject: S,
    rotate: Arc<MakeRotate<S::Backend>>,
    setting: Setting,
    faults: usize,
    most: usize,
    random: (u64, usize),
    threads: usize,
    quiet: bool,
    kinds: Vec<Fault>,
    twists: fn(&Twist) -> bool,
}

/// What a run has found so far.
struct Found {
    report: Report,
    traces: HashSet<u64>,
    /// With its number among the histories.
    violation: Option<(usize, Plan, Ended)>,
}

impl Found {
    fn new() -> Self {
        Self {
            report: Report::default(),
            traces: HashSet::new(),
            violation: None,
        }
    }

    fn add(&mut self, number: usize, plan: &Plan, ended: Ended) {
        self.report.add(number, plan, &ended);
        self.traces.insert(ended.trace.digest());
        // The first by number, whichever thread was faster: those before it were begun.
        let earlier = self.violation.as_ref();
        if ended.broken.is_some() && earlier.is_none_or(|(other, ..)| *other > number) {
            self.violation = Some((number, plan.clone(), ended));
        }
    }
}

impl<S: Subject> Explorer<S> {
    /// Histories with up to one fault and each twist, of at most 20,000, on two threads.
    pub fn new(subject: S) -> Self {
        Self {
            subject,
            rotate: Arc::new(|parts: Parts<S::Backend>| -> Arc<dyn Rotate> { Arc::new(parts.rotator()) }),
            setting: Setting {
                grace: Grace::UntilNextRotation,
                first: false,
            },
            faults: 1,
            most: 20_000,
            random: (0, 0),
            threads: 2,
            quiet: false,
            kinds: Fault::ALL.to_vec(),
            twists: |_| true,
        }
    }

    /// No more than one clause of the contract asks for.
    pub(crate) fn for_clause(subject: S, kinds: &[Fault], twists: fn(&Twist) -> bool) -> Self {
        let faults = usize::from(!kinds.is_empty());
        let mut explorer = Self::new(subject).quiet().threads(1).faults(faults);
        (explorer.kinds, explorer.twists) = (kinds.to_vec(), twists);
        explorer
    }

    /// Up to so many faults in one history.
    #[must_use]
    pub fn faults(mut self, faults: usize) -> Self {
        self.faults = faults;
        self
    }

    /// Without faults of this kind. Where the [simulator](Subject::simulator) has a
    /// [`TravelClock`](crate::TravelClock), as for a target behind a real socket, a [`Fault::Hang`] is waited
    /// for in real time, to the end of the invocation: leave it and [`Fault::HangAfter`] out there.
    #[must_use]
    pub fn without(mut self, fault: Fault) -> Self {
        self.kinds.retain(|kind| *kind != fault);
        self
    }

    /// At most so many histories at each number of faults. Where there would be more, those without overlaps
    /// and operators come first, and of the others every so manieth; the report says so.
    #[must_use]
    pub fn at_most(mut self, histories: usize) -> Self {
        self.most = histories.max(1);
        self
    }

    /// And so many with three to six faults, drawn from this seed.
    #[must_use]
    pub fn random(mut self, seed: u64, histories: usize) -> Self {
        self.random = (seed, histories);
        self
    }

    /// With this grace. [`Grace::UntilNextRotation`] unless set.
    #[must_use]
    pub fn grace(mut self, grace: Grace) -> Self {
        self.setting.grace = grace;
        self
    }

    /// The rotation that is disturbed is the secret's first: there is no version before.
    #[must_use]
    pub fn first_rotation(mut self) -> Self {
        self.setting.first = true;
        self
    }

    /// On so many threads. 2 unless set; a subject that shares a server wants 1.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Says nothing on standard error while it runs.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Rotates by something else than the framework's rotator alone: a router of several, or one whose
    /// safeguards a test takes out.
    #[must_use]
    pub fn with_rotate(
        mut self,
        rotate: impl Fn(Parts<S::Backend>) -> Arc<dyn Rotate> + Send + Sync + 'static,
    ) -> Self {
        self.rotate = Arc::new(rotate);
        self
    }

    /// Explores, and ends at the first violation; a panic of the backend or its double is one. Blocks; do not
    /// call it within an async runtime.
    #[must_use]
    pub fn run(&self) -> Report {
        let began = Instant::now();
        let mut found = Found::new();
        let (effects, can_reject) = self.undisturbed(&mut found);
        let total: usize = effects.iter().map(Vec::len).sum();
        let mut level: Vec<Plan> = Twist::all(&effects, can_reject)
            .into_iter()
            .filter(self.twists)
            .map(|twist| Plan {
                twist,
                faults: Vec::new(),
            })
            .collect();
        for faults in 0..=self.faults {
            let (planned, plans) = share(level, self.most);
            let before = found.report.histories();
            let effects_of = self.explore(&plans, &mut found);
            let explored = found.report.histories() - before;
            found.report.level(faults, planned, explored);
            if found.violation.is_some() || faults == self.faults {
                break;
            }
            level = deeper(&plans, &effects_of, &self.kinds);
        }
        let (seed, count) = self.random;
        if count > 0 && found.violation.is_none() {
            let seeds = (0..u64::try_from(count).unwrap_or(u64::MAX)).map(|number| seed.wrapping_add(number));
            let plans: Vec<_> = seeds
                .map(|seed| Plan::random(seed, total, &self.kinds, can_reject))
                .collect();
            let before = found.report.histories();
            self.explore(&plans, &mut found);
            found.report.random(found.report.histories() - before);
        }
        self.finish(found, began.elapsed())
    }

    /// Carries out one history, by the text that a violation printed.
    ///
    /// # Errors
    ///
    /// What in the text is not a history.
    pub fn replay(&self, history: &str) -> Result<Report, String> {
        let plan: Plan = history.parse()?;
        let began = Instant::now();
        let mut found = Found::new();
        self.explore(&[plan], &mut found);
        found.report.level(0, 1, 1);
        Ok(self.finish(found, began.elapsed()))
    }

    fn finish(&self, mut found: Found, took: Duration) -> Report {
        if let Some((_, plan, ended)) = found.violation.take() {
            let (plan, ended) = self.shortest(plan, ended);
            found.report.violated(&plan, ended, self.setting);
        }
        let left_out = Fault::ALL.into_iter().filter(|fault| !self.kinds.contains(fault));
        found.report.left_out(left_out.collect());
        found.report.end(found.traces.len(), took, self.setting);
        found.report
    }

    /// The effects of each step of a rotation that nothing disturbs.
    fn undisturbed(&self, found: &mut Found) -> (Vec<Vec<String>>, bool) {
        let plan = Plan {
            twist: Twist::ReplayLater,
            faults: Vec::new(),
        };
        let ended = runtime().block_on(self.history(&plan));
        let effects = ended.trace.effects_by_step();
        found.report.undisturbed(&ended.trace);
        (effects, ended.can_reject)
    }

    /// Carries the plans out, and says which effects each had.
    fn explore(&self, plans: &[Plan], found: &mut Found) -> Vec<Vec<bool>> {
        let before = found.report.histories();
        let shared = Mutex::new((found, vec![Vec::new(); plans.len()]));
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let progress = Progress::new(plans.len(), self.quiet);
        let work = || {
            let runtime = runtime();
            while !stop.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(plan) = plans.get(index) else { break };
                let ended = runtime.block_on(self.history(plan));
                let (found, effects) = &mut *lock(&shared);
                if let Some(of_this) = effects.get_mut(index) {
                    of_this.clone_from(&ended.effects);
                }
                if ended.broken.is_some() {
                    stop.store(true, Ordering::Relaxed);
                }
                found.add(before + index, plan, ended);
                progress.tell(found.report.histories());
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(plans.len()) {
                scope.spawn(work);
            }
        });
        let (_, effects) = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        effects
    }

    async fn history(&self, plan: &Plan) -> Ended {
        history(&self.subject, self.setting, plan.clone(), &*self.rotate).await
    }

    /// Leaves things out as long as the same invariant is violated.
    fn shortest(&self, plan: Plan, ended: Ended) -> (Plan, Ended) {
        let runtime = runtime();
        let (mut plan, mut ended) = (plan, ended);
        'again: loop {
            for smaller in plan.smaller() {
                let tried = runtime.block_on(self.history(&smaller));
                let same = |ended: &Ended| ended.broken.as_ref().map(|broken| broken.invariant);
                if same(&tried).is_some() && same(&tried) == same(&ended) {
                    (plan, ended) = (smaller, tried);
                    continue 'again;
                }
            }
            return (plan, ended);
        }
    }
}

impl<S: Subject> fmt::Debug for Explorer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explorer")
            .field("setting", &self.setting)
            .field("faults", &self.faults)
            .field("most", &self.most)
            .field("random", &self.random)
            .finish_non_exhaustive()
    }
}
