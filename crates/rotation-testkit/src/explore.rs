//! Every history of a rotation, to a stated depth: faults, replays, overlaps, operators.
//!
//! ```
//! use rotation_testkit::explore::Explorer;
//! # use rotation_core::{SecretValue, async_trait};
//! # use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend};
//! # use rotation_testkit::{Simulator, Staged, Subject, Target};
//! # struct Keys;
//! # #[async_trait]
//! # impl Subject for Keys {
//! #     type Backend = MintingBackend;
//! #     async fn stage(&self, simulator: &Simulator) -> Staged<MintingBackend> {
//! #         let target = MintedKeys::new(simulator.faults());
//! #         let first = target.mint("made by hand").to_value();
//! #         Staged::new(MintingBackend::new(target.clone()), first, KeysTarget(target)).with_wire_faults()
//! #     }
//! # }
//! # struct KeysTarget(MintedKeys);
//! # #[async_trait]
//! # impl Target for KeysTarget {
//! #     async fn authenticates(&self, value: &SecretValue) -> bool {
//! #         value.decode::<MintedKey>().is_ok_and(|key| self.0.authenticates(&key))
//! #     }
//! #     async fn alive(&self) -> Vec<String> { self.0.alive() }
//! # }
//!
//! let report = Explorer::new(Keys).faults(1).at_most(200).run();
//! println!("{report}");
//! report.assert_holds();
//! ```
//!
//! # A history
//!
//! A secret with a credential that works is rotated twice, undisturbed. An hour later it is rotated again,
//! and this rotation is disturbed: by faults at its effects (calls of Secrets Manager, and what the target's
//! double or the backend's calls add), each of which strikes once, and by one *twist*:
//!
//! - a failed rotation is replayed with the same token, in an hour or at once;
//! - after a failure an operator gives it up and starts another, with a new token;
//! - while an invocation is under way another is delivered: the same once more, one of this rotation that is
//!   done, or one of the rotation before. The first stops before one of its effects, the other does some of
//!   its own, the first goes on to its end, then the other does;
//! - an invocation stands still before one of its effects, the rotation is given up and another started, and
//!   at some effect of that one the first goes on (a request that was long under way);
//! - before one of its effects an operator writes to the secret, turns rotation off, starts it anew, goes back
//!   to the version before, or asks for no grace;
//! - the target rejects the new credential for good, and the service does each of the things that it may do
//!   then ([`AfterRelease`](crate::model::AfterRelease)).
//!
//! Then the rotation has to be promoted: by itself, or, where the twist has given it up, once an operator has
//! started another. An hour later comes one more, undisturbed. [`Invariant`]s are looked at after every
//! effect that is not a read of Secrets Manager, and in the end.
//!
//! Histories are enumerated by the number of their faults, the fewest first, so that the first violation is
//! among the shortest; then it is made shorter still by leaving things out. Beyond the depth histories are
//! drawn from a seed. Everything is deterministic: the same plans, the same traces.
//!
//! # How many
//!
//! A rotation of twenty effects has a thousand histories without a fault, and a hundred times as many with one.
//! [`at_most`](Explorer::at_most) takes a share that an ordinary test run can afford; it is worth having a way
//! to ask for more. `rotation-http` takes the number of distinct histories from the environment,
//! `ROTATION_EXPLORE=100000 cargo test -p rotation-http --test explore`, and fails if there were fewer.
//! Optimise the crates in which the time goes, the backend's own among them (`[profile.dev.package]`).

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rotation_core::{Grace, Rotate};
use rotation_simulator::Fault;

use crate::runtime::runtime;
use crate::subject::Subject;
use crate::sync::lock;

use parts::MakeCore;
use plan::{Plan, Twist};
use run::{Ended, Setting, history};

pub use gap::Gap;
pub use parts::Core;
pub use report::{Report, Violation};
pub use watch::Invariant;

pub(crate) mod actor;
mod gap;
mod parts;
pub(crate) mod plan;
mod report;
mod run;
mod trace;
mod watch;

