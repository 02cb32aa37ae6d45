//! Two users who take turns, at their simplest: a target in memory, and the backend that rotates them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rotation_core::{
    BackendError, CredentialBackend, Live, PasswordPolicy, Profile, Retire, Retirement, SecretString,
    SecretValue, StepContext, async_trait,
};
use rotation_testkit::backends::Login;
use rotation_testkit::explore::Gap;
use rotation_testkit::{Faults, Interruption, Simulator, Staged, Subject, Target};

use crate::subjects::{aimed_at_the_superuser, login_of_nobody};

/// Users and their passwords; one without a password cannot log in.
#[derive(Clone)]
struct Users {
    faults: Faults,
    passwords: Arc<Mutex<BTreeMap<String, Option<SecretString>>>>,
}

impl Users {
    fn knows(&self, login: &Login) -> bool {
        let passwords = self.passwords.lock().unwrap();
        passwords.get(&login.username).and_then(Option::as_ref) == Some(&login.password)
    }

    async fn request<T>(
        &self,
        ctx: &StepContext<'_>,
        name: &str,
        apply: impl FnOnce(&Self) -> T,
    ) -> Result<T, BackendError> {
        let answered: Result<T, Interruption> = ctx.timeout(self.faults.pass(name, || apply(self))).await?;
        answered.map_err(|interruption| {
            BackendError::unavailable("the target did not do what it was asked").with_source(interruption)
        })
    }

    async fn log_in(&self, ctx: &StepContext<'_>, login: &Login) -> Result<bool, BackendError> {
        self.request(ctx, "LOGIN", |users| users.knows(login)).await
    }
}

/// `app` and `app_clone`, in turns.
pub(crate) struct Pair {
    users: Users,
}

fn alternate(user: &str) -> String {
    match user.strip_suffix("_clone") {
        Some(first) => first.to_owned(),
        None => format!("{user}_clone"),
    }
}

#[async_trait]
impl CredentialBackend for Pair {
    type Credential = Login;

    fn profile(&self) -> Profile {
        Profile::chosen("pair").reads_previous()
    }

    fn id(&self, login: &Login) -> Option<String> {
        Some(login.username.clone())
    }

    async fn create(&self, ctx: &StepContext<'_>, live: Live<'_, Login>) -> Result<Login, BackendError> {
        let password = PasswordPolicy::default().generate(ctx.random())?;
        Ok(Login::new(&alternate(&live.current().username), password))
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &Login,
        live: Live<'_, Login>,
    ) -> Result<(), BackendError> {
        if pending.username != alternate(&live.current().username) {
            return Err(BackendError::misconfigured("the pending value is another user's"));
        }
        if !self.users.log_in(ctx, live.current()).await? {
            return Err(BackendError::unavailable("the current user cannot log in"));
        }
        let set = |users: &Users| {
            let mut passwords = users.passwords.lock().unwrap();
            passwords.insert(pending.username.clone(), Some(pending.password.clone()));
        };
        self.users.request(ctx, "ALTER USER", set).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &Login) -> Result<(), BackendError> {
        match self.users.log_in(ctx, pending).await? {
            true => Ok(()),
            false => Err(BackendError::unavailable(
                "the target does not know this password",
            )),
        }
    }

    /// Compares and ends in one request: a late one must not end the next password.
    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        login: &Login,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        if why != Retire::Superseded {
            return Ok(Retirement::kept("the next password overwrites this one"));
        }
        let end = |users: &Users| {
            let known = users.knows(login);
            if known {
                let mut passwords = users.passwords.lock().unwrap();
                passwords.insert(login.username.clone(), None);
            }
            known
        };
        match self.users.request(ctx, "ALTER USER NOLOGIN", end).await? {
            true => Ok(Retirement::Retired),
            false => Ok(Retirement::AlreadyGone),
        }
    }
}

pub(crate) struct Turns;

#[async_trait]
impl Subject for Turns {
    type Backend = Pair;

    async fn stage(&self, simulator: &Simulator) -> Staged<Pair> {
        let first = Login::new("app", "first-password");
        let users = Users {
            faults: simulator.faults(),
            passwords: Arc::default(),
        };
        let known = (first.username.clone(), Some(first.password.clone()));
        users.passwords.lock().unwrap().extend([known]);
        let backend = Pair { users: users.clone() };
        Staged::new(backend, first.to_value(), users)
    }

    /// Nothing locks a user, so a change by a rotation that was given up may come late.
    fn gaps(&self, _: Gap) -> usize {
        usize::MAX
    }
}

#[async_trait]
impl Target for Users {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value.decode::<Login>().is_ok_and(|login| self.knows(&login))
    }

    async fn alive(&self) -> Vec<String> {
        let passwords = self.passwords.lock().unwrap();
        let alive = passwords.iter().filter(|(_, password)| password.is_some());
        alive.map(|(user, _)| user.clone()).collect()
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        Some(login_of_nobody())
    }

    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        vec![("username", aimed_at_the_superuser(pending))]
    }
}
