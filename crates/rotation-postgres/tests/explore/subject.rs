//! Both strategies on the real server, for the suites of the test kit.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rotation_core::{SecretValue, async_trait};
use rotation_postgres::{AlternatingUsers, SingleUser};
use rotation_testkit::explore::Gap;
use rotation_testkit::{Simulator, Staged, Subject, Target, TravelClock};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::{connections, login, rows, server};

/// A new role on this binary's server, its document, and the target.
async fn role(simulator: &Simulator, strategy: &str) -> (SecretValue, Roles) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let user = format!("{strategy}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let (server, port) = (server(), server().port());
    let password = server.superuser_password();
    let admin = login(port, "postgres", "postgres", password).await.unwrap();
    let create = format!("CREATE ROLE {user} LOGIN PASSWORD 'first-password'");
    rows(&admin, &create).await.unwrap();
    let document = |user: &str, password: &str| {
        json!({
            "engine": "postgres", "host": "localhost", "port": port, "ssl": false,
            "username": user, "password": password,
        })
    };
    let superuser = SecretValue::text(document("postgres", password).to_string());
    let superuser = simulator.operator().create_secret("superuser", superuser);
    let mut value = document(&user, "first-password");
    value["masterarn"] = json!(superuser.unwrap());
    let roles = Roles {
        admin,
        user,
        known: Mutex::default(),
    };
    (SecretValue::text(value.to_string()), roles)
}

/// The role of one history, and its second user.
struct Roles {
    admin: Client,
    user: String,
    /// Whether a login works, by what the server has of the role and what is tried.
    known: Mutex<HashMap<(Vec<String>, String), bool>>,
}

#[async_trait]
impl Target for Roles {
    /// By a login; one that was tried already, on a role that has not changed since, is not tried again.
    async fn authenticates(&self, value: &SecretValue) -> bool {
        let document: Value = value.decode().unwrap();
        let text = |key: &str| document[key].as_str().unwrap().to_owned();
        let (user, password) = (text("username"), text("password"));
        let sql = format!("SELECT rolname, rolcanlogin, rolpassword FROM pg_authid WHERE rolname = '{user}'");
        let Some(role) = rows(&self.admin, &sql).await.unwrap().pop() else {
            return false;
        };
        let key = (role, password);
        if let Some(known) = self.known.lock().unwrap().get(&key) {
            return *known;
        }
        let works = login(server().port(), "postgres", &user, &key.1).await.is_ok();
        self.known.lock().unwrap().insert(key, works);
        works
    }

    async fn alive(&self) -> Vec<String> {
        let sql = format!(
            "SELECT rolname FROM pg_authid WHERE rolname IN ('{0}', '{0}_clone') \
             AND rolcanlogin AND rolpassword IS NOT NULL",
            self.user
        );
        let names = rows(&self.admin, &sql).await.unwrap();
        names.into_iter().flatten().collect()
    }

    fn unknown(&self, like: &SecretValue) -> Option<SecretValue> {
        let mut document: Value = like.decode().unwrap();
        document["username"] = json!("nobody_at_all");
        document["password"] = json!("a-password-of-nobody");
        Some(SecretValue::text(document.to_string()))
    }

    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        let aimed = |field: &'static str, at: Value| {
            let mut document: Value = pending.decode().unwrap();
            document[field] = at;
            (field, SecretValue::text(document.to_string()))
        };
        vec![
            aimed("host", json!("db.attacker.example")),
            aimed("username", json!("postgres")),
        ]
    }
}

pub(crate) struct Single;

#[async_trait]
impl Subject for Single {
    type Backend = SingleUser;

    async fn stage(&self, simulator: &Simulator) -> Staged<SingleUser> {
        let (first, roles) = role(simulator, "single").await;
        let backend = SingleUser::new(connections().allowing_plaintext());
        Staged::new(backend, first, roles)
            .with_faults_around_calls()
            .changed_in_place()
    }

    fn simulator(&self) -> Simulator {
        Simulator::with_clock(TravelClock::new())
    }

    /// There is one user: nothing is ended, and nothing is made by hand.
    fn gaps(&self, gap: Gap) -> usize {
        match gap {
            Gap::LatePut | Gap::LateSet => usize::MAX,
            _ => 0,
        }
    }
}

pub(crate) struct Alternating;

#[async_trait]
impl Subject for Alternating {
    type Backend = AlternatingUsers;

    async fn stage(&self, simulator: &Simulator) -> Staged<AlternatingUsers> {
        let (first, roles) = role(simulator, "pair").await;
        let backend = AlternatingUsers::new(connections().allowing_plaintext());
        Staged::new(backend, first, roles).with_faults_around_calls()
    }

    fn simulator(&self) -> Simulator {
        Simulator::with_clock(TravelClock::new())
    }

    fn gaps(&self, _: Gap) -> usize {
        usize::MAX
    }
}
