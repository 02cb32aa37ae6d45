//! One history: what is planned for it, carried out.

use std::sync::Arc;
use std::time::Duration;

use rotation_core::{AWSCURRENT, Clock, Grace, Rotate, Step};
use rotation_simulator::model::Invocation;
use rotation_simulator::{Fault, Simulator, StepResult};

use super::actor::{Actor, REMAINING};
use super::gap::Gap;
use super::invariant::{Broken, Checked, Invariant, broken};
use super::panics::Panics;
use super::parts::MakeRotate;
use super::plan::Plan;
use super::trace::{Entry, Trace};
use super::twist::Twist;
use super::watch::Watch;
use crate::log_capture::LogCapture;
use crate::subject::Subject;

mod beside;
mod instants;
mod operator;
mod stage;

const HOUR: Duration = Duration::from_secs(3600);
/// How old a write is that every read sees.
const SETTLES: Duration = Duration::from_secs(60);

/// What became of a history.
pub(super) struct Ended {
    pub(super) trace: Trace,
    /// The effects of its rotation, replays included: whether each is a read of Secrets Manager.
    pub(super) effects: Vec<bool>,
    pub(super) broken: Option<Broken>,
    pub(super) gap: Option<Gap>,
    /// Whether log lines were looked at.
    pub(super) logs: bool,
    /// Whether the target can reject a credential for good.
    pub(super) can_reject: bool,
}

/// How histories begin and which grace they have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) grace: Grace,
    /// Whether the rotation is the secret's first.
    pub(super) first: bool,
}

pub(super) struct Run {
    simulator: Simulator,
    rotate: Arc<dyn Rotate>,
    watch: Watch,
    plan: Plan,
    /// Effects are whole calls of the backend, within which others come.
    coarse: bool,
    grace: bool,
    trace: Trace,
    /// How many effects stand in the trace.
    traced: usize,
    token: String,
    /// The token of the rotation before.
    old: Option<String>,
    /// What was delivered and is not done yet.
    beside: Option<Actor>,
    /// An invocation that stands still, and how many effects there were then.
    straggler: Option<(Actor, usize)>,
    /// Whether the twist has come.
    twisted: bool,
    rejecting: bool,
    gap: Option<Gap>,
    printed: String,
    /// How the last invocation failed that did.
    pub(super) failed: Option<String>,
    panics: Panics,
}

/// Carries a plan out.
pub(super) async fn history<S: Subject>(
    subject: &S,
    setting: Setting,
    plan: Plan,
    rotate: &MakeRotate<S::Backend>,
) -> Ended {
    let logs = LogCapture::start();
    let mut run = Run::stage(subject, setting, plan, rotate).await;
    let mut effects = Vec::new();
    let mut result = run.before(setting.first).await;
    if result.is_ok() {
        result = run.disturbed(&mut effects).await;
    }
    run.simulator.faults().set_gated(false);
    if let Some(logs) = &logs {
        run.printed.push_str(&logs.take());
    }
    let result = result.and_then(|()| run.watch.prints_nothing(&run.printed));
    let broken = result.err().map(|broken| Broken {
        what: run.watch.hidden(&broken.what),
        ..broken
    });
    Ended {
        trace: run.trace,
        effects,
        broken,
        gap: run.gap,
        logs: logs.is_some(),
        can_reject: run.watch.target.reject(false),
    }
}

impl Run {
    /// Two rotations that nothing disturbs, so that the next finds a current and a previous version whose
    /// credentials rotations made, unless it is to be the first.
    async fn before(&mut self, first: bool) -> Checked {
        self.watch.lists_what_works()?;
        if !first {
            for which in ["a rotation", "and another, an hour later"] {
                self.undisturbed(which).await?;
                self.skip(HOUR);
            }
        }
        self.old = self.watch.version_with(AWSCURRENT);
        Ok(())
    }

