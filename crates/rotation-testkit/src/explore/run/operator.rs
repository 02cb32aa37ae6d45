//! What an operator does in a history, and how a rotation is brought to its end.

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretValue};
use rotation_simulator::Fault;

use super::Run;
use crate::explore::actor::Actor;
use crate::explore::gap::Gap;
use crate::explore::invariant::{Checked, Invariant, broken};
use crate::explore::trace::Entry;
use crate::explore::twist::{Act, Twist};

impl Run {
    /// RotateSecret, whatever state the last rotation left.
    pub(super) async fn rotate_now(&mut self) {
        let operator = self.simulator.operator();
        if let Ok(token) = operator.rotate(&self.watch.arn) {
            self.token = token;
            return;
        }
        self.give_up().await;
        if let Ok(token) = operator.rotate(&self.watch.arn) {
            self.token = token;
        }
    }

    /// CancelRotateSecret, and `AWSPENDING` off a version that is not current. One that was changed in place
    /// already becomes current: nobody may give up the only value that works.
    pub(super) async fn give_up(&mut self) {
        let operator = self.simulator.operator();
        if self.watch.in_place
            && !self.watch.works(AWSCURRENT).await
            && self.watch.works(AWSPENDING).await
            && let Some(pending) = self.watch.version_with(AWSPENDING)
        {
            self.make_current(&pending);
        }
        // Fails where rotation was never turned on; then there is nothing to give up.
        _ = operator.cancel(&self.watch.arn);
        if let Some(pending) = self.watch.only_pending() {
            _ = operator.remove_label(&self.watch.arn, AWSPENDING, &pending);
        }
    }

    pub(super) async fn start_anew(&mut self) {
        self.trace.push(Entry::Happens(
            "an operator gives the rotation up and starts another, with a new token",
        ));
        self.replica_is_forgotten();
        self.give_up().await;
        self.rotate_now().await;
    }

    /// An operator does something.
    pub(super) async fn act(&mut self, act: Act, main: &Actor) {
        let (operator, arn) = (self.simulator.operator(), self.watch.arn.clone());
        let what = match act {
            Act::Write => {
                // Nobody stores a value that does not work.
                let in_place_and_set = self.watch.in_place && !self.watch.works(AWSCURRENT).await;
                if in_place_and_set || self.watch.current_is_broken() {
                    return;
                }
                if let Ok(value) = operator.value(&arn, AWSCURRENT) {
                    _ = operator.put(&arn, noted(value));
                }
                "an operator stores the current value once more, with a note"
            }
            Act::Cancel => {
                _ = operator.cancel(&arn);
                "an operator turns rotation off"
            }
            Act::StartAnew => return self.start_anew().await,
            Act::GoBack => {
                if !self.watch.works(AWSPREVIOUS).await {
                    return;
                }
                let versions = [AWSCURRENT, AWSPREVIOUS].map(|label| self.watch.version_with(label));
                if let [Some(current), Some(previous)] = versions {
                    _ = operator.move_label(&arn, AWSCURRENT, &previous, &current);
                }
                "an operator goes back to the version before"
            }
            Act::EndGrace => {
                _ = operator.tag(&arn, "rotation:grace", "none");
                self.grace = false;
                "an operator asks for no grace"
            }
            Act::Break => {
                if !self.watch.store_broken().await {
                    return;
                }
                "an operator stores a value that does not work"
            }
        };
        self.trace.push(Entry::Happens(what));
        if matches!(act, Act::Write | Act::GoBack | Act::Break) {
            self.pin(main);
        }
        if act == Act::GoBack {
            self.went_back = self.under_way(main);
        }
    }

    /// From now on the invocations that have begun to read may not move `AWSCURRENT`.
    fn pin(&mut self, main: &Actor) {
        self.watch.operator_chose();
        let under_way = self.under_way(main);
        self.pinned = self
            .watch
            .version_with(AWSCURRENT)
            .map(|version| (version, under_way));
    }

    /// The invocations that have begun to read.
    fn under_way(&self, main: &Actor) -> Vec<char> {
        let straggler = self.straggler.as_ref().map(|(straggler, _)| straggler);
        let all = [Some(main), self.beside.as_ref(), straggler];
        let under_way = all.into_iter().flatten().filter(|actor| actor.effects > 0);
        under_way.map(|actor| actor.name).collect()
    }

    /// An operator who has stored a value that does not work goes back to the version before, which works.
    async fn way_back(&mut self) -> Checked {
        if !self.watch.current_is_broken() {
            return Ok(());
        }
        self.trace
            .push(Entry::Happens("the operator goes back to the version before"));
        if let Some(previous) = self.watch.version_with(AWSPREVIOUS) {
            self.make_current(&previous);
        }
        match self.watch.works(AWSCURRENT).await {
            true => Ok(()),
            false => Err(broken(
                Invariant::LiveIsNotEnded,
                "an operator stored a value that does not work, and the credential of the version before was ended: there \
                 is no way back",
            )),
        }
    }

