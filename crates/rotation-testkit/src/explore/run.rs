//! One history: what is planned for it, carried out.

use std::collections::BTreeSet;
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
use super::replica::Replica;
use super::trace::{Entry, Trace};
use super::twist::{Can, Twist};
use super::watch::Watch;
use crate::log_capture::LogCapture;
use crate::subject::Subject;

mod beside;
mod dry_run;
mod instants;
mod operator;
mod replicas;
mod stage;

const HOUR: Duration = Duration::from_secs(3600);

/// What became of a history.
pub(super) struct Ended {
    pub(super) trace: Trace,
    pub(super) broken: Option<Broken>,
    pub(super) gaps: BTreeSet<Gap>,
    /// Whether log lines were looked at.
    pub(super) logs: bool,
    /// Whether the target can reject a credential for good.
    pub(super) can: Can,
    /// Whether faults strike whole calls of the backend.
    pub(super) coarse: bool,
}

/// How histories begin and which grace they have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) grace: Grace,
    /// Whether the rotation is the secret's first.
    pub(super) first: bool,
    /// Whether the secret has a replica.
    pub(super) replica: bool,
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
    /// The token of the rotation that stood still and was given up.
    stood_still: Option<String>,
    /// The twists that have come.
    twisted: Vec<Twist>,
    /// The version that an operator has made current, and the invocations that were under way then.
    pinned: Option<(String, Vec<char>)>,
    /// The invocations that were under way when an operator went back.
    went_back: Vec<char>,
    rejecting: bool,
    replica: Option<Replica>,
    gaps: BTreeSet<Gap>,
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
    let mut result = run.before(setting.first).await;
    if result.is_ok() {
        result = run.disturbed().await;
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
    if broken.is_some() || !run.gaps.is_empty() {
        // What is printed of a history is only this.
        run.trace.hide(|text| run.watch.hidden(text));
    }
    let can = Can {
        reject: run.watch.target.reject(false),
        breaks: run.watch.broken_one().is_some(),
    };
    Ended {
        trace: run.trace,
        broken,
        gaps: run.gaps,
        logs: logs.is_some(),
        can,
        coarse: run.coarse,
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
                self.simulator.skip(HOUR);
            }
        }
        self.old = self.watch.version_with(AWSCURRENT);
        Ok(())
    }

    async fn disturbed(&mut self) -> Checked {
        self.replica_catches_up();
        let faults = self.simulator.faults();
        faults.clear();
        for (number, fault) in &self.plan.faults {
            faults.at(*number, *fault);
        }
        if self.plan.has(|twist| matches!(twist, Twist::Rejecting(_))) {
            self.rejecting = self.watch.target.reject(true);
        }
        let result = match self.plan.has(|twist| twist == Twist::DryRun) {
            true => self.dry_run().await,
            false => self.rotation_and_recovery().await,
        };
        faults.set_gated(false);
        result?;
        if self.is_over() {
            return Ok(());
        }
        let alone = matches!(self.plan.twist, Twist::ReplayLater | Twist::ReplayAtOnce);
        if !self.grace && alone && self.plan.also.is_none() {
            self.watch.superseded_is_ended().await?;
        }
        self.afterwards().await
    }

    async fn rotation_and_recovery(&mut self) -> Checked {
        self.rotate_now().await;
        self.simulator.faults().set_gated(true);
        self.rotation().await?;
        self.recover().await
    }

    /// An hour later comes a rotation that nothing disturbs, and then everything is settled.
    async fn afterwards(&mut self) -> Checked {
        self.simulator.faults().clear();
        self.traced = 0;
        self.simulator.skip(HOUR);
        self.undisturbed("the next rotation, an hour later").await?;
        let untouched = !self.is_touched();
        let by_hand = !untouched || self.refused_to_end();
        if self.watch.settled(self.grace, untouched, by_hand).await? {
            self.gaps.insert(Gap::ByHand);
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
        self.replica_catches_up();
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
            self.simulator
                .skip(due.duration_since(clock.now()).unwrap_or_default());
        }
        self.straggler_goes_on().await
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
                self.trace
                    .push(Entry::Happens("A stands still, and is S from now on"));
                main.name = 'S';
                self.rename('A', 'S');
                self.stood_still = Some(self.token.clone());
                self.straggler = Some((main, self.simulator.faults().count()));
                self.start_anew().await;
                return Ok(());
            }
            self.beside(&invocation.event, &main).await?;
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
            if self.plan.has(|twist| twist == Twist::NewToken) && self.comes(Twist::NewToken) {
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

    /// Whether a twist comes now for the first time; from then on it has come.
    fn comes(&mut self, twist: Twist) -> bool {
        let first = !self.twisted.contains(&twist);
        if first {
            self.twisted.push(twist);
        }
        first
    }

    /// Whether such a twist has come.
    fn has_come(&self, such: impl Fn(Twist) -> bool) -> bool {
        self.twisted.iter().any(|twist| such(*twist))
    }

    fn stop_rejecting(&mut self) {
        if self.rejecting {
            self.rejecting = false;
            self.watch.target.reject(false);
        }
    }
}
