//! Two users that take turns: while one is current, the other gets the next password.

mod by_superuser;
mod disable;
mod own_session;
mod turn;

use rotation_core::{
    BackendError, CredentialBackend, Live, PasswordPolicy, Profile, Retire, Retirement, StepContext,
    async_trait,
};

use crate::connections::Connections;
use crate::default_policy;
use crate::document::PostgresCredential;
use crate::error::caused;
use crate::names::alternate;
use crate::owner::OwnerRole;
use crate::proof::prove;
use crate::session::Session;
use crate::superuser::{SameHost, Superuser, SuperuserHosts};

use by_superuser::{Need, mend};
use own_session::OwnSession;
use turn::{Turn, check_names};

/// Rotates between two users, `app` and `app_clone`, as AWS's template
/// SecretsManagerRDSPostgreSQLRotationMultiUser does: the user of `AWSCURRENT` is never touched, so
/// that it can log in at every instant.
///
/// The pending user changes its own password, logged in by `AWSPREVIOUS`. Every rotation compares the
/// two users in the catalogs: memberships, grants, `ALTER ROLE … SET`, connection limit, validity. The
/// superuser secret that `masterarn` names is read only to mend a difference that the user itself
/// cannot, to create the second user, or when no version of the secret logs in as the pending user;
/// and only after the current user has logged in. Without `masterarn` the error names the statements to
/// run instead.
///
/// A superseded credential ([`Grace::None`](rotation_core::Grace::None)) loses its password and its sessions.
///
/// | what differs | what happens |
/// |---|---|
/// | the second user does not exist | created, as a member of the first or of the owner role |
/// | a membership of the current user | granted, without ADMIN OPTION |
/// | a setting, the connection limit, the validity | made equal to the current user's |
/// | grants on objects, default privileges (the rotated secret's database) | granted, if the pending user cannot inherit them |
/// | CREATEDB and other attributes; what the second user owns | reported in the log |
///
/// Superusers, the superuser secret's own user and reserved roles are refused. The secret's document is
/// that of [`PostgresCredential`].
#[derive(Clone, Debug)]
pub struct AlternatingUsers {
    connections: Connections,
    policy: PasswordPolicy,
    superuser: Superuser,
    owner: Option<OwnerRole>,
}

impl AlternatingUsers {
    /// Rotates users that are reached by these connections, with the password policy of AWS's template.
    #[must_use]
    pub fn new(connections: Connections) -> Self {
        Self {
            connections,
            policy: default_policy(),
            superuser: Superuser::new(SameHost::named()),
            owner: None,
        }
    }

    /// Makes passwords by this policy.
    #[must_use]
    pub fn with_password_policy(mut self, policy: PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Has both users act as this role, which owns what they make.
    #[must_use]
    pub fn with_owner_role(mut self, owner: OwnerRole) -> Self {
        self.owner = Some(owner);
        self
    }

    /// A rule of the caller's for where the superuser logs in. Unless set, the superuser secret has to
    /// name the rotated secret's host.
    #[must_use]
    pub fn with_superuser_at(mut self, hosts: impl SuperuserHosts) -> Self {
        self.superuser = Superuser::new(hosts);
        self
    }
}

#[async_trait]
impl CredentialBackend for AlternatingUsers {
    type Credential = PostgresCredential;

    fn profile(&self) -> Profile {
        Profile::chosen("postgres-alternating-users").reads_previous()
    }

    fn id(&self, credential: &PostgresCredential) -> Option<String> {
        Some(credential.username.clone())
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, PostgresCredential>,
    ) -> Result<PostgresCredential, BackendError> {
        let current = live.current().login("current")?;
        let mut next = live.current().clone();
        next.username = alternate(&current.user)?;
        check_names(self.owner.as_ref(), &current.user, &next.username)?;
        next.password = self.policy.generate(ctx.random())?;
        Ok(next)
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &PostgresCredential,
        live: Live<'_, PostgresCredential>,
    ) -> Result<(), BackendError> {
        let turn = Turn::new(pending, live, self.owner.as_ref())?;
        turn.warn_of_stranger(live);
        let (current, own) = tokio::join!(
            self.current_session(ctx, &turn),
            own_session::open(&self.connections, ctx, &turn)
        );
        let (current, own) = (current?, own?);
        let plan = turn.compare(ctx, &current, own.is_proven()).await?;
        current.close(ctx).await;
        plan.warn();
        let need = match own {
            OwnSession::In {
                session,
                has_password,
            } if plan.is_for(&turn.pending.user) => {
                match own_session::change(ctx, &turn, *session, has_password, &plan).await? {
                    None => return Ok(()),
                    Some(need) => need,
                }
            }
            OwnSession::In { has_password, .. } => Need {
                why: "the two users differ".to_owned(),
                proven: true,
                has_password,
            },
            OwnSession::Out(need) => need,
        };
        mend(&self.superuser, &self.connections, ctx, &turn, need, &plan).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &PostgresCredential) -> Result<(), BackendError> {
        prove(&self.connections, ctx, pending, self.owner.as_ref()).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &PostgresCredential,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        match why {
            Retire::Superseded => disable::disable(&self.connections, ctx, credential).await,
            _ => Ok(Retirement::kept(
                "setSecret of the next rotation overwrites this user's password",
            )),
        }
    }
}

impl AlternatingUsers {
    /// Proves that the current user works, before anything is changed.
    async fn current_session(&self, ctx: &StepContext<'_>, turn: &Turn<'_>) -> Result<Session, BackendError> {
        let opened = self.connections.open(ctx, &turn.current).await;
        opened.map_err(|failure| {
            let user = &turn.current.user;
            caused(
                format!("the current user {user} could not log in; nothing was changed"),
                failure,
            )
        })
    }
}