    /// A password was changed late: an operator tries every version, and makes the one current that works.
    pub(super) async fn search(&mut self) -> bool {
        let Some(works) = self.watch.version_that_works().await else {
            return false;
        };
        self.gaps.insert(match works == self.token {
            true => Gap::LatePut,
            false => Gap::LateSet,
        });
        self.trace.push(Entry::Happens(
            "the working value is under no label; an operator finds its version and makes it AWSCURRENT",
        ));
        self.make_current(&works);
        true
    }

    pub(super) fn make_current(&mut self, version: &str) {
        if let Some(current) = self.watch.version_with(AWSCURRENT) {
            let operator = self.simulator.operator();
            // Refused only if it is current already.
            _ = operator.move_label(&self.watch.arn, AWSCURRENT, version, &current);
        }
        self.watch.operator_chose();
        // This is another choice.
        self.pinned = None;
    }

    /// After the disturbance: the rotation is promoted, or the twist excuses it and an operator starts
    /// another.
    pub(super) async fn recover(&mut self) -> Checked {
        if self.is_over() || self.promoted() {
            return Ok(());
        }
        if !self.excused() {
            let why = self
                .failed
                .as_ref()
                .map(|why| format!("; the last failure was {why}"));
            let why = why.unwrap_or_default();
            let what =
                format!("the replays are over (Subject::replays), and the rotation was not promoted{why}");
            return Err(broken(Invariant::Converges, what));
        }
        if self.is_touched() && self.late_put() {
            self.gaps.insert(Gap::LatePut);
        }
        self.rejected_blocks_nothing()?;
        for _ in 0..4 {
            self.way_back().await?;
            self.start_anew().await;
            self.rotation().await?;
            if self.is_over() || self.promoted() {
                return Ok(());
            }
        }
        let what = "an operator starts another rotation, and none is promoted any more";
        Err(broken(Invariant::Converges, what))
    }

    pub(super) fn promoted(&self) -> bool {
        self.watch.version_with(AWSCURRENT).as_ref() == Some(&self.token)
    }

    /// Whether the plan keeps the rotation from being promoted by itself.
    pub(super) fn excused(&self) -> bool {
        let excuses = |twist| matches!(twist, Twist::Rejecting(_) | Twist::DryRun);
        self.is_touched() || self.plan.has(excuses) || self.rejected()
    }

    /// A value that was rejected for good is out of the way by the end of the replays. One that was changed in place
    /// may be in use, and stays; a fault may have refused for good to take the label off.
    fn rejected_blocks_nothing(&mut self) -> Checked {
        let rejecting = self.plan.has(|twist| matches!(twist, Twist::Rejecting(_)));
        if !rejecting || self.watch.in_place || self.is_touched() {
            return Ok(());
        }
        match self.watch.only_pending() {
            None => Ok(()),
            Some(version) => Err(broken(
                Invariant::RejectedBlocksNothing,
                format!("the target rejected the credential of {version}, and AWSPENDING is on it still"),
            )),
        }
    }

    /// Whether the pending value was given up because the target had refused it for good.
    fn rejected(&self) -> bool {
        let mut struck = self.trace.struck();
        let refused = struck.any(|(_, fault)| fault == Fault::Refuse);
        refused && self.watch.version_with(AWSPENDING).as_ref() != Some(&self.token)
    }

    /// Whether `AWSPENDING` is on a version of a rotation that was given up.
    pub(super) fn late_put(&self) -> bool {
        let pending = self.watch.version_with(AWSPENDING);
        pending.is_some_and(|pending| pending != self.token)
    }

    /// Whether an operator has taken part, or has given up a rotation that stood still.
    pub(super) fn is_touched(&self) -> bool {
        self.has_come(|twist| matches!(twist, Twist::Operator { .. } | Twist::Straggler { .. }))
    }

    /// Whether a rotation that was given up is current, while another is under way.
    pub(super) fn promoted_late(&self) -> bool {
        let current = self.watch.version_with(AWSCURRENT);
        self.stood_still.is_some() && !self.promoted() && current == self.stood_still
    }

    /// Whether a gap has left the secret in a state from which nothing more can be asked.
    pub(super) fn is_over(&self) -> bool {
        self.gaps.contains(&Gap::WentBack) || self.gaps.contains(&Gap::LatePromotion)
    }

    /// Whether an invocation is under way still that was so when an operator went back, or one that was answered from
    /// before: it may end what the operator has gone back to.
    pub(super) fn went_back(&self) -> bool {
        let act = self.has_come(|twist| matches!(twist, Twist::Operator { act: Act::GoBack, .. }));
        act && (!self.went_back.is_empty() || self.trace.struck().any(|(_, fault)| fault == Fault::Stale))
    }
}

/// A document with a note in it; what is no document stays as it is.
fn noted(value: SecretValue) -> SecretValue {
    if let SecretValue::Text(text) = &value
        && let Some(rest) = text.expose_secret().trim_start().strip_prefix('{')
    {
        return SecretValue::text(format!(r#"{{"note by an operator":"kept",{rest}"#));
    }
    value
}
