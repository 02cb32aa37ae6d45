//! The backend: what is particular to access keys of Forge.

use std::collections::BTreeSet;
use std::time::Duration;

use rotation_core::{
    Applied, BackendError, CredentialBackend, Live, Profile, Retire, Retirement, SecretString, StepContext,
    async_trait,
};
use serde::{Deserialize, Serialize};

use crate::api::{Account, Api, Switched};
use crate::label::{Label, hash};
use crate::slots::{Maker, plan};

/// What the secret's document holds of a key. Its other fields survive a rotation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccessKey {
    /// The service account, which stays the same.
    pub account: String,
    /// The key's id, which is not secret.
    pub key_id: String,
    /// Its value.
    pub key: SecretString,
}

/// Rotates the access keys of service accounts of Forge.
#[derive(Debug)]
pub struct ForgeKeys {
    api: Api,
    admin: String,
    accounts: BTreeSet<String>,
    most: usize,
}

impl ForgeKeys {
    /// With the admin token that is the value of this secret, and for these accounts only: the token could
    /// make keys for any, and whoever may write to the rotated secret chooses what stands there.
    pub fn new(
        api: Api,
        admin_secret: impl Into<String>,
        accounts: impl IntoIterator<Item = String>,
    ) -> Self {
        let (admin, accounts) = (admin_secret.into(), accounts.into_iter().collect());
        Self {
            api,
            admin,
            accounts,
            most: 2,
        }
    }

    /// For a Forge that allows an account so many keys. 2 unless set, as Forge does.
    #[must_use]
    pub fn with_keys_per_account(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// The account that this key is for, once it is clear that it may be administered.
    async fn account<'k>(
        &self,
        ctx: &StepContext<'_>,
        key: &'k AccessKey,
    ) -> Result<Account<'k>, BackendError> {
        let name = &key.account;
        if !self.accounts.contains(name) {
            return Err(BackendError::misconfigured(
                "the account in the secret is not one of FORGE_ACCOUNTS; correct the secret, or add it there",
            ));
        }
        let admin = ctx.read_secret(&self.admin).await?;
        Ok(Account { name, admin })
    }

    /// Switches a key off and deletes it; whether there was one.
    async fn end(
        &self,
        ctx: &StepContext<'_>,
        account: &Account<'_>,
        id: &str,
    ) -> Result<bool, BackendError> {
        match self.api.switch(ctx, account, id, false).await? {
            Switched::Gone => Ok(false),
            Switched::Done | Switched::Blocked => self.api.delete(ctx, account, id).await,
        }
    }
}

/// How often a key is tried that Forge does not know yet, and how long to wait in between: its nodes learn of
/// a change within seconds.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

#[async_trait]
impl CredentialBackend for ForgeKeys {
    type Credential = AccessKey;

    fn profile(&self) -> Profile {
        Profile::minted("forge-access-key").activated_in_set()
    }

    fn id(&self, key: &AccessKey) -> Option<String> {
        Some(key.key_id.clone())
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, AccessKey>,
    ) -> Result<AccessKey, BackendError> {
        let account = self.account(ctx, live.current()).await?;
        let keys = self.api.list(ctx, &account).await?;
        let maker = Maker {
            secret: &hash(ctx.secret_arn()),
            token: ctx.version(),
            as_of: ctx.as_of(),
            most: self.most,
            current: &live.current().key_id,
            all_identified: live.all_identified(),
        };
        for orphan in plan(&keys, &maker, |id| live.protects(id))? {
            self.end(ctx, &account, &orphan).await?;
        }
        let made = self
            .api
            .create(ctx, &account, &Label::of(ctx).to_string())
            .await?;
        Ok(AccessKey {
            account: account.name.to_owned(),
            key_id: made.id,
            key: made.key,
        })
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &AccessKey,
        live: Live<'_, AccessKey>,
    ) -> Result<(), BackendError> {
        if pending.account != live.current().account {
            return Err(BackendError::misconfigured(
                "AWSPENDING has another account than AWSCURRENT; take the label off, and start a new rotation",
            ));
        }
        let account = self.account(ctx, pending).await?;
        match self.api.switch(ctx, &account, &pending.key_id, true).await? {
            Switched::Done => Ok(()),
            Switched::Blocked => Err(BackendError::rejected(
                "Forge has blocked the new key for good",
                Applied::Nothing,
            )),
            Switched::Gone => Err(BackendError::misconfigured(
                "Forge does not have the key of AWSPENDING any more; take the label off, and start a new rotation",
            )),
        }
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &AccessKey) -> Result<(), BackendError> {
        for try_number in 1..=TRIES {
            if let Some(who) = self.api.whoami(ctx, &pending.key).await? {
                // A wrong id would have another key ended one day.
                return match who.id == pending.key_id && who.account == pending.account {
                    true => Ok(()),
                    false => Err(BackendError::misconfigured(
                        "the key works, and is that of another key_id or account than the secret says",
                    )),
                };
            }
            if try_number < TRIES {
                ctx.sleep(PAUSE).await?;
            }
        }
        Err(BackendError::unavailable(
            "Forge does not know the key, or not yet",
        ))
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        key: &AccessKey,
        _: Retire,
    ) -> Result<Retirement, BackendError> {
        let account = self.account(ctx, key).await?;
        match self.end(ctx, &account, &key.key_id).await? {
            true => Ok(Retirement::Retired),
            false => Ok(Retirement::AlreadyGone),
        }
    }
}
