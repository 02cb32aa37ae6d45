//! Which credentials are live, and retiring those that are not.

use crate::backend::{CredentialBackend, LiveIds, Retire, Retirement};
use crate::store::{AWSPREVIOUS, SecretDescription, SecretStore, StoredVersion, VersionRef};

use super::Retired;
use super::attempt::{Attempt, Result};

/// A version that carries a label, other than the current one and the one being rotated in.
pub(super) struct Labelled<C> {
    version: String,
    pub(super) is_previous: bool,
    /// It carries `AWSPREVIOUS` alone, which the promotion will take away.
    pub(super) falls_off: bool,
    /// `None` if the version has no value, or one that is no such credential: an old version that
    /// nobody can read must not block the rotation, and counts as a live credential without an id.
    pub(super) credential: Option<C>,
}

const UNREADABLE: &str = "the version's value cannot be read, so its credential counts as live";

/// Why a credential may not be retired, if it may not.
pub(super) fn objection(id: Option<&str>, protected: &LiveIds) -> Option<&'static str> {
    match id {
        None => Some("it has no id, so it counts as live"),
        Some(id) if protected.contains(id) => Some("a labelled version holds the credential of the same id"),
        Some(_) => None,
    }
}

impl<B: CredentialBackend, S: SecretStore> Attempt<'_, B, S> {
    /// The other labelled versions with their credentials. `previous` is what the first round read
    /// under `AWSPREVIOUS`; versions with labels of the operator's own are rare and are read one by
    /// one.
    pub(super) async fn labelled(
        &self,
        secret: &SecretDescription,
        current: &str,
        previous: Option<StoredVersion>,
    ) -> Result<Vec<Labelled<B::Credential>>> {
        let mut previous = previous;
        let mut found = Vec::new();
        for (version, stages) in &secret.versions {
            if stages.is_empty() || version == current || version == self.token() {
                continue;
            }
            let stored = match previous.take_if(|previous| previous.version_id == *version) {
                Some(stored) => Some(stored),
                None => self.read(VersionRef::Id(version)).await?,
            };
            found.push(Labelled {
                version: version.clone(),
                is_previous: stages.iter().any(|stage| stage == AWSPREVIOUS),
                falls_off: stages.iter().all(|stage| stage == AWSPREVIOUS),
                credential: stored.and_then(|stored| self.readable(&stored)),
            });
        }
        Ok(found)
    }

    /// The credential in an old version, or a warning.
    pub(super) fn readable(&self, stored: &StoredVersion) -> Option<B::Credential> {
        let decoded = stored.value.decode();
        if let Err(error) = &decoded {
            tracing::warn!(of_version = stored.version_id, %error, "{UNREADABLE}");
        }
        decoded.ok()
    }

    pub(super) fn id(&self, credential: &B::Credential) -> Option<String> {
        self.backend.id(credential)
    }

    /// The ids of the current credential and of these.
    pub(super) fn live_ids(&self, current: &B::Credential, others: &[Labelled<B::Credential>]) -> LiveIds {
        let others = others
            .iter()
            .map(|other| other.credential.as_ref().and_then(|c| self.id(c)));
        LiveIds::new(others.chain([self.id(current)]))
    }

    /// Retires a credential, unless it is protected, and puts down what became of it.
    pub(super) async fn retire(
        &mut self,
        secret: &SecretDescription,
        (version, credential): (&str, &B::Credential),
        why: Retire,
        protected: &LiveIds,
    ) -> Result<()> {
        let id = self.id(credential);
        let result = match objection(id.as_deref(), protected) {
            Some(objection) => Retirement::kept(objection),
            None => self.call_retire(secret, credential, why).await?,
        };
        self.put_down(version, id, why, result);
        Ok(())
    }

    fn put_down(&mut self, version: &str, id: Option<String>, why: Retire, result: Retirement) {
        tracing::info!(of_version = version, id, why = why.as_str(), %result, "credential to be retired");
        let version = version.to_owned();
        self.retired.push(Retired {
            version,
            id,
            why,
            result,
        });
    }

    async fn call_retire(
        &self,
        secret: &SecretDescription,
        credential: &B::Credential,
        why: Retire,
    ) -> Result<Retirement> {
        let context = self.context(secret, self.deadline);
        let operation = match why {
            Retire::FallingOff => "retire the AWSPREVIOUS credential",
            Retire::Superseded => "retire the superseded credential",
            Retire::NotStored => "retire the credential that could not be stored",
            Retire::Rejected => "retire the rejected credential",
        };
        self.backend(
            operation,
            self.deadline,
            self.backend.retire(&context, credential, why),
        )
        .await
    }

    /// Retires what is about to lose its last label, after the current credential has proved that
    /// it works: an operator may have stored a broken one, and then the previous is the way back.
    pub(super) async fn retire_falling_off(
        &mut self,
        secret: &SecretDescription,
        current: &B::Credential,
        labelled: &[Labelled<B::Credential>],
    ) -> Result<()> {
        let Some(falling) = labelled.iter().find(|other| other.falls_off) else {
            return Ok(());
        };
        let Some(credential) = &falling.credential else {
            self.put_down(
                &falling.version,
                None,
                Retire::FallingOff,
                Retirement::kept(UNREADABLE),
            );
            return Ok(());
        };
        let others = labelled.iter().filter(|other| other.version != falling.version);
        let others = others.map(|other| other.credential.as_ref().and_then(|c| self.id(c)));
        let protected = LiveIds::new(others.chain([self.id(current)]));
        if objection(self.id(credential).as_deref(), &protected).is_none() {
            self.test_current(secret, current).await?;
        }
        let falling = (falling.version.as_str(), credential);
        self.retire(secret, falling, Retire::FallingOff, &protected)
            .await?;
        Ok(())
    }
}
