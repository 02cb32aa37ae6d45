//! One rotation of a pair: who takes over from whom.

use rotation_core::{BackendError, Live, StepContext};

use crate::compare::compare;
use crate::difference::Difference;
use crate::document::{PostgresCredential, previous_login};
use crate::error::caused;
use crate::grants::missing_grants;
use crate::login::{Login, same_target};
use crate::names::{alternate, is_reserved};
use crate::owner::OwnerRole;
use crate::plan::Plan;
use crate::roles::{self, Names};
use crate::session::Session;

/// The logins, checked before any connection is made.
pub(super) struct Turn<'a> {
    pub(super) pending: Login,
    pub(super) current: Login,
    /// What the pending user logged in by before, if `AWSPREVIOUS` is that.
    pub(super) previous: Option<Login>,
    pub(super) superuser_secret: Option<&'a str>,
    pub(super) owner: Option<&'a OwnerRole>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        pending: &PostgresCredential,
        live: Live<'a, PostgresCredential>,
        owner: Option<&'a OwnerRole>,
    ) -> Result<Self, BackendError> {
        let current = live.current().login("current")?;
        let pending = pending.login("pending")?;
        same_target(&pending, &current)?;
        let other = alternate(&current.user)?;
        if pending.user != other {
            return Err(BackendError::misconfigured(format!(
                "the pending secret is for the user {:?}, and {:?} alternates with {other:?}. No connection \
                 was made. Remove AWSPENDING from this version and start a new rotation",
                pending.user, current.user
            )));
        }
        check_names(owner, &current.user, &pending.user)?;
        let previous = previous_login(live, &pending.user, &current);
        Ok(Self {
            pending,
            current,
            previous,
            superuser_secret: live.current().superuser_secret(),
            owner,
        })
    }

    pub(super) fn names(&self) -> Names<'_> {
        Names {
            current: &self.current.user,
            pending: &self.pending.user,
            owner: self.owner.map(OwnerRole::name),
        }
    }

    /// What the pending user lacks, from the catalogs as this session sees them.
    pub(super) async fn compare(
        &self,
        ctx: &StepContext<'_>,
        session: &Session,
        proven: bool,
    ) -> Result<Plan, BackendError> {
        let names = self.names();
        let unreadable = |failure| caused("the catalogs could not be read", failure);
        let roles = roles::read(session, ctx, names).await.map_err(unreadable)?;
        let mut plan = compare(&roles, names.pending, self.owner, proven)?;
        if plan.compare_grants {
            let grants = missing_grants(session, ctx, names).await.map_err(unreadable)?;
            let grants = grants
                .into_iter()
                .map(|statement| Difference::Grant { statement });
            plan.differences.extend(grants);
        }
        Ok(plan)
    }

    /// Somebody put another user into the secret: the one before is not of this pair, and nothing ends it.
    pub(super) fn warn_of_stranger(&self, live: Live<'_, PostgresCredential>) {
        let previous = live.previous().map(PostgresCredential::username);
        let ours = [&self.current.user, &self.pending.user];
        if let Some(user) = previous.filter(|user| ours.iter().all(|ours| ours != user)) {
            tracing::warn!(
                user,
                "AWSPREVIOUS is the login of a user who is not of this pair; it goes on working when this rotation takes \
                 that label off: disable it if nothing uses it"
            );
        }
    }
}

/// Fails for names that must not be touched.
pub(super) fn check_names(
    owner: Option<&OwnerRole>,
    current: &str,
    pending: &str,
) -> Result<(), BackendError> {
    if let Some(name) = [current, pending].into_iter().find(|name| is_reserved(name)) {
        return Err(BackendError::misconfigured(format!(
            "{name} is a reserved role (pg_…, rds…); such roles do not alternate"
        )));
    }
    match owner {
        Some(owner) => owner.check([current, pending]),
        None => Ok(()),
    }
}
