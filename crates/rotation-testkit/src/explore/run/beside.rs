//! Invocations beside the service's own: duplicates, late ones, and one that stands still.

use rotation_core::RotationEvent;

use super::Run;
use crate::explore::actor::Actor;
use crate::explore::invariant::Checked;
use crate::explore::trace::Entry;
use crate::explore::twist::{Delivery, Twist};

impl Run {
    pub(super) async fn straggler_goes_on(&mut self) -> Checked {
        let Some((straggler, _)) = self.straggler.take() else {
            return Ok(());
        };
        self.trace.push(Entry::Happens("S goes on"));
        self.finish(straggler).await
    }

    pub(super) fn stands_still(&mut self) -> bool {
        let next = self.next_effect();
        let mut twists = self.plan.twists();
        let straggler =
            twists.find(|twist| matches!(twist, Twist::Straggler { before, .. } if *before <= next));
        straggler.is_some_and(|twist| self.comes(twist))
    }

    /// What comes before the next effect of the service's own invocation.
    pub(super) async fn beside(&mut self, event: &RotationEvent, main: &Actor) -> Checked {
        let plan = self.plan.clone();
        for twist in plan.twists() {
            // Another twist's invocation may have passed its place.
            let now = twist.before().is_some_and(|before| before <= self.next_effect());
            match twist {
                Twist::Straggler { effects, .. } => {
                    let since = self.straggler.as_ref().map(|(_, since)| since + effects);
                    if since.is_some_and(|due| self.simulator.faults().count() >= due) {
                        self.straggler_goes_on().await?;
                    }
                }
                Twist::Deliver { what, effects, .. } if now && self.comes(twist) => {
                    self.deliver(what, event, effects).await?;
                }
                Twist::Operator { act, .. } if now && self.comes(twist) => {
                    self.act(act, main).await;
                    self.instant().await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) async fn deliver(&mut self, what: Delivery, event: &RotationEvent, effects: usize) -> Checked {
        let (token, step, which) = match what {
            Delivery::Same => (Some(self.token.clone()), event.step(), ", delivered twice"),
            // The service sends no step before those that come before it are done.
            Delivery::Done(step) if step >= event.step() => (None, step, ""),
            Delivery::Done(step) => (Some(self.token.clone()), step, ", delivered once more"),
            Delivery::Late(step) => (self.old.clone(), step, " of the rotation before, delivered late"),
        };
        let Some(event) = token.and_then(|token| RotationEvent::new(&self.watch.arn, &token, step).ok())
        else {
            return Ok(());
        };
        self.trace.push(Entry::Begins {
            actor: 'B',
            step,
            which,
        });
        let mut other = Actor::new('B', &self.simulator, &self.rotate, &event);
        while other.effects < effects {
            if let Some(result) = self.advance(&mut other).await? {
                self.ended('B', step, &result);
                return Ok(());
            }
        }
        // One that was delivered before goes on to its end first.
        if let Some(earlier) = self.beside.replace(other) {
            self.finish(earlier).await?;
        }
        Ok(())
    }

    pub(super) async fn finish(&mut self, mut actor: Actor) -> Checked {
        loop {
            if let Some(result) = self.advance(&mut actor).await? {
                self.ended(actor.name, actor.step, &result);
                return Ok(());
            }
        }
    }

    pub(super) fn next_effect(&self) -> usize {
        self.simulator.faults().count() + 1
    }
}
