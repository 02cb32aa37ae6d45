//! The end of a superseded login that stands still on its way while a later rotation gives that user its next
//! password.

use std::time::Duration;

use rotation_core::{AWSCURRENT, AWSPREVIOUS, BackendError, ErrorClass, Retire, Retirement};
use rotation_postgres::AlternatingUsers;
use rotation_testkit::{StepResult, StepRun};
use serde_json::Value;
use tokio_postgres::Client;

use crate::support::{
    Gate, TIME, World, alternating_in_clear, behind_a_gate, errors, login, retire, retire_within, rows,
    sharing_in_clear,
};

/// The statement that takes the password away.
const END: &str = "PASSWORD NULL";
/// The message that ends the sessions, and the transaction.
const COMMIT: &str = "pg_terminate_backend";

/// A pair whose `AWSPREVIOUS` is to end, behind a gate.
struct Leak {
    world: World,
    gate: Gate,
    arn: String,
    superseded: Value,
}

impl Leak {
    async fn of(user: &str, backend: AlternatingUsers) -> Self {
        let (world, gate, arn) = behind_a_gate(user, backend).await;
        let superseded = world.value(&arn, AWSPREVIOUS);
        Self {
            world,
            gate,
            arn,
            superseded,
        }
    }

    fn user(&self) -> &str {
        self.superseded["username"].as_str().unwrap()
    }

    /// A direct login by the superseded password.
    async fn login(&self) -> Result<Client, tokio_postgres::Error> {
        let password = self.superseded["password"].as_str().unwrap();
        login(self.world.server.port(), "postgres", self.user(), password).await
    }

    async fn end(&self, backend: &AlternatingUsers) -> Result<Retirement, BackendError> {
        retire(backend, &self.superseded, Retire::Superseded).await
    }

    /// The next rotation's setSecret waits for the end, which stands still before its commit. It fails, and a
    /// replay gets through. Answers what setSecret said.
    async fn set_waits(&self, backend: AlternatingUsers) -> String {
        let rotator = self.world.rotator(backend.clone());
        self.world.simulator.operator().rotate(&self.arn).unwrap();
        self.world.done(&rotator).await;
        let held = self.gate.hold(COMMIT);
        let rotation = async {
            held.reached().await;
            let release = async {
                self.world.waits_to_change(self.user()).await;
                held.release();
            };
            tokio::join!(self.world.simulator.step(&rotator, TIME), release)
                .0
                .unwrap()
        };
        let (ended, set) = tokio::join!(self.end(&backend), rotation);
        assert_eq!(ended.unwrap(), Retirement::Retired);
        assert!(self.login().await.is_err());
        let said = unavailable(&set);
        let runs = self.world.simulator.run(&rotator, TIME).await;
        assert!(errors(&runs).is_empty(), "{:?}", errors(&runs));
        assert_eq!(self.world.credential(&self.arn, AWSCURRENT).0, self.user());
        self.world.login(&self.arn, AWSCURRENT).await.unwrap();
        said
    }

    /// The end stands still before its statement, and meanwhile the next rotation promotes that user. Then
    /// neither its login nor its sessions may end.
    async fn arrives_late(&self, backend: AlternatingUsers) {
        let held = self.gate.hold(END);
        let rotation = async {
            held.reached().await;
            self.world.rotated(backend.clone(), &self.arn).await;
            assert_eq!(self.world.credential(&self.arn, AWSCURRENT).0, self.user());
            let session = self.world.login(&self.arn, AWSCURRENT).await.unwrap();
            held.release();
            session
        };
        let (ended, session) = tokio::join!(self.end(&backend), rotation);
        self.world.login(&self.arn, AWSCURRENT).await.unwrap();
        rows(&session, "SELECT 1").await.unwrap();
        match ended {
            Ok(result) => assert_eq!(result, Retirement::AlreadyGone),
            Err(error) => assert_eq!(error.class(), ErrorClass::Unavailable, "{error}"),
        }
    }
}

/// What a step said that failed and may be replayed.
fn unavailable(run: &StepRun) -> String {
    let StepResult::Failed(error) = &run.result else {
        panic!("{:?}", run.result)
    };
    let said = rotation_core::chain(error).to_string();
    assert_eq!(error.class(), ErrorClass::Unavailable, "{said}");
    said
}

#[tokio::test]
async fn a_late_end_spares_the_password_that_a_later_rotation_set() {
    let backend = alternating_in_clear();
    let leak = Leak::of("late", backend.clone()).await;
    leak.arrives_late(backend).await;
}

#[tokio::test]
async fn a_late_end_spares_it_with_an_owner_role_too() {
    let backend = sharing_in_clear("late_owner");
    let leak = Leak::of("late_owned", backend.clone()).await;
    leak.arrives_late(backend).await;
}

/// Its session logged in by the superseded password, and ends with the others.
#[tokio::test]
async fn a_user_who_waits_for_the_end_to_change_itself_is_told_to_try_again() {
    let backend = alternating_in_clear();
    let leak = Leak::of("waiting", backend.clone()).await;
    let said = leak.set_waits(backend).await;
    assert!(said.contains("57P01"), "{said}");
}

