//! The backend of the project's README, a login at a mail relay, and a relay in memory.

use std::sync::{Arc, Mutex};

use rotation_core::{
    BackendError, CredentialBackend, Live, PasswordPolicy, Profile, Retire, Retirement, SecretString,
    SecretValue, StepContext, async_trait,
};
use rotation_testkit::conformance::{self, Conformance};
use rotation_testkit::explore::{self, Explorer, Gap};
use rotation_testkit::{Faults, Simulator, Staged, Subject, Target};
use serde::{Deserialize, Serialize};

// The text of the README, formatted as it is there.
include!("backend.rs");

/// One relay for each thread, because the README's functions have no other way to it.
mod relay {
    use std::cell::RefCell;
    use std::io::{Error, Result};

    use super::{Login, Relay, SecretString};

    thread_local! {
        pub(super) static RELAY: RefCell<Option<Relay>> = const { RefCell::new(None) };
    }

    fn relay() -> Relay {
        RELAY.with_borrow(|relay| relay.clone().unwrap())
    }

    pub(crate) async fn log_in(login: &Login) -> Result<()> {
        let relay = relay();
        let known = relay.faults.pass("LOGIN", || relay.knows(login)).await;
        known
            .map_err(Error::other)?
            .then_some(())
            .ok_or_else(|| Error::other("wrong password"))
    }

    pub(crate) async fn change_password(current: &Login, password: &SecretString) -> Result<()> {
        let relay = relay();
        let changed = relay.faults.pass("PASSWORD", || {
            let known = relay.knows(current);
            if known {
                relay.login.lock().unwrap().password = password.clone();
            }
            known
        });
        changed
            .await
            .map_err(Error::other)?
            .then_some(())
            .ok_or_else(|| Error::other("wrong password"))
    }
}

/// A relay with one user.
#[derive(Clone)]
struct Relay {
    faults: Faults,
    login: Arc<Mutex<Login>>,
}

impl Relay {
    fn knows(&self, login: &Login) -> bool {
        value(&self.login.lock().unwrap()) == value(login)
    }
}

fn value(login: &Login) -> SecretValue {
    SecretValue::text(serde_json::to_string(login).unwrap())
}

fn login(user: &str, host: &str, password: &str) -> Login {
    Login {
        host: host.to_owned(),
        user: user.to_owned(),
        password: password.to_owned().into(),
    }
}

struct Relays;

#[async_trait]
impl Subject for Relays {
    type Backend = MailRelay;

    async fn stage(&self, simulator: &Simulator) -> Staged<MailRelay> {
        let first = login("crm", "relay.example", "first-password");
        let relay = Relay {
            faults: simulator.faults(),
            login: Arc::new(Mutex::new(first.clone())),
        };
        relay::RELAY.set(Some(relay.clone()));
        Staged::new(MailRelay, value(&first), relay).changed_in_place()
    }

    /// Nothing locks the password, so a change by a rotation that was given up may come late.
    fn gaps(&self, gap: Gap) -> usize {
        match gap {
            Gap::LatePut | Gap::LateSet => usize::MAX,
            _ => 0,
        }
    }
}

#[async_trait]
impl Target for Relay {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value.decode().is_ok_and(|login| self.knows(&login))
    }

    async fn alive(&self) -> Vec<String> {
        vec![self.login.lock().unwrap().user.clone()]
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        Some(value(&login("crm", "relay.example", "a-password-of-nobody")))
    }

    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        let pending: Login = pending.decode().unwrap();
        let (host, user) = ("attacker.example".to_owned(), "postmaster".to_owned());
        vec![
            (
                "host",
                value(&Login {
                    host,
                    ..pending.clone()
                }),
            ),
            ("user", value(&Login { user, ..pending })),
        ]
    }
}

/// What the suite says of it.
pub(crate) fn conformance() -> conformance::Report {
    Conformance::new(Relays).run()
}

/// What the explorer says of it.
pub(crate) fn histories() -> explore::Report {
    Explorer::new(Relays).faults(1).at_most(2_000).run()
}
