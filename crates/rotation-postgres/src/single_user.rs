//! One user, whose password is changed in place.

use rotation_core::{
    BackendError, CredentialBackend, Live, PasswordPolicy, Profile, Retire, Retirement, StepContext,
    async_trait,
};

use crate::connections::Connections;
use crate::default_policy;
use crate::document::{PostgresCredential, previous_login};
use crate::error::{DatabaseError, FailureKind, caused};
use crate::login::{Login, same_target};
use crate::names::is_reserved;
use crate::proof::prove;
use crate::roles::{self, Names, Role};
use crate::session::Session;
use crate::sql::set_password;
use crate::superuser::{SameHost, Superuser, SuperuserHosts, explain};

/// Rotates the password of one user, as AWS's template SecretsManagerRDSPostgreSQLRotationSingleUser
/// does. Any user may be rotated so, a master user included: it changes its own password.
///
/// Between setSecret and finishSecret, a few seconds as a rule, `AWSCURRENT` is the password of before
/// and new logins with it fail; sessions that exist go on. Where that is too long, use
/// [`AlternatingUsers`](crate::AlternatingUsers).
///
/// setSecret tries the logins in the order in which they should work: `AWSCURRENT`; the pending one,
/// which works where an earlier try got this far; `AWSPREVIOUS`. So a rotation without trouble makes
/// two connections and no login that fails. Only a wrong password leads on to the next: a network
/// failure is not one.
///
/// The secret's document is that of [`PostgresCredential`].
#[derive(Clone, Debug)]
pub struct SingleUser {
    connections: Connections,
    policy: PasswordPolicy,
    superuser: Option<Superuser>,
}

impl SingleUser {
    /// Rotates users that are reached by these connections, with the password policy of AWS's template.
    #[must_use]
    pub fn new(connections: Connections) -> Self {
        Self {
            connections,
            policy: default_policy(),
            superuser: None,
        }
    }

    /// Makes passwords by this policy.
    #[must_use]
    pub fn with_password_policy(mut self, policy: PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Lets the superuser secret that `masterarn` names set the password where the user cannot: when
    /// none of the secret's versions logs in any more, or where `rds.restrict_password_commands`
    /// keeps users from changing their own. Superusers and reserved roles are refused.
    #[must_use]
    pub fn assisted_by_superuser(self) -> Self {
        self.assisted_by_superuser_at(SameHost::named())
    }

    /// The same, with a rule of the caller's for where the superuser logs in.
    #[must_use]
    pub fn assisted_by_superuser_at(mut self, hosts: impl SuperuserHosts) -> Self {
        self.superuser = Some(Superuser::new(hosts));
        self
    }
}

#[async_trait]
impl CredentialBackend for SingleUser {
    type Credential = PostgresCredential;

    fn profile(&self) -> Profile {
        Profile::chosen("postgres-single-user").reads_previous()
    }

    fn id(&self, credential: &PostgresCredential) -> Option<String> {
        Some(credential.username.clone())
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, PostgresCredential>,
    ) -> Result<PostgresCredential, BackendError> {
        live.current().login("current")?;
        let mut next = live.current().clone();
        next.password = self.policy.generate(ctx.random())?;
        Ok(next)
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &PostgresCredential,
        live: Live<'_, PostgresCredential>,
    ) -> Result<(), BackendError> {
        let current = live.current().login("current")?;
        let pending = pending.login("pending")?;
        same_target(&pending, &current)?;
        same_user(&pending, &current)?;
        let previous = previous_login(live, &current.user, &current);
        let rungs = Rungs {
            pending: &pending,
            current: &current,
            previous: previous.as_ref(),
        };
        match self.climb(ctx, rungs).await? {
            Climbed::AlreadySet => Ok(()),
            Climbed::In(session) => {
                let changed = session
                    .change(ctx, &set_password(&pending.user, &pending.password))
                    .await;
                session.close(ctx).await;
                match changed {
                    Ok(_) => Ok(()),
                    Err(failure) => self.could_not_change(ctx, rungs, live, failure).await,
                }
            }
            Climbed::LockedOut(failures) => self.locked_out(ctx, rungs, live, failures).await,
        }
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &PostgresCredential) -> Result<(), BackendError> {
        prove(&self.connections, ctx, pending, None).await
    }

    async fn retire(
        &self,
        _: &StepContext<'_>,
        _: &PostgresCredential,
        _: Retire,
    ) -> Result<Retirement, BackendError> {
        Ok(Retirement::kept(
            "the user is the same; its old password ended when the new one was set",
        ))
    }
}

fn same_user(pending: &Login, current: &Login) -> Result<(), BackendError> {
    match pending.user == current.user {
        true => Ok(()),
        false => Err(BackendError::misconfigured(format!(
            "the pending secret is for the user {:?} and the current one for {:?}; a single user keeps its \
             name. No connection was made. If the pair alternates, use the strategy of alternating users; \
             else remove AWSPENDING from this version and start a new rotation",
            pending.user, current.user
        ))),
    }
}

/// The logins that may work.
#[derive(Clone, Copy)]
struct Rungs<'a> {
    pending: &'a Login,
    current: &'a Login,
    previous: Option<&'a Login>,
}

