//! Which credentials are live, and retiring those that are not.

use crate::backend::CredentialBackend;
use crate::live::LiveIds;
use crate::retire::{Retire, Retirement};
use crate::store::{AWSPREVIOUS, SecretDescription, SecretStore, StoredVersion, VersionRef};

use super::Retired;
use super::attempt::{Attempt, Result};

/// A version that carries a label, other than the current one and the one being rotated in.
pub(super) struct Labelled<C> {
    pub(super) version: String,
    pub(super) is_previous: bool,
    /// It carries `AWSPREVIOUS` alone, which the promotion will take away.
    pub(super) falls_off: bool,
    /// `None` if the version has no value that can be read, or one that is no such credential: it
    /// must not block the rotation, and counts as a live credential without an id.
    pub(super) credential: Option<C>,
}

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
        mut previous: Option<StoredVersion>,
    ) -> Result<Vec<Labelled<B::Credential>>> {
        let mut found = Vec::new();
        for (version, stages) in &secret.versions {
            if stages.is_empty() || version == current || version == self.token() {
                continue;
            }
            let stored = match previous.take_if(|previous| previous.version_id == *version) {
                Some(stored) => Some(stored),
                None => self.read(VersionRef::Id(version)).await?.old_value()?,
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

    /// The ids of the current credential and of these.
    pub(super) fn live_ids<'c>(
        &self,
        current: &B::Credential,
        others: impl IntoIterator<Item = &'c Labelled<B::Credential>>,
    ) -> LiveIds
    where
        B::Credential: 'c,
    {
        let id_of = |other: &Labelled<B::Credential>| other.credential.as_ref().and_then(|c| self.id(c));
        LiveIds::new(others.into_iter().map(id_of).chain([self.id(current)]))
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

    pub(super) fn put_down(&mut self, version: &str, id: Option<String>, why: Retire, result: Retirement) {
        if id.is_none() {
            tracing::warn!(
                of_version = version,
                why = why.as_str(),
                %result,
                "a credential without an id is left as it is; end it by hand when nothing uses it any more"
            );
        } else {
            tracing::info!(of_version = version, id, why = why.as_str(), %result, "credential to be retired");
        }
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
        let call = self.backend.retire(&context, credential, why);
        self.backend(operation, self.deadline, call).await
    }
}
