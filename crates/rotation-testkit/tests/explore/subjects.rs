//! The reference backends as subjects.

use rotation_core::{SecretValue, async_trait};
use rotation_testkit::backends::{
    Login, MintedKey, MintedKeys, MintingBackend, PasswordBackend, PasswordTarget,
};
use rotation_testkit::explore::Gap;
use rotation_testkit::{Simulator, Staged, Subject, Target};

pub(crate) struct Minted;

#[async_trait]
impl Subject for Minted {
    type Backend = MintingBackend;

    async fn stage(&self, simulator: &Simulator) -> Staged<MintingBackend> {
        let target = MintedKeys::new(simulator.faults());
        let first = target.mint("made by hand").to_value();
        Staged::new(MintingBackend::new(target.clone()), first, Keys(target))
    }

    /// All but a late change: a key is made with its value, and nothing changes it.
    fn gaps(&self, gap: Gap) -> usize {
        match gap {
            Gap::LateSet => 0,
            _ => usize::MAX,
        }
    }
}

pub(crate) struct Keys(pub(crate) MintedKeys);

#[async_trait]
impl Target for Keys {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value
            .decode::<MintedKey>()
            .is_ok_and(|key| self.0.authenticates(&key))
    }

    async fn alive(&self) -> Vec<String> {
        self.0.alive()
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        Some(SecretValue::text(
            r#"{"key_id":"key-9999","key":"mk_of-nobody-at-all"}"#,
        ))
    }

    fn reject(&self, rejecting: bool) -> bool {
        self.0.set_rejecting(rejecting);
        true
    }
}

pub(crate) struct Password;

#[async_trait]
impl Subject for Password {
    type Backend = PasswordBackend;

    async fn stage(&self, simulator: &Simulator) -> Staged<PasswordBackend> {
        let first = Login::new("app", "first-password");
        let target = PasswordTarget::new(first.clone(), simulator.faults());
        Staged::new(
            PasswordBackend::new(target.clone()),
            first.to_value(),
            User(target),
        )
        .changed_in_place()
    }

    /// There is one user: nothing is ended, and nothing is made by hand.
    fn gaps(&self, gap: Gap) -> usize {
        match gap {
            Gap::LatePut | Gap::LateSet => usize::MAX,
            _ => 0,
        }
    }
}

pub(crate) struct User(pub(crate) PasswordTarget);

#[async_trait]
impl Target for User {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value
            .decode::<Login>()
            .is_ok_and(|login| self.0.authenticates(&login))
    }

    async fn alive(&self) -> Vec<String> {
        self.0.alive()
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        Some(login_of_nobody())
    }

    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        vec![("username", aimed_at_the_superuser(pending))]
    }

    fn reject(&self, rejecting: bool) -> bool {
        self.0.set_rejecting(rejecting);
        true
    }
}

/// A login that no target of users knows.
pub(crate) fn login_of_nobody() -> SecretValue {
    Login::new("app", "a password of nobody").to_value()
}

/// The same login, for another user.
pub(crate) fn aimed_at_the_superuser(login: &SecretValue) -> SecretValue {
    let mut login: Login = login.decode().unwrap();
    login.username = "superuser".to_owned();
    login.to_value()
}