/// Explores the histories of one backend.
pub struct Explorer<S: Subject> {
    subject: S,
    core: Arc<MakeCore<S::Backend>>,
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

impl<S: Subject> Explorer<S> {
    /// Histories with up to one fault and each twist, of at most 20,000, on two threads.
    pub fn new(subject: S) -> Self {
        Self {
            subject,
            core: Arc::new(|core: Core<S::Backend>| -> Arc<dyn Rotate> { Arc::new(core.rotator()) }),
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
    pub fn with_core(
        mut self,
        core: impl Fn(Core<S::Backend>) -> Arc<dyn Rotate> + Send + Sync + 'static,
    ) -> Self {
        self.core = Arc::new(core);
        self
    }

    /// Explores, and ends at the first violation; a panic of the backend or its double is one. Blocks; do not
    /// call it within an async runtime.
    #[must_use]
    pub fn run(&self) -> Report {
        let began = Instant::now();
        let mut found = Found {
            report: Report::default(),
            traces: HashSet::new(),
            violation: None,
        };
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
            let (planned, plans) = self.share(level);
            let before = found.report.histories();
            let effects_of = self.explore(&plans, &mut found);
            let explored = found.report.histories() - before;
            found.report.level(faults, planned, explored);
            if found.violation.is_some() || faults == self.faults {
                break;
            }
            level = self.deeper(&plans, &effects_of);
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
        let mut found = Found {
            report: Report::default(),
            traces: HashSet::new(),
            violation: None,
        };
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
        let ended = runtime().block_on(history(&self.subject, self.setting, plan, &*self.core));
        let effects = ended.trace.effects_by_step();
        found.report.undisturbed(&ended.trace);
        (effects, ended.can_reject)
    }

    /// If the plans are too many: those whose twist has no place, and every so manieth of the others. And how
    /// many there were.
    fn share(&self, plans: Vec<Plan>) -> (usize, Vec<Plan>) {
        let planned = plans.len();
        if planned <= self.most {
            return (planned, plans);
        }
        let (mut simple, placed): (Vec<_>, Vec<_>) =
            plans.into_iter().partition(|plan| !plan.twist.has_a_place());
        if simple.len() >= self.most {
            return (planned, every(simple, self.most));
        }
        simple.extend(every(placed, self.most - simple.len()));
        (planned, simple)
    }

    /// Carries the plans out, and says which effects each had.
    fn explore(&self, plans: &[Plan], found: &mut Found) -> Vec<Vec<bool>> {
        let before = found.report.histories();
        let shared = std::sync::Mutex::new((
            std::mem::take(&mut found.report),
            found,
            vec![Vec::new(); plans.len()],
        ));
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let progress = Progress::new(plans.len(), self.quiet);
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(plans.len()) {
                scope.spawn(|| {
                    let runtime = runtime();
                    while !stop.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(plan) = plans.get(index) else { break };
                        let ended =
                            runtime.block_on(history(&self.subject, self.setting, plan.clone(), &*self.core));
                        let mut shared = lock(&shared);
                        let (report, found, effects) = &mut *shared;
                        if let Some(of_this) = effects.get_mut(index) {
                            of_this.clone_from(&ended.effects);
                        }
                        let number = before + index;
                        report.add(number, plan, &ended);
                        found.traces.insert(ended.trace.digest());
                        progress.tell(report.histories());
                        if ended.broken.is_some() {
                            stop.store(true, Ordering::Relaxed);
                            // The first by number, whichever thread was faster: those before it were begun.
                            let earlier = found.violation.as_ref();
                            if earlier.is_none_or(|(other, ..)| *other > number) {
                                found.violation = Some((number, plan.clone(), ended));
                            }
                        }
                    }
                });
            }
        });
        let (report, found, effects) = shared
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        found.report = report;
        effects
    }

    /// The plans with one fault more: at each effect after the last fault's, of each kind.
    fn deeper(&self, plans: &[Plan], effects: &[Vec<bool>]) -> Vec<Plan> {
        let mut deeper = Vec::new();
        for (plan, effects) in plans.iter().zip(effects) {
            let done = plan.faults.last().map_or(0, |(number, _)| *number);
            for (number, reads) in (1..).zip(effects).skip(done) {
                let kinds = self.kinds.iter().copied();
                for fault in kinds.filter(|fault| *reads || *fault != Fault::Stale) {
                    let mut faults = plan.faults.clone();
                    faults.push((number, fault));
                    deeper.push(Plan {
                        twist: plan.twist,
                        faults,
                    });
                }
            }
        }
        deeper
    }

    /// Leaves things out as long as the same invariant is violated.
    fn shortest(&self, plan: Plan, ended: Ended) -> (Plan, Ended) {
        let runtime = runtime();
        let (mut plan, mut ended) = (plan, ended);
        'again: loop {
            for smaller in plan.smaller() {
                let tried =
                    runtime.block_on(history(&self.subject, self.setting, smaller.clone(), &*self.core));
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

/// So many of the plans, evenly.
fn every(plans: Vec<Plan>, most: usize) -> Vec<Plan> {
    let (all, mut taken) = (plans.len(), 0);
    let mut index = 0;
    let mut plans = plans;
    plans.retain(|_| {
        let takes = taken < most && index * most >= taken * all;
        taken += usize::from(takes);
        index += 1;
        takes
    });
    plans
}

/// Tells on standard error how far a run is, past the test harness, every few seconds.
struct Progress {
    total: usize,
    quiet: bool,
    told: std::sync::Mutex<Instant>,
}

impl Progress {
    const EVERY: Duration = Duration::from_secs(5);

    fn new(total: usize, quiet: bool) -> Self {
        Self {
            total,
            quiet,
            told: std::sync::Mutex::new(Instant::now()),
        }
    }

    fn tell(&self, done: usize) {
        let mut told = lock(&self.told);
        if !self.quiet && told.elapsed() >= Self::EVERY {
            *told = Instant::now();
            // A closed standard error is no reason to stop.
            _ = writeln!(
                std::io::stderr(),
                "explored {done} histories; this round has {}",
                self.total
            );
        }
    }
}

impl<S: Subject> std::fmt::Debug for Explorer<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explorer")
            .field("setting", &self.setting)
            .field("faults", &self.faults)
            .field("most", &self.most)
            .field("random", &self.random)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_even_and_full() {
        let plans: Vec<_> = (1..=10)
            .map(|number| Plan {
                twist: Twist::ReplayLater,
                faults: vec![(number, Fault::Hang)],
            })
            .collect();
        for (most, numbers) in [
            (1, vec![1]),
            (4, vec![1, 4, 6, 9]),
            (9, vec![1, 3, 4, 5, 6, 7, 8, 9, 10]),
        ] {
            let share = every(plans.clone(), most);
            let share: Vec<_> = share.iter().map(|plan| plan.faults[0].0).collect();
            assert_eq!(share, numbers);
        }
    }
}
