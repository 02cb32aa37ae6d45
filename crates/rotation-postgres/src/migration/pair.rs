//! The two users that a secret alternates between, as its versions have them.

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, BackendError, SecretStore, VersionRef};

use crate::document::PostgresCredential;
use crate::login::{Login, same_target};
use crate::names::alternate;
use crate::owner::OwnerRole;

pub(super) struct LoginPair {
    /// Of `AWSCURRENT` and of `AWSPREVIOUS`.
    pub(super) logins: [Login; 2],
    pub(super) superuser_secret: Option<String>,
}

impl LoginPair {
    /// Reads the secret. Fails if a rotation is under way, or if the two versions are not a pair.
    pub(super) async fn read(
        store: &impl SecretStore,
        secret: &str,
        owner: &OwnerRole,
    ) -> Result<Self, BackendError> {
        check_no_rotation(store, secret).await?;
        let (current, previous) = tokio::join!(
            store.read(secret, VersionRef::Stage(AWSCURRENT)),
            store.read(secret, VersionRef::Stage(AWSPREVIOUS)),
        );
        let current: PostgresCredential = current?.value.decode()?;
        let superuser_secret = current.superuser_secret().map(str::to_owned);
        let current = current.login("current")?;
        let other = alternate(&current.user)?;
        owner.check([&current.user, &other])?;
        let previous: PostgresCredential = previous.map_err(|_| not_both(&other))?.value.decode()?;
        let previous = previous.login("previous")?;
        if previous.user != other || same_target(&previous, &current).is_err() {
            return Err(not_both(&other));
        }
        Ok(Self {
            logins: [current, previous],
            superuser_secret,
        })
    }

    pub(super) fn current(&self) -> &Login {
        let [current, _] = &self.logins;
        current
    }

    pub(super) fn names(&self) -> [&str; 2] {
        self.logins.each_ref().map(|login| login.user.as_str())
    }
}

async fn check_no_rotation(store: &impl SecretStore, secret: &str) -> Result<(), BackendError> {
    let described = store.describe(secret).await?;
    let current = described.version_with(AWSCURRENT);
    match described.version_with(AWSPENDING) {
        Some(pending) if Some(pending) != current => Err(BackendError::misconfigured(
            "a rotation of this secret is under way; wait until it has ended, or end it, and plan anew",
        )),
        _ => Ok(()),
    }
}

fn not_both(other: &str) -> BackendError {
    BackendError::misconfigured(format!(
        "AWSPREVIOUS is not a login of {other}, and both users have to log in; rotate the secret \
         once more as alternating users, then plan anew"
    ))
}
