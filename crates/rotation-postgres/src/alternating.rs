//! Two users that take turns: while one is current, the other gets the next password.

mod mend;

use rotation_core::{
    BackendError, CredentialBackend, Live, PasswordPolicy, Profile, Retire, Retirement, StepContext,
    async_trait,
};

use crate::connections::Connections;
use crate::default_policy;
use crate::difference::{Difference, statements};
use crate::document::{PostgresCredential, previous_login};
use crate::error::{DatabaseError, FailureKind, caused};
use crate::login::{Login, same_target};
use crate::names::{alternate, is_reserved};
use crate::owner::OwnerRole;
use crate::plan::{Plan, plan};
use crate::roles::{self, Names};
use crate::session::Session;
use crate::sql::identifier;
use crate::superuser::{SameHost, Superuser, SuperuserHosts};

use mend::Why;

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
        self.check_names(&current.user, &next.username)?;
        next.password = self.policy.generate(ctx.random())?;
        Ok(next)
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &PostgresCredential,
        live: Live<'_, PostgresCredential>,
    ) -> Result<(), BackendError> {
        let turn = self.turn(pending, live)?;
        warn_of_stranger(live, &turn);
        let (current, own) = tokio::join!(
            self.connections.open(ctx, &turn.current),
            self.own_session(ctx, &turn)
        );
        let current = current.map_err(|failure| {
            let user = &turn.current.user;
            caused(
                format!("the current user {user} could not log in; nothing was changed"),
                failure,
            )
        })?;
        let own = own?;
        let plan = self.compare(ctx, &current, &turn, own.is_proven()).await?;
        current.close(ctx).await;
        for warning in &plan.warnings {
            tracing::warn!("{warning}");
        }
        match own {
            Own::In { session, set } if plan.differences.iter().all(|d| d.by(&turn.pending.user)) => {
                self.change_own(ctx, &turn, *session, set, &plan).await
            }
            Own::In { set, .. } => {
                let why = Why {
                    text: "the two users differ",
                    proven: true,
                    logs_in: set,
                };
                self.by_superuser(ctx, &turn, why, &plan).await
            }
            Own::Out { why, proven } => {
                let why = Why {
                    text: &why,
                    proven,
                    logs_in: false,
                };
                self.by_superuser(ctx, &turn, why, &plan).await
            }
        }
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &PostgresCredential) -> Result<(), BackendError> {
        crate::test_login(&self.connections, ctx, pending, self.owner.as_ref()).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &PostgresCredential,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        match why {
            Retire::Superseded => self.disable(ctx, credential).await,
            _ => Ok(Retirement::kept(
                "setSecret of the next rotation overwrites this user's password",
            )),
        }
    }
}

/// One rotation's logins, checked before any connection is made.
struct Turn {
    pending: Login,
    current: Login,
    previous: Option<Login>,
    superuser_secret: Option<String>,
}

/// The pending user's own session, if it has one.
enum Own {
    In {
        session: Box<Session>,
        /// It logged in by the pending password: an earlier try got this far.
        set: bool,
    },
    Out {
        why: String,
        /// A version's password was right, and something else was in the way.
        proven: bool,
    },
}

impl Own {
    /// Whether the role is known to be this secret's.
    fn is_proven(&self) -> bool {
        match self {
            Self::In { .. } => true,
            Self::Out { proven, .. } => *proven,
        }
    }
}

impl AlternatingUsers {
    fn check_names(&self, current: &str, pending: &str) -> Result<(), BackendError> {
        if let Some(name) = [current, pending].into_iter().find(|name| is_reserved(name)) {
            return Err(BackendError::misconfigured(format!(
                "{name} is a reserved role (pg_…, rds…); such roles do not alternate"
            )));
        }
        match &self.owner {
            Some(owner) => owner.check([current, pending]),
            None => Ok(()),
        }
    }

    fn turn(
        &self,
        pending: &PostgresCredential,
        live: Live<'_, PostgresCredential>,
    ) -> Result<Turn, BackendError> {
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
        self.check_names(&current.user, &pending.user)?;
        let previous = previous_login(live, &pending.user, &current);
        Ok(Turn {
            superuser_secret: live.current().superuser_secret().map(str::to_owned),
            pending,
            current,
            previous,
        })
    }