enum Climbed {
    /// By a password that is to be replaced.
    In(Session),
    /// By the pending password: an earlier try got this far.
    AlreadySet,
    /// By none; how each label failed.
    LockedOut(Vec<(&'static str, DatabaseError)>),
}

impl SingleUser {
    /// Tries the logins in turn, for as long as the password is what is wrong.
    async fn climb(&self, ctx: &StepContext<'_>, rungs: Rungs<'_>) -> Result<Climbed, BackendError> {
        let order = [
            ("AWSCURRENT", Some(rungs.current)),
            ("AWSPENDING", Some(rungs.pending)),
            ("AWSPREVIOUS", rungs.previous),
        ];
        let mut failures = Vec::new();
        for (label, login) in order {
            let Some(login) = login else { continue };
            match self.connections.open(ctx, login).await {
                Ok(session) if label == "AWSPENDING" => {
                    session.close(ctx).await;
                    return Ok(Climbed::AlreadySet);
                }
                Ok(session) => return Ok(Climbed::In(session)),
                Err(failure) if failure.kind() == FailureKind::WrongPassword => {
                    failures.push((label, failure));
                }
                Err(failure) => {
                    let message = format!("{} could not log in by {label}{}", login.user, so_far(&failures));
                    return Err(caused(message, failure));
                }
            }
        }
        Ok(Climbed::LockedOut(failures))
    }

    /// The user logged in and may not change its own password, or not there.
    async fn could_not_change(
        &self,
        ctx: &StepContext<'_>,
        rungs: Rungs<'_>,
        live: Live<'_, PostgresCredential>,
        failure: DatabaseError,
    ) -> Result<(), BackendError> {
        let assistable = matches!(failure.kind(), FailureKind::Denied | FailureKind::ReadOnly);
        if assistable && let Some(superuser) = self.superuser(live) {
            tracing::info!(user = rungs.current.user, cause = ?failure.kind(), "the superuser sets the password");
            return self.assist(ctx, rungs, superuser).await;
        }
        let hint = match failure.kind() {
            FailureKind::Denied => {
                " (rds.restrict_password_commands? let the function be assisted by the superuser secret)"
            }
            _ => "",
        };
        let message = format!("{} could not change its own password{hint}", rungs.current.user);
        Err(caused(message, failure))
    }

    async fn locked_out(
        &self,
        ctx: &StepContext<'_>,
        rungs: Rungs<'_>,
        live: Live<'_, PostgresCredential>,
        mut failures: Vec<(&'static str, DatabaseError)>,
    ) -> Result<(), BackendError> {
        let user = &rungs.current.user;
        if let Some(superuser) = self.superuser(live) {
            tracing::info!(
                user,
                "no version of the secret logs in; the superuser sets the password"
            );
            return self.assist(ctx, rungs, superuser).await;
        }
        let all = so_far(&failures);
        let message = format!(
            "no version of the secret logs in as {user}{all}. Set the password to that of AWSCURRENT (in psql, \
             as an administrator: \\password), or let the function be assisted by the superuser secret that \
             \"masterarn\" names",
        );
        let error = BackendError::misconfigured(message);
        Err(match failures.pop() {
            Some((_, failure)) => error.with_source(failure),
            None => error,
        })
    }

    /// The superuser that may assist, and the ARN of its secret.
    fn superuser<'a>(&'a self, live: Live<'a, PostgresCredential>) -> Option<(&'a Superuser, &'a str)> {
        Some((self.superuser.as_ref()?, live.current().superuser_secret()?))
    }

    /// Has the superuser set the password.
    async fn assist(
        &self,
        ctx: &StepContext<'_>,
        rungs: Rungs<'_>,
        (superuser, arn): (&Superuser, &str),
    ) -> Result<(), BackendError> {
        let user = rungs.current.user.as_str();
        if is_reserved(user) {
            return Err(BackendError::misconfigured(format!(
                "{user} is a reserved role; its password was not set"
            )));
        }
        let session = superuser
            .open(ctx, &self.connections, arn, rungs.current, &[user])
            .await?;
        let role = find(ctx, &session, user).await?;
        if let Some(problem) = unmendable(role.as_ref()) {
            return Err(BackendError::misconfigured(format!(
                "{user} {problem}. Nothing was changed"
            )));
        }
        let changed = session
            .change(ctx, &set_password(user, &rungs.pending.password))
            .await;
        match changed {
            Ok(_) => {
                session.close(ctx).await;
                Ok(())
            }
            Err(failure) => Err(explain(&session, ctx, failure, &[user]).await),
        }
    }
}

/// The role of this name, as the catalogs have it.
async fn find(ctx: &StepContext<'_>, session: &Session, user: &str) -> Result<Option<Role>, BackendError> {
    let names = Names {
        current: user,
        pending: user,
        owner: None,
    };
    let found = roles::read(session, ctx, names).await;
    found
        .map(|roles| roles.current)
        .map_err(|failure| caused("the superuser could not read the catalogs", failure))
}

/// What is wrong with a role that a new password does not mend, or that is not the superuser secret's business.
fn unmendable(role: Option<&Role>) -> Option<&'static str> {
    match role {
        None => Some("does not exist; create it, or correct \"username\""),
        Some(role) if role.superuser => Some("is a superuser, which the superuser secret is not used for"),
        Some(role) if !role.can_login => {
            Some("may not log in (NOLOGIN), which somebody decided; allow it again first")
        }
        Some(role) if role.expired => Some(
            "has a VALID UNTIL that has passed, which a new password does not change; extend it: ALTER ROLE … VALID UNTIL 'infinity'",
        ),
        Some(_) => None,
    }
}

/// The failures before this one, in brackets.
fn so_far(failures: &[(&'static str, DatabaseError)]) -> String {
    match failures {
        [] => String::new(),
        failures => {
            let all: Vec<String> = failures
                .iter()
                .map(|(label, failure)| match failure.sqlstate() {
                    Some(code) => format!("{label}: wrong password, {code}"),
                    None => format!("{label}: {failure}"),
                })
                .collect();
            format!(" ({})", all.join("; "))
        }
    }
}
