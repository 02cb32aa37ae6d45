//! The explorer: what to explore, and how far.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rotation_core::{Grace, Rotate, Step};
use rotation_simulator::Fault;

use super::found::Found;
use super::levels::{Effect, Level};
use super::parts::{MakeRotate, Parts};
use super::plan::Plan;
use super::progress::Progress;
use super::report::Report;
use super::run::{Ended, Setting, history};
use super::twist::{Can, Twist};
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
    overlaps: bool,
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
                replica: false,
            },
            faults: 1,
            most: 20_000,
            random: (0, 0),
            threads: 2,
            quiet: false,
            kinds: Fault::ALL.to_vec(),
            twists: |_| true,
            overlaps: true,
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

    /// Without histories in which two invocations are under way: for a proxy before a real target, where a message
    /// that waits for its turn cannot be told from another invocation's.
    #[must_use]
    pub fn without_overlaps(mut self) -> Self {
        self.overlaps = false;
        self
    }

    /// At most so many histories at each number of faults. Where there would be more, each kind of history comes
    /// once (a step, an effect in it, a fault, a twist), and others come evenly; the report says of how many.
    #[must_use]
    pub fn at_most(mut self, histories: usize) -> Self {
        self.most = histories.max(1);
        self
    }

    /// Every history at each number of faults.
    #[must_use]
    pub fn exhaustively(self) -> Self {
        self.at_most(usize::MAX)
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

    /// The secret has a replica in another Region, which has the new value only some time after each promotion. What
    /// is read there until then must go on working.
    #[must_use]
    pub fn with_replica(mut self) -> Self {
        self.setting.replica = true;
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
        let mut found = Found::default();
        let undisturbed = runtime().block_on(self.history(&Plan::of(Twist::ReplayLater)));
        found.report.undisturbed(&undisturbed);
        if found.report.setup().is_some() {
            return found.report;
        }
        let effects = undisturbed.trace.effects_by_step();
        let total: usize = effects.iter().map(Vec::len).sum();
        let twists = Twist::all(&effects, undisturbed.can).into_iter();
        let twists = twists
            .filter(self.twists)
            .filter(|twist| self.may_overlap(*twist));
        let mut level = Level::first(twists, |effect| step_of(&effects, effect));
        for faults in 0..=self.faults {
            let share = level.share(self.most);
            let last = faults == self.faults;
            let effects_of = self.explore(&share.plans, &mut found, !last);
            found.report.level(faults, &share, found.carried_out());
            if last || found.violation.is_some() {
                break;
            }
            level = Level::deeper(&share, &effects_of, &self.kinds);
        }
        self.draw(total, undisturbed.can, &mut found);
        self.finish(found, began.elapsed())
    }

    /// Histories beyond the depth, from the seed.
    fn draw(&self, effects: usize, can: Can, found: &mut Found) {
        let (seed, count) = self.random;
        if count == 0 || found.violation.is_some() {
            return;
        }
        let seeds = (0..u64::MAX).map(|number| seed.wrapping_add(number));
        let drawn: Vec<_> = seeds
            .map(|seed| (seed, Plan::random(seed, effects, &self.kinds, can)))
            .filter(|(_, plan)| plan.twists().all(|twist| self.may_overlap(twist)))
            .take(count)
            .collect();
        let (seeds, plans): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
        self.explore(&plans, found, false);
        found.report.random(found.carried_out());
        let violated = found.violation.as_ref().and_then(|(index, ..)| seeds.get(*index));
        found.report.seed(violated.copied());
    }

    fn may_overlap(&self, twist: Twist) -> bool {
        self.overlaps || !matches!(twist, Twist::Deliver { .. } | Twist::Straggler { .. })
    }

    /// Carries out one history, by the text that a violation printed.
    ///
    /// # Errors
    ///
    /// What in the text is not a history.
    pub fn replay(&self, history: &str) -> Result<Report, String> {
        let plan: Plan = history.parse()?;
        let began = Instant::now();
        let mut found = Found::default();
        self.explore(&[plan], &mut found, false);
        Ok(self.finish(found, began.elapsed()))
    }

    fn finish(&self, mut found: Found, took: Duration) -> Report {
        if let Some((_, plan, ended)) = found.violation.take() {
            let (plan, ended) = self.shortest(plan, ended);
            found.report.violated(&plan, ended, self.setting);
        }
        let left_out = Fault::ALL.into_iter().filter(|fault| !self.kinds.contains(fault));
        found.report.left_out(left_out.collect(), !self.overlaps);
        found.report.allow(|gap| self.subject.gaps(gap));
        found.report.end(found.traces.len(), took);
        found.report
    }

    /// Carries the plans out, up to the first by number that breaks an invariant. Says which effects each had, if
    /// that is wanted.
    fn explore(&self, plans: &[Plan], found: &mut Found, effects: bool) -> Vec<Vec<Effect>> {
        let (next, first_broken) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        let batch = Mutex::new(found.batch(plans.len(), effects));
        let progress = Progress::new(plans.len(), self.quiet);
        let work = || {
            let runtime = runtime();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                // Those before the first that breaks something are all carried out, whichever thread is faster:
                // the report is the same each time.
                let Some(plan) = plans
                    .get(index)
                    .filter(|_| index < first_broken.load(Ordering::Relaxed))
                else {
                    break;
                };
                let ended = runtime.block_on(self.history(plan));
                if ended.broken.is_some() {
                    first_broken.fetch_min(index, Ordering::Relaxed);
                }
                let done = lock(&batch).add(index, plan, ended);
                progress.tell(done);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(plans.len()) {
                scope.spawn(work);
            }
        });
        let batch = batch.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.take(batch)
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

/// The step in which a rotation that nothing disturbs has its effect of this number.
fn step_of(effects: &[Vec<String>], number: usize) -> Step {
    let mut before = 0;
    for (step, effects) in Step::ALL.into_iter().zip(effects) {
        before += effects.len();
        if number <= before {
            return step;
        }
    }
    Step::FinishSecret
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
