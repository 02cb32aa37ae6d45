//! A target with one user and a password, and the backend that rotates it.

use std::sync::{Arc, Mutex};

use rotation_core::{
    Applied, BackendError, CredentialBackend, Live, PasswordPolicy, Profile, Retire, Retirement,
    SecretString, SecretValue, StepContext, async_trait,
};
use rotation_simulator::{Faults, Interruption};
use serde::{Deserialize, Serialize};

use super::unavailable;
use crate::sync::lock;

/// A target with one user, who can change their own password, and a superuser, who can change it,
/// too. Clones share the state.
///
/// Its effects are named `LOGIN` and `ALTER USER`.
#[derive(Clone, Debug)]
pub struct PasswordTarget {
    faults: Faults,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    user: Login,
    superuser: Option<Login>,
    rejecting: bool,
    down: bool,
}

/// A user name and a password, as the secret's document holds them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

impl Login {
    /// This user and password.
    #[must_use]
    pub fn new(username: &str, password: impl Into<SecretString>) -> Self {
        Self {
            username: username.to_owned(),
            password: password.into(),
        }
    }

    /// As the value of a new secret.
    #[must_use]
    pub fn to_value(&self) -> SecretValue {
        super::to_document(self)
    }
}

/// The answer to an `ALTER USER`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    Done,
    /// The login that asked for it does not work, or may not.
    NotAllowed,
    /// The target will never take this password.
    Rejected,
}

impl PasswordTarget {
    /// A target with this one user, whose requests pass these faults.
    #[must_use]
    pub fn new(user: Login, faults: Faults) -> Self {
        Self {
            faults,
            state: Arc::new(Mutex::new(State {
                user,
                superuser: None,
                rejecting: false,
                down: false,
            })),
        }
    }

    /// With a superuser, who can log in and set the user's password.
    #[must_use]
    pub fn with_superuser(self, superuser: Login) -> Self {
        lock(&self.state).superuser = Some(superuser);
        self
    }

    /// Whether this credential works.
    #[must_use]
    pub fn authenticates(&self, login: &Login) -> bool {
        lock(&self.state).authenticates(login)
    }

    /// The names of those who can log in.
    #[must_use]
    pub fn alive(&self) -> Vec<String> {
        let state = lock(&self.state);
        let users = [Some(&state.user), state.superuser.as_ref()];
        users
            .into_iter()
            .flatten()
            .map(|login| login.username.clone())
            .collect()
    }

    /// Sets the user's password by hand: no fault strikes.
    pub fn set_password(&self, password: impl Into<SecretString>) {
        lock(&self.state).user.password = password.into();
    }

    /// While rejecting, the target refuses every new password for good. `AWSPENDING` stays on it all the
    /// same, since a password changed in place may be in use already.
    pub fn set_rejecting(&self, rejecting: bool) {
        lock(&self.state).rejecting = rejecting;
    }

    /// While down, the target answers every request with an error and applies none.
    pub fn set_down(&self, down: bool) {
        lock(&self.state).down = down;
    }

    async fn log_in(&self, login: &Login) -> Result<bool, Interruption> {
        self.request("LOGIN", |state| state.authenticates(login)).await
    }

    async fn alter(&self, by: &Login, new: &Login) -> Result<Change, Interruption> {
        self.request("ALTER USER", |state| state.alter(by, new)).await
    }

    async fn request<T>(&self, effect: &str, apply: impl FnOnce(&mut State) -> T) -> Result<T, Interruption> {
        let reached = self.faults.pass(effect, || {
            let mut state = lock(&self.state);
            (!state.down).then(|| apply(&mut state))
        });
        reached.await?.ok_or(Interruption::InternalError)
    }
}

impl State {
    fn authenticates(&self, login: &Login) -> bool {
        *login == self.user || Some(login) == self.superuser.as_ref()
    }

    fn alter(&mut self, by: &Login, new: &Login) -> Change {
        if !self.authenticates(by) || new.username != self.user.username {
            return Change::NotAllowed;
        }
        if self.rejecting {
            return Change::Rejected;
        }
        self.user.password = new.password.clone();
        Change::Done
    }
}

/// Rotates the password of a [`PasswordTarget`]'s user, in place.
///
/// setSecret tries whether pending works already, then changes it as current, and, if current does
/// not work any more, as the superuser, if it was told the secret that holds that one.
#[derive(Clone, Debug)]
pub struct PasswordBackend {
    target: PasswordTarget,
    superuser_secret: Option<String>,
}

impl PasswordBackend {
    /// For this target.
    #[must_use]
    pub fn new(target: PasswordTarget) -> Self {
        Self {
            target,
            superuser_secret: None,
        }
    }

    /// With the ARN of the secret that holds the superuser's login.
    #[must_use]
    pub fn with_superuser_secret(mut self, arn: &str) -> Self {
        self.superuser_secret = Some(arn.to_owned());
        self
    }

    async fn works(&self, ctx: &StepContext<'_>, login: &Login) -> Result<bool, BackendError> {
        ctx.timeout(self.target.log_in(login)).await?.map_err(unavailable)
    }

    /// Who is to change the password.
    async fn changer(&self, ctx: &StepContext<'_>, current: &Login) -> Result<Login, BackendError> {
        if self.works(ctx, current).await? {
            return Ok(current.clone());
        }
        let Some(arn) = &self.superuser_secret else {
            return Err(BackendError::misconfigured(
                "neither the pending nor the current password works; store a working one as AWSCURRENT",
            ));
        };
        ctx.read_secret(arn).await
    }
}

#[async_trait]
impl CredentialBackend for PasswordBackend {
    type Credential = Login;

    fn profile(&self) -> Profile {
        Profile::chosen("password")
    }

    fn id(&self, login: &Login) -> Option<String> {
        Some(login.username.clone())
    }

    async fn create(&self, ctx: &StepContext<'_>, live: Live<'_, Login>) -> Result<Login, BackendError> {
        let password = PasswordPolicy::default().generate(ctx.random())?;
        Ok(Login::new(&live.current().username, password))
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &Login,
        live: Live<'_, Login>,
    ) -> Result<(), BackendError> {
        if pending.username != live.current().username {
            return Err(BackendError::misconfigured(
                "the pending value is another user's; remove AWSPENDING from it",
            ));
        }
        if self.works(ctx, pending).await? {
            return Ok(());
        }
        let by = self.changer(ctx, live.current()).await?;
        match ctx
            .timeout(self.target.alter(&by, pending))
            .await?
            .map_err(unavailable)?
        {
            Change::Done => Ok(()),
            Change::NotAllowed => Err(BackendError::misconfigured(
                "the target does not let the password be changed",
            )),
            Change::Rejected => Err(BackendError::rejected(
                "the target never takes this password",
                Applied::Nothing,
            )),
        }
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &Login) -> Result<(), BackendError> {
        match self.works(ctx, pending).await? {
            true => Ok(()),
            false => Err(BackendError::unavailable(
                "the target does not know this password",
            )),
        }
    }

    async fn retire(&self, _: &StepContext<'_>, _: &Login, _: Retire) -> Result<Retirement, BackendError> {
        Ok(Retirement::kept("the password was changed in place"))
    }
}
