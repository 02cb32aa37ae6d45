//! testSecret: proves that the pending credential works.

use crate::backend::CredentialBackend;
use crate::stages::Verdict;
use crate::store::{AWSPENDING, SecretStore};

use super::attempt::{Attempt, decode};
use super::calls::Result;
use super::read::Wants;
use super::report::Outcome;

const TEST: &str = "prove that the pending credential works";

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    pub(in crate::rotator) async fn test(&mut self) -> Result<Outcome> {
        let snapshot = self
            .calls
            .load(Wants {
                pending: true,
                ..Wants::default()
            })
            .await?;
        let secret = snapshot.description;
        let Verdict::Proceed { .. } = self.verdict(&secret)? else {
            return Ok(Outcome::AlreadyCurrent);
        };
        let stored = self.calls.await_pending(snapshot.pending).await?;
        let pending: B::Credential = decode(AWSPENDING, &stored.value)?;
        let deadline = self.calls.deadline();
        let context = self.context(&secret, deadline);
        let call = self.backend.test(&context, &pending);
        let result = self.calls.until(deadline, TEST, call).await?;
        self.give_up_if_rejected(&secret, (&stored, &pending), TEST, result)
            .await?;
        Ok(Outcome::Tested)
    }
}
