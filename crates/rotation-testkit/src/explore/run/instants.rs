//! What must hold at every instant of a history.

use rotation_core::{AWSCURRENT, Step};
use rotation_simulator::{Fault, StepResult};

use super::Run;
use crate::explore::actor::Actor;
use crate::explore::gap::Gap;
use crate::explore::invariant::{Broken, Checked, Invariant, broken};
use crate::explore::trace::Entry;

impl Run {
    /// Lets an invocation do one effect, and looks at what must hold at every instant.
    pub(super) async fn advance(&mut self, actor: &mut Actor) -> Result<Option<StepResult>, Broken> {
        let ended = actor.advance(&self.simulator).await;
        let passed = self.simulator.faults().passages_after(self.traced);
        self.traced += passed.len();
        let reads = |name: &str| Fault::Stale.can_strike(name);
        let wrote = passed.iter().any(|passage| !reads(&passage.name));
        for passage in passed {
            self.trace.push(Entry::Effect {
                actor: actor.name,
                step: actor.step,
                passage,
            });
        }
        self.no_panic()?;
        self.replica_follows();
        self.operators_label_stays(actor)?;
        if wrote || self.coarse && ended.is_some() {
            self.instant().await?;
        }
        Ok(ended)
    }

    pub(super) async fn instant(&mut self) -> Checked {
        let rejecting = self.rejecting;
        match self.watch.instant(rejecting).await {
            Err(broken)
                if matches!(
                    broken.invariant,
                    Invariant::CurrentWorks | Invariant::LiveIsNotEnded
                ) && self.went_back() =>
            {
                self.gaps.insert(Gap::WentBack);
                self.trace
                    .push(Entry::Happens("the credential gone back to is ended"));
                Ok(())
            }
            Err(broken) if broken.invariant == Invariant::CurrentWorks && self.promoted_late() => {
                self.gaps.insert(Gap::LatePromotion);
                self.trace
                    .push(Entry::Happens("the credential promoted late has ended"));
                Ok(())
            }
            Err(broken) if broken.invariant == Invariant::CurrentWorks && self.is_touched() => {
                match self.search().await {
                    true => self.watch.instant(rejecting).await,
                    false => Err(broken),
                }
            }
            result => result,
        }
    }

    /// An invocation that was under way when an operator chose what is current leaves that alone.
    fn operators_label_stays(&mut self, actor: &Actor) -> Checked {
        let Some((version, under_way)) = &self.pinned else {
            return Ok(());
        };
        if self.watch.version_with(AWSCURRENT).as_ref() == Some(version) {
            return Ok(());
        }
        let broke = under_way.contains(&actor.name);
        self.pinned = None;
        match broke {
            false => Ok(()),
            true => Err(broken(
                Invariant::OperatorsLabelStays,
                "an operator put AWSCURRENT on another version, and an invocation that was under way moved it",
            )),
        }
    }

    /// An invocation has another name from now on.
    pub(super) fn rename(&mut self, from: char, to: char) {
        let pinned = self.pinned.iter_mut().flat_map(|(_, under_way)| under_way);
        for name in pinned.chain(&mut self.went_back).filter(|name| **name == from) {
            *name = to;
        }
    }

    /// To Lambda a panic is one more failure; to a test it is a mistake, in the backend or in its double.
    pub(super) fn no_panic(&mut self) -> Checked {
        let Some(panic) = self.panics.take() else {
            return Ok(());
        };
        self.printed.push_str(&panic);
        let what = format!("the backend, or its double, panicked: {panic}");
        Err(broken(Invariant::Converges, what))
    }

    pub(super) fn ended(&mut self, actor: char, step: Step, result: &StepResult) {
        if let Some((_, under_way)) = &mut self.pinned {
            under_way.retain(|name| *name != actor);
        }
        self.went_back.retain(|name| *name != actor);
        if let StepResult::Failed(error) = result {
            // Both are printed by the Lambda runtime.
            self.printed.push_str(&format!("{error}\n{error:?}\n"));
            self.failed = Some(format!("{error:?}"));
        }
        self.trace.push(Entry::Ends {
            actor,
            step,
            how: result.to_string(),
        });
    }
}
