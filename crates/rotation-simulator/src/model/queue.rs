//! The service's side of a rotation: which invocation is due, and what follows from its result.

use std::time::SystemTime;

use rotation_core::{AWSCURRENT, AWSPENDING, Step};

use super::activity::ActivityKind;
use super::caller::Caller;
use super::change::{Change, fresh_token};
use super::invocation::{Invocation, InvocationResult};
use super::options::AfterRelease;
use super::principal::Principal;
use super::record::RotationEventName;
use super::rotation::Rotation;
use super::state::Model;

impl Model {
    /// The invocation that is due, the one that has waited longest first. At most one at a time
    /// per secret: the next is due after [`report`](Self::report).
    pub(crate) fn next_invocation(&mut self, now: SystemTime) -> Option<Invocation> {
        loop {
            let (due, arn) = self.waiting().min()?;
            if due > now {
                return None;
            }
            let arn = arn.to_owned();
            let invocation = self.service_change(&arn, now, |change| {
                change.begin_replay();
                change.invoke()
            })?;
            if let Some(invocation) = invocation {
                self.tell(&arn, now, || ActivityKind::Invoked(invocation.clone()));
                return Some(invocation);
            }
        }
    }

    /// When the next invocation is due, if one is to come.
    pub(crate) fn next_due(&self) -> Option<SystemTime> {
        self.waiting().map(|(due, _)| due).min()
    }

    /// What the service does after an invocation: the next step is due at once, or the whole process
    /// after the replay interval, or the rotation is over. An invocation whose rotation was
    /// abandoned, cancelled or replaced in the meantime changes nothing.
    pub(crate) fn report(&mut self, invocation: &Invocation, result: InvocationResult, now: SystemTime) {
        let arn = invocation.event.secret_id();
        self.tell(arn, now, || ActivityKind::Returned {
            invocation: invocation.clone(),
            result: match &result {
                InvocationResult::Succeeded => InvocationResult::Succeeded,
                InvocationResult::Failed(cause) => InvocationResult::Failed(self.scrub(cause)),
            },
        });
        self.service_change(arn, now, |change| change.reported(invocation, result));
    }

    /// The rotations that wait for their next invocation.
    fn waiting(&self) -> impl Iterator<Item = (SystemTime, &str)> {
        self.secrets.iter().filter_map(|(arn, entry)| {
            let rotation = entry.rotation.as_ref().filter(|rotation| !rotation.running)?;
            Some((rotation.due, arn.as_str()))
        })
    }

    /// A change that the service makes by itself, which nobody's permissions can refuse.
    fn service_change<T>(
        &mut self,
        arn: &str,
        now: SystemTime,
        change: impl FnOnce(&mut Change<'_>) -> T,
    ) -> Option<T> {
        let caller = Caller {
            principal: Principal::Operator,
            now,
            stale: false,
        };
        self.observed(
            arn,
            now,
            |model| model.change(caller, arn, |it| Ok(change(it))).ok(),
            |_, labels| (!labels.is_empty()).then_some(ActivityKind::Serviced(labels)),
        )
    }
}

impl Change<'_> {
    /// Hands out the waiting rotation's invocation, if the rotation is not over.
    fn invoke(&mut self) -> Option<Invocation> {
        let rotation = self.rotation.as_mut()?;
        let invocation = rotation.invocation(&self.secret.arn, self.caller.now);
        rotation.running = true;
        if invocation.is_none() {
            *self.rotation = None;
        }
        invocation
    }

    /// Before a replay, looks whether somebody took `AWSPENDING` away meanwhile.
    fn begin_replay(&mut self) {
        let Some(rotation) = self.rotation.take_if(|rotation| rotation.is_replay()) else {
            return;
        };
        let released = !self.secret.has_label(&rotation.token, AWSPENDING);
        match self.options.after_release {
            AfterRelease::Drop if released => {}
            AfterRelease::StartAnew if released => {
                let token = fresh_token(self.serial);
                // Refused only at the version quota: then there is no rotation, as after giving up.
                _ = self.start(&token, false);
                if let Some(anew) = self.rotation.as_mut() {
                    anew.attempt = rotation.attempt;
                }
            }
            AfterRelease::Drop | AfterRelease::InvokeAnyway | AfterRelease::StartAnew => {
                let token = rotation.token.clone();
                *self.rotation = Some(rotation);
                self.record(RotationEventName::RotationStarted, &token, None);
            }
        }
    }

