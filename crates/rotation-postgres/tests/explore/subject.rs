//! Both strategies on the real server, for the suites of the test kit.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rotation_core::{CredentialBackend, SecretValue, async_trait};
use rotation_postgres::{AlternatingUsers, SingleUser};
use rotation_test_servers::postgres::WireProxy;
use rotation_testkit::explore::Gap;
use rotation_testkit::{Simulator, Staged, Subject, Target, TravelClock};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::{connections, login, proxy, rows, server};

/// Where faults strike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum At {
    /// At each message to and from the server, in a proxy before it.
    TheWire,
    /// Before and after each call of the backend: for histories in which two invocations overlap.
    Calls,
}

/// A new role on this binary's server, its document, and the target.
async fn role(simulator: &Simulator, strategy: &str, at: At) -> (SecretValue, Roles) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let user = format!("{strategy}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let (server, port) = (server(), server().port());
    let password = server.superuser_password();
    let admin = login(port, "postgres", "postgres", password).await.unwrap();
    let create = format!("CREATE ROLE {user} LOGIN PASSWORD 'first-password'");
    rows(&admin, &create).await.unwrap();
    let proxy = match at {
        At::TheWire => Some(proxy(server, simulator.faults()).await),
        At::Calls => None,
    };
    let reached = proxy.as_ref().map_or(port, WireProxy::port);
    let document = |user: &str, password: &str| {
        json!({
            "engine": "postgres", "host": "localhost", "port": reached, "ssl": false,
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
        _proxy: proxy,
    };
    (SecretValue::text(value.to_string()), roles)
}

impl At {
    fn strike<B: CredentialBackend>(self, staged: Staged<B>) -> Staged<B> {
        match self {
            Self::TheWire => staged,
            Self::Calls => staged.with_faults_around_calls(),
        }
    }
}

/// The role of one history, and its second user.
struct Roles {
    admin: Client,
    user: String,
    /// Whether a login works, by what the server has of the role and what is tried.
    known: Mutex<HashMap<(Vec<String>, String), bool>>,
    /// Ends with the history.
    _proxy: Option<WireProxy>,
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

pub(crate) struct Single(pub(crate) At);

#[async_trait]
impl Subject for Single {
    type Backend = SingleUser;

    async fn stage(&self, simulator: &Simulator) -> Staged<SingleUser> {
        let (first, roles) = role(simulator, "single", self.0).await;
        let backend = SingleUser::new(connections().allowing_plaintext());
        self.0
            .strike(Staged::new(backend, first, roles).changed_in_place())
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

pub(crate) struct Alternating(pub(crate) At);

#[async_trait]
impl Subject for Alternating {
    type Backend = AlternatingUsers;

    async fn stage(&self, simulator: &Simulator) -> Staged<AlternatingUsers> {
        let (first, roles) = role(simulator, "pair", self.0).await;
        let backend = AlternatingUsers::new(connections().allowing_plaintext());
        self.0.strike(Staged::new(backend, first, roles))
    }

    fn simulator(&self) -> Simulator {
        Simulator::with_clock(TravelClock::new())
    }

    fn gaps(&self, _: Gap) -> usize {
        usize::MAX
    }
}
