//! What every command has: the service, a backend, time, and whom it prints to and asks.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rotation_core::{BackendError, Clock, RandomSource, RandomUnavailable, SecretValue};
use rotation_secretsmanager::SecretsManagerStore;
use serde::Serialize;
use serde_json::json;

use crate::args::Output;
use crate::backend::{Backend, Subject};
use crate::console::Console;
use crate::error::{Error, Exit};
use crate::service::{Answer, Service};
use crate::state::{Facts, Pending, State, assess};
use crate::status::{Labels, Status};

/// How long a proof may take.
const PROOF: Duration = Duration::from_secs(30);

pub(crate) struct Session<'a, 'c> {
    pub(crate) service: Service,
    pub(crate) backend: Option<&'a dyn Backend>,
    pub(crate) clock: Arc<dyn Clock>,
    random: &'a dyn RandomSource,
    pub(crate) console: &'a mut Console<'c>,
    output: Output,
}

/// A secret as it was found.
pub(crate) struct Found {
    pub(crate) facts: Facts,
    pub(crate) state: State,
}

impl<'a, 'c> Session<'a, 'c> {
    pub(crate) fn new(
        service: Service,
        backend: Option<&'a dyn Backend>,
        clock: Arc<dyn Clock>,
        random: &'a dyn RandomSource,
        console: &'a mut Console<'c>,
        output: Output,
    ) -> Self {
        Self {
            service,
            backend,
            clock,
            random,
            console,
            output,
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(crate) async fn look(&self, secret: &str) -> Answer<Found> {
        let facts = self.service.look(secret).await?;
        let state = assess(&facts, self.now());
        Ok(Found { facts, state })
    }

    /// What is pending by now: somebody took their time to answer.
    pub(crate) async fn pending(&self, secret: &str) -> Answer<Option<Pending>> {
        Ok(self.look(secret).await?.state.pending().cloned())
    }

    pub(crate) fn store(&self) -> SecretsManagerStore {
        SecretsManagerStore::new(self.service.client().clone())
    }

    /// The backend's proof that the credential of a version works.
    pub(crate) async fn prove(
        &self,
        backend: &dyn Backend,
        facts: &Facts,
        version: &str,
        value: &SecretValue,
    ) -> Result<(), BackendError> {
        let subject = Subject {
            arn: &facts.described.arn,
            version,
            limit: PROOF,
        };
        backend
            .test(subject, value, &self.store(), self.clock.as_ref())
            .await
    }

    /// A client request token of this tool's own.
    pub(crate) fn token(&self) -> Result<String, RandomUnavailable> {
        token(self.random)
    }

    /// Says what is to be done, and asks.
    pub(crate) fn confirm(&mut self, found: &Found, plan: &[String], yes: bool) -> Result<(), Error> {
        let Found { facts, state } = found;
        self.console
            .say(format_args!("{}: {}", facts.name, state.summary()));
        for line in plan {
            self.console.say(format_args!("- {line}"));
        }
        if yes {
            return Ok(());
        }
        if !self.console.can_ask() {
            return Err(Error::NotConfirmed(
                "there is no terminal to ask on; confirm with --yes",
            ));
        }
        match self.console.ask("Go on?") {
            true => Ok(()),
            false => Err(Error::NotConfirmed("not confirmed")),
        }
    }

    /// Prints a result of one of two forms.
    pub(crate) fn print(&mut self, text: &str, json: &impl Serialize) -> Result<(), Error> {
        match self.output {
            Output::Text => self.console.result(text)?,
            Output::Json => self.console.result(json!(json))?,
        }
        Ok(())
    }

    /// Looks again, and prints what a command did: an outcome, the labels before, the state after.
    pub(crate) async fn close(&mut self, ending: Ending<'_>) -> Result<Exit, Error> {
        let now = self.now();
        let before = Status::of(ending.before, now);
        let after = match self.service.look(&ending.before.asked).await {
            Ok(facts) => Status::of(&facts, now),
            Err(error) => {
                self.console.say(format_args!(
                    "rotation: {}, but the labels after it were not to be seen: {error}",
                    ending.says
                ));
                before.clone()
            }
        };
        let text = format!(
            "{}\n\nbefore:\n{}\nafter:\n{after}",
            ending.says,
            Labels(&before.versions)
        );
        let json = json!({
            "command": ending.command,
            "outcome": ending.outcome,
            "says": ending.says,
            "before": before.versions,
            "after": after,
        });
        self.print(&text, &json)?;
        Ok(ending.exit)
    }
}

/// A random UUID, version 4.
fn token(random: &dyn RandomSource) -> Result<String, RandomUnavailable> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    Ok(parts.join("-"))
}

/// How a command that changes something ended.
pub(crate) struct Ending<'a> {
    pub(crate) command: &'static str,
    /// Lower-case words joined by underscores; stable.
    pub(crate) outcome: &'static str,
    pub(crate) says: String,
    pub(crate) before: &'a Facts,
    pub(crate) exit: Exit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct All(u8);

    impl RandomSource for All {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_token_is_a_random_uuid() {
        assert_eq!(token(&All(0)).unwrap(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(token(&All(0xff)).unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
