//! Histories of a rotation on a real server, single user and alternating users: the explorer of the test kit,
//! with faults at the backend's calls and at those of Secrets Manager. Each history has roles of its own. The
//! messages to and from the server are explored in `crashes.rs`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rotation_core::{Grace, SecretValue, async_trait};
use rotation_postgres::{AlternatingUsers, SingleUser};
use rotation_testkit::explore::{Explorer, Report};
use rotation_testkit::{Fault, Simulator, Staged, Subject, Target, TravelClock};
use serde_json::{Value, json};
use tokio_postgres::Client;

mod support;

use support::{connections, login, rows, server};

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
}

struct Single;

#[async_trait]
impl Subject for Single {
    type Backend = SingleUser;

    async fn stage(&self, simulator: &Simulator) -> Staged<SingleUser> {
        let (first, roles) = role(simulator, "single").await;
        let backend = SingleUser::new(connections().allowing_plaintext());
        Staged::new(backend, first, roles).changed_in_place()
    }

    fn simulator(&self) -> Simulator {
        Simulator::with_clock(TravelClock::new())
    }
}

struct Alternating;

#[async_trait]
impl Subject for Alternating {
    type Backend = AlternatingUsers;

    async fn stage(&self, simulator: &Simulator) -> Staged<AlternatingUsers> {
        let (first, roles) = role(simulator, "pair").await;
        let backend = AlternatingUsers::new(connections().allowing_plaintext());
        Staged::new(backend, first, roles)
    }

    fn simulator(&self) -> Simulator {
        Simulator::with_clock(TravelClock::new())
    }
}

fn explored(explorer: Explorer<impl Subject>, distinct: usize) -> Report {
    let report = explorer
        .threads(1)
        .without(Fault::Hang)
        .without(Fault::HangAfter)
        .run();
    println!("{report}");
    assert!(report.violation().is_none(), "{report}");
    assert!(report.distinct() >= distinct, "{report}");
    report
}

#[test]
fn a_single_user() {
    let explorer = Explorer::new(Single).at_most(30).random(1, 120);
    explored(explorer, 150).assert_holds();
}

#[test]
fn alternating_users() {
    let explorer = Explorer::new(Alternating).at_most(30).random(1, 120);
    explored(explorer, 150).assert_holds();
}

#[test]
fn alternating_users_without_grace() {
    let explorer = Explorer::new(Alternating).grace(Grace::None).at_most(30);
    explored(explorer.random(1, 120), 150).assert_holds();
}

/// Too few to meet each kind of fault in each step, as the others do.
#[test]
fn the_first_rotation_of_alternating_users() {
    explored(Explorer::new(Alternating).first_rotation().at_most(30), 40);
}
