//! A rotation that the service has under way.

use std::time::SystemTime;

use rotation_core::{RotationEvent, SecretString, Step};

use super::invocation::Invocation;

/// A rotation that the service has under way.
#[derive(Debug)]
pub(super) struct Rotation {
    pub(super) token: String,
    pub(super) rotation_token: SecretString,
    pub(super) dry_run: bool,
    pub(super) step: Step,
    /// From 1; each replay of the whole process counts one up.
    pub(super) attempt: u32,
    /// When the step is to be invoked.
    pub(super) due: SystemTime,
    /// Whether it has been invoked and not reported yet.
    pub(super) running: bool,
}

impl Rotation {
    pub(super) fn is_replay(&self) -> bool {
        self.attempt > 1 && self.step == Step::CreateSecret
    }

    pub(super) fn is(&self, invocation: &Invocation) -> bool {
        let event = &invocation.event;
        let same_step = self.step == event.step() && self.attempt == invocation.attempt;
        same_step && self.token == event.client_request_token()
    }

    pub(super) fn invocation(&self, arn: &str, at: SystemTime) -> Option<Invocation> {
        let event = RotationEvent::new(arn, &self.token, self.step).ok()?;
        Some(Invocation {
            event: event
                .with_rotation_token(self.rotation_token.expose_secret())
                .ok()?,
            attempt: self.attempt,
            dry_run: self.dry_run,
            at,
        })
    }
}
