//! setSecret: makes the pending credential valid in the target.

use crate::backend::CredentialBackend;
use crate::live::{Live, LiveIds};
use crate::stages::Verdict;
use crate::store::{AWSCURRENT, AWSPENDING, SecretStore};

use super::attempt::{Attempt, decode};
use super::calls::Result;
use super::read::Wants;
use super::report::Outcome;

const SET: &str = "make the pending credential valid";

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn set(&mut self) -> Result<Outcome> {
        let profile = self.profile();
        let snapshot = self
            .calls
            .load(Wants {
                current: profile.sets,
                pending: true,
                previous: profile.sets && profile.reads_previous,
            })
            .await?;
        let secret = snapshot.description;
        let Verdict::Proceed { current: version } = self.verdict(&secret)? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let stored = self.calls.await_pending(snapshot.pending).await?;
        if !profile.sets {
            return Ok(Outcome::NothingToSet);
        }
        let pending: B::Credential = decode(AWSPENDING, &stored.value)?;
        let current: B::Credential = decode(AWSCURRENT, &snapshot.current.current(version)?.value)?;
        let previous = snapshot.previous.old_value()?;
        let previous = previous.and_then(|previous| self.readable(&previous));
        let known = [Some(&current), Some(&pending), previous.as_ref()];
        let ids = known.into_iter().flatten().map(|credential| self.id(credential));
        // Versions with other labels were not read.
        let ids = LiveIds::new(ids).incomplete();
        let live = Live::new(&current, previous.as_ref(), &ids);
        let deadline = self.calls.deadline();
        let context = self.context(&secret, deadline);
        let call = self.backend.set(&context, &pending, live);
        let result = self.calls.until(deadline, SET, call).await?;
        self.give_up_if_rejected(&secret, (&stored, &pending), SET, result)
            .await?;
        Ok(Outcome::Set)
    }
}