#[tokio::test]
async fn a_superuser_who_waits_for_the_end_is_told_of_the_other_rotation() {
    let backend = alternating_in_clear();
    let leak = Leak::of("mended", backend.clone()).await;
    // A difference that the user itself cannot mend.
    leak.world.sql("ALTER ROLE mended CONNECTION LIMIT 9").await;
    let said = leak.set_waits(backend).await;
    assert!(
        said.contains("XX000") && said.contains("another rotation"),
        "{said}"
    );
}

/// The ordinary end, also where the role's limit refuses the second login.
#[tokio::test]
async fn the_end_ends_the_login_and_its_sessions() {
    for (user, backend) in [
        ("ends", alternating_in_clear()),
        ("ends_owned", sharing_in_clear("ends_owner")),
    ] {
        let leak = Leak::of(user, backend.clone()).await;
        let sessions = [leak.login().await.unwrap(), leak.login().await.unwrap()];
        let current = leak.world.login(&leak.arn, AWSCURRENT).await.unwrap();
        assert_eq!(leak.end(&backend).await.unwrap(), Retirement::Retired);
        assert!(leak.login().await.is_err());
        for session in &sessions {
            assert!(rows(session, "SELECT 1").await.is_err());
        }
        rows(&current, "SELECT 1").await.unwrap();
        assert_eq!(leak.end(&backend).await.unwrap(), Retirement::AlreadyGone);
    }
    let backend = alternating_in_clear();
    let leak = Leak::of("ends_limited", backend.clone()).await;
    leak.world
        .sql("ALTER ROLE ends_limited_clone CONNECTION LIMIT 1")
        .await;
    assert_eq!(leak.end(&backend).await.unwrap(), Retirement::Retired);
    assert!(leak.login().await.is_err());
}

/// PostgreSQL reads the password when a login begins, and lists the session when it is over: no end finds it.
#[tokio::test]
async fn who_began_to_log_in_before_the_end_still_gets_in() {
    let backend = alternating_in_clear();
    let leak = Leak::of("slow", backend.clone()).await;
    let held = leak.gate.hold("c=biws,r=");
    let password = leak.superseded["password"].as_str().unwrap();
    let end = async {
        held.reached().await;
        assert_eq!(leak.end(&backend).await.unwrap(), Retirement::Retired);
        held.release();
    };
    let (slow, ()) = tokio::join!(login(leak.gate.port(), "postgres", leak.user(), password), end);
    rows(&slow.unwrap(), "SELECT 1").await.unwrap();
    assert!(leak.login().await.is_err());
}

/// The row changes hands while the end waits for it.
#[tokio::test]
async fn an_end_that_waits_for_a_rotation_spares_its_password() {
    let backend = alternating_in_clear();
    let leak = Leak::of("behind", backend.clone()).await;
    let server = leak.world.server;
    let rotation = login(server.port(), "postgres", "postgres", server.superuser_password());
    let rotation = rotation.await.unwrap();
    rows(&rotation, "BEGIN; ALTER ROLE behind_clone PASSWORD 'the next'")
        .await
        .unwrap();
    let commit = async {
        leak.world.waits_to_change(leak.user()).await;
        rows(&rotation, "COMMIT").await.unwrap();
    };
    let (ended, ()) = tokio::join!(leak.end(&backend), commit);
    let error = ended.unwrap_err();
    let said = rotation_core::chain(&error).to_string();
    assert_eq!(error.class(), ErrorClass::Unavailable, "{said}");
    assert!(
        said.contains("XX000") && said.contains("another rotation"),
        "{said}"
    );
    login(server.port(), "postgres", leak.user(), "the next")
        .await
        .unwrap();
    assert_eq!(leak.end(&backend).await.unwrap(), Retirement::AlreadyGone);
}

/// The function stands still with the lock, as between two invocations on Lambda. The server takes it back.
#[tokio::test]
async fn a_function_that_stands_still_keeps_no_lock_and_commits_nothing_later() {
    let backend = alternating_in_clear();
    let leak = Leak::of("frozen", backend.clone()).await;
    let held = leak.gate.hold(COMMIT);
    let second = Duration::from_secs(1);
    let ended = retire_within(&backend, &leak.superseded, Retire::Superseded, second).await;
    assert_eq!(ended.unwrap_err().class(), ErrorClass::Unavailable);
    held.reached().await;
    // Its connection is still open: the lock goes because nothing came.
    leak.world.rotated(backend.clone(), &leak.arn).await;
    assert_eq!(leak.world.credential(&leak.arn, AWSCURRENT).0, leak.user());
    let session = leak.world.login(&leak.arn, AWSCURRENT).await.unwrap();
    held.release();
    held.passed().await;
    leak.world.login(&leak.arn, AWSCURRENT).await.unwrap();
    rows(&session, "SELECT 1").await.unwrap();
    assert!(leak.world.server.log().contains("idle-in-transaction timeout"));
}