    async fn disturbed(&mut self, effects: &mut Vec<bool>) -> Checked {
        let faults = self.simulator.faults();
        faults.clear();
        for (number, fault) in &self.plan.faults {
            faults.at(*number, *fault);
        }
        if let Twist::Rejecting(_) = self.plan.twist {
            self.rejecting = self.watch.target.reject(true);
        }
        self.rotate_now().await;
        faults.set_gated(true);
        let result = self.rotation().await;
        let result = match result {
            Ok(()) => self.recover().await,
            broken => broken,
        };
        faults.set_gated(false);
        let passed = faults.passages_after(0).into_iter();
        *effects = passed
            .map(|passage| Fault::Stale.can_strike(&passage.name))
            .collect();
        result?;
        if self.is_over() {
            return Ok(());
        }
        if !self.grace && matches!(self.plan.twist, Twist::ReplayLater | Twist::ReplayAtOnce) {
            self.watch.superseded_is_ended().await?;
        }
        faults.clear();
        self.traced = 0;
        self.skip(HOUR);
        self.undisturbed("the next rotation, an hour later").await?;
        let untouched = !matches!(self.plan.twist, Twist::Operator { .. } | Twist::Straggler { .. });
        let by_hand = !untouched || self.refused_to_end();
        if self.watch.settled(self.grace, untouched, by_hand).await? {
            self.gap = Some(Gap::ByHand);
        }
        Ok(())
    }

    /// Whether something was refused, and not for a while only, in a step that ends credentials.
    fn refused_to_end(&self) -> bool {
        let mut struck = self.trace.struck();
        struck.any(|(step, fault)| {
            let ends = matches!(step, Step::CreateSecret | Step::FinishSecret);
            ends && matches!(fault, Fault::Refuse | Fault::Deny)
        })
    }

    /// One rotation without faults, which has to succeed at once.
    async fn undisturbed(&mut self, which: &'static str) -> Checked {
        self.trace.push(Entry::Happens(which));
        self.rotate_now().await;
        let mut failed = None;
        while let Some(run) = self.simulator.step(&*self.rotate, REMAINING).await {
            self.ended('A', run.invocation.event.step(), &run.result);
            self.no_panic()?;
            if !run.result.is_done() {
                failed = Some(format!("{:?}", run.result));
                break;
            }
            self.watch.instant(false).await?;
        }
        if self.watch.version_with(AWSCURRENT).as_ref() == Some(&self.token) {
            return Ok(());
        }
        let why = failed.map(|why| format!(": {why}")).unwrap_or_default();
        Err(broken(
            Invariant::Converges,
            format!("{which} was not promoted{why}"),
        ))
    }

    /// All invocations that the service makes, and what is planned beside them.
    async fn rotation(&mut self) -> Checked {
        let clock = self.simulator.clock();
        loop {
            if let Some(invocation) = self.simulator.next_invocation() {
                self.invocation(&invocation).await?;
                if self.is_over() {
                    return Ok(());
                }
                continue;
            }
            let Some(due) = self.simulator.next_due() else {
                break;
            };
            // Lambda ends an invocation long before a replay; its last request arrives before that.
            self.straggler_goes_on().await?;
            self.skip(due.duration_since(clock.now()).unwrap_or_default());
        }
        self.straggler_goes_on().await
    }

    /// Time passes. A stale read is one of a moment ago.
    fn skip(&self, time: Duration) {
        self.simulator.skip(time);
        if time >= SETTLES {
            self.simulator.settle();
        }
    }

    async fn invocation(&mut self, invocation: &Invocation) -> Checked {
        let step = invocation.event.step();
        let which = if invocation.attempt > 1 { ", replayed" } else { "" };
        self.trace.push(Entry::Begins {
            actor: 'A',
            step,
            which,
        });
        let mut main = Actor::new('A', &self.simulator, &self.rotate, &invocation.event);
        let result = loop {
            if self.stands_still() {
                self.straggler = Some((main, self.simulator.faults().count()));
                self.trace.push(Entry::Happens("A stands still"));
                self.start_anew().await;
                return Ok(());
            }
            self.beside(&invocation.event).await?;
            if let Some(result) = self.advance(&mut main).await? {
                break result;
            }
        };
        self.ended('A', step, &result);
        if let Some(other) = self.beside.take() {
            self.finish(other).await?;
        }
        let done = result.is_done();
        self.report(invocation, &result);
        if !done {
            self.stop_rejecting();
            if self.plan.twist == Twist::NewToken && !self.twisted {
                self.twisted = true;
                self.start_anew().await;
            }
        }
        Ok(())
    }

    fn report(&mut self, invocation: &Invocation, result: &StepResult) {
        let noted = self.simulator.records().len();
        self.simulator.report(invocation, result);
        let records = self.simulator.records();
        for record in records.get(noted..).unwrap_or_default() {
            self.trace.push(Entry::Notes(record.name));
        }
    }

    fn stop_rejecting(&mut self) {
        if self.rejecting {
            self.rejecting = false;
            self.watch.target.reject(false);
        }
    }
}
