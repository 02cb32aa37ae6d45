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
        self.trace
            .push(Entry::Happens("the one that stood still goes on"));
        self.finish(straggler).await
    }

    pub(super) fn stands_still(&mut self) -> bool {
        let Twist::Straggler { before, .. } = self.plan.twist else {
            return false;
        };
        let now = !self.twisted && self.next_effect() == before;
        self.twisted |= now;
        now
    }

    /// What comes before the next effect of the service's own invocation.
    pub(super) async fn beside(&mut self, event: &RotationEvent) -> Checked {
        if let Twist::Straggler { effects, .. } = self.plan.twist
            && let Some((_, since)) = &self.straggler
            && self.simulator.faults().count() >= since + effects
        {
            return self.straggler_goes_on().await;
        }
        match self.plan.twist {
            Twist::Deliver {
                what,
                before,
                effects,
            } if !self.twisted && self.next_effect() == before => {
                self.twisted = true;
                self.deliver(what, event, effects).await
            }
            Twist::Operator { act, before } if !self.twisted && self.next_effect() == before => {
                self.twisted = true;
                self.act(act).await;
                self.instant().await
            }
            _ => Ok(()),
        }
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
        self.beside = Some(other);
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