    fn reported(&mut self, invocation: &Invocation, result: InvocationResult) {
        let Some(rotation) = self.rotation.take_if(|rotation| rotation.is(invocation)) else {
            return;
        };
        match result {
            InvocationResult::Succeeded => self.succeeded(rotation),
            InvocationResult::Failed(cause) => {
                let message = self.step_failed(&rotation);
                self.failed(rotation, message, Some(cause));
            }
        }
    }

    fn succeeded(&mut self, rotation: Rotation) {
        match rotation.step {
            _ if rotation.dry_run => self.dry_run_succeeded(&rotation),
            Step::CreateSecret => match self.check_ownership(&rotation) {
                Ok(()) => self.proceed(rotation, Step::SetSecret),
                Err(message) => self.failed(rotation, message, None),
            },
            Step::SetSecret => self.proceed(rotation, Step::TestSecret),
            Step::TestSecret => self.proceed(rotation, Step::FinishSecret),
            Step::FinishSecret => self.finished(rotation),
        }
    }

    fn proceed(&mut self, rotation: Rotation, step: Step) {
        *self.rotation = Some(Rotation {
            step,
            due: self.caller.now,
            running: false,
            ..rotation
        });
    }

    /// The pending value must be the rotation function's own.
    fn check_ownership(&self, rotation: &Rotation) -> Result<(), String> {
        let token = &rotation.token;
        let version = self.secret.versions.get(token);
        if version.is_none_or(|version| version.by_function || version.value.is_none()) {
            return Ok(());
        }
        Err(format!(
            "Pending secret version {token} for Secret {} was not created by Lambda {}. Remove the AWSPENDING \
             staging label and restart rotation.",
            self.secret.arn,
            self.function()
        ))
    }

    fn finished(&mut self, rotation: Rotation) {
        if !self.secret.has_label(&rotation.token, AWSCURRENT) {
            let message = format!("Version {} is not AWSCURRENT after finishSecret.", rotation.token);
            return self.failed(rotation, message, None);
        }
        if self.options.releases_pending_after_success {
            self.secret.detach(AWSPENDING, &rotation.token);
        }
        self.secret.last_rotated = Some(self.caller.now);
        self.record(RotationEventName::RotationSucceeded, &rotation.token, None);
    }

    fn dry_run_succeeded(&mut self, rotation: &Rotation) {
        self.secret.detach(AWSPENDING, &rotation.token);
        self.record(RotationEventName::TestRotationSucceeded, &rotation.token, None);
    }

    /// Notes the failure, and queues the replay of the whole process under the same token, if any is
    /// left. A dry run is not replayed.
    fn failed(&mut self, rotation: Rotation, message: String, cause: Option<String>) {
        let text = Some((message, cause));
        if rotation.dry_run {
            if !self.options.keeps_pending_after_failed_dry_run {
                self.secret.detach(AWSPENDING, &rotation.token);
            }
            return self.record(RotationEventName::TestRotationFailed, &rotation.token, text);
        }
        self.record(RotationEventName::RotationFailed, &rotation.token, text);
        if rotation.attempt > self.options.replays {
            return;
        }
        *self.rotation = Some(Rotation {
            step: Step::CreateSecret,
            attempt: rotation.attempt + 1,
            due: self
                .caller
                .now
                .checked_add(self.options.replay_interval)
                .unwrap_or(self.caller.now),
            running: false,
            ..rotation
        });
    }

    /// A version that somebody else created ends a rotation under way.
    pub(super) fn abandon_if_lost(&mut self, written: &str, by_function: bool) {
        if by_function {
            return;
        }
        if let Some(rotation) = self.rotation.take_if(|rotation| rotation.token != written) {
            self.secret.detach(AWSPENDING, &rotation.token);
            self.record(RotationEventName::RotationAbandoned, &rotation.token, None);
        }
    }

    fn step_failed(&self, rotation: &Rotation) -> String {
        format!(
            "Error when executing lambda {} during {} step",
            self.function(),
            rotation.step
        )
    }

    fn function(&self) -> &str {
        self.secret.rotation_function.as_deref().unwrap_or_default()
    }
}