    /// Logs in as the pending user: by the password that it should have, then by the one that it is to
    /// get, which works where an earlier try got this far.
    async fn own_session(&self, ctx: &StepContext<'_>, turn: &Turn) -> Result<Own, BackendError> {
        let user = &turn.pending.user;
        let rungs = [
            ("AWSPREVIOUS", turn.previous.as_ref(), false),
            ("AWSPENDING", Some(&turn.pending), true),
        ];
        for (label, login, set) in rungs {
            let Some(login) = login else { continue };
            match self.connections.open(ctx, login).await {
                Ok(session) => {
                    let session = Box::new(session);
                    return Ok(Own::In { session, set });
                }
                Err(failure) if failure.kind() == FailureKind::WrongPassword => {}
                // Said only after a right password: NOLOGIN, and no CONNECT on the database.
                Err(failure)
                    if matches!(failure.kind(), FailureKind::LoginDisabled | FailureKind::Denied) =>
                {
                    return Ok(Own::Out {
                        why: format!("{user} may not log in ({failure})"),
                        proven: true,
                    });
                }
                Err(failure) => {
                    return Err(caused(format!("{user} could not log in by {label}"), failure));
                }
            }
        }
        Ok(Own::Out {
            why: format!("no version of the secret logs in as {user}"),
            proven: false,
        })
    }

    async fn compare(
        &self,
        ctx: &StepContext<'_>,
        session: &Session,
        turn: &Turn,
        proven: bool,
    ) -> Result<Plan, BackendError> {
        let names = self.names(turn);
        let unreadable = |failure| caused("the catalogs could not be read", failure);
        let roles = roles::read(session, ctx, names).await.map_err(unreadable)?;
        let mut plan = plan(&roles, names.pending, self.owner.as_ref(), proven)?;
        if plan.compare_grants {
            let grants = roles::missing_grants(session, ctx, names)
                .await
                .map_err(unreadable)?;
            let grants = grants
                .into_iter()
                .map(|statement| Difference::Grant { statement });
            plan.differences.extend(grants);
        }
        Ok(plan)
    }

    fn names<'a>(&'a self, turn: &'a Turn) -> Names<'a> {
        Names {
            current: &turn.current.user,
            pending: &turn.pending.user,
            owner: self.owner.as_ref().map(OwnerRole::name),
        }
    }

    /// The steady state: the pending user changes what is its own.
    async fn change_own(
        &self,
        ctx: &StepContext<'_>,
        turn: &Turn,
        session: Session,
        set: bool,
        plan: &Plan,
    ) -> Result<(), BackendError> {
        let user = &turn.pending.user;
        let password = (!set).then_some(&turn.pending.password);
        let Some(sql) = statements(plan.differences.iter(), user, password) else {
            session.close(ctx).await;
            return Ok(());
        };
        let changed = session.change(ctx, &sql).await;
        session.close(ctx).await;
        match changed {
            Ok(_) => Ok(()),
            // rds.restrict_password_commands, a setting for superusers only, a reader endpoint.
            Err(failure) if matches!(failure.kind(), FailureKind::Denied | FailureKind::ReadOnly) => {
                let why = format!("{user} could not change itself: {failure}");
                let why = Why {
                    text: &why,
                    proven: true,
                    logs_in: set,
                };
                self.by_superuser(ctx, turn, why, plan).await
            }
            Err(failure) => Err(caused(format!("{user} could not change its password"), failure)),
        }
    }

    /// Ends the login of a superseded credential, as that user itself: it needs no more rights.
    async fn disable(
        &self,
        ctx: &StepContext<'_>,
        credential: &PostgresCredential,
    ) -> Result<Retirement, BackendError> {
        let login = credential.login("superseded")?;
        let user = &login.user;
        let could_not = |failure: DatabaseError| {
            caused(
                format!("the superseded login of {user} could not be disabled, and may still work"),
                failure,
            )
        };
        let session = match self.connections.open(ctx, &login).await {
            Ok(session) => session,
            Err(failure)
                if matches!(
                    failure.kind(),
                    FailureKind::WrongPassword | FailureKind::LoginDisabled
                ) =>
            {
                return Ok(Retirement::AlreadyGone);
            }
            Err(failure) => return Err(could_not(failure)),
        };
        // Whoever is logged in could set a password of his own. Twice: somebody may log in before the commit.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE usename = current_user AND pid <> pg_backend_pid()";
        let sql = format!("ALTER ROLE {} PASSWORD NULL; {end}", identifier(user));
        let changed = match session.change(ctx, &sql).await {
            Ok(_) => session.run(ctx, end).await,
            Err(failure) => Err(failure),
        };
        session.close(ctx).await;
        changed.map_err(could_not)?;
        Ok(Retirement::Retired)
    }
}

/// Somebody put another user into the secret: the one before is not of this pair, and nothing ends it.
fn warn_of_stranger(live: Live<'_, PostgresCredential>, turn: &Turn) {
    let previous = live.previous().map(PostgresCredential::username);
    let ours = [&turn.current.user, &turn.pending.user];
    if let Some(user) = previous.filter(|user| ours.iter().all(|ours| ours != user)) {
        tracing::warn!(
            user,
            "AWSPREVIOUS is the login of a user who is not of this pair; it goes on working when this rotation takes \
             that label off: disable it if nothing uses it"
        );
    }
}
