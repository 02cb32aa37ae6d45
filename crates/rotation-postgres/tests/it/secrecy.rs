//! No password in the server's log, nor in ours, whatever happens.

use std::io::Write;
use std::sync::{Arc, Mutex};

use rotation_core::{AWSCURRENT, AWSPREVIOUS};
use rotation_postgres::OwnerRole;
use serde_json::json;

use crate::support::{World, alternating, failure, single};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// All that this framework's crates log, at TRACE, and all that the server logs with `log_statement = all`.
#[tokio::test]
async fn no_password_is_written_anywhere() {
    let written = Written::default();
    let writer = written.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let world = World::new().await;
    let mut passwords = vec!["first".to_owned(), world.server.superuser_password().to_owned()];
    let mut collect = |arn: &str| {
        for label in [AWSCURRENT, AWSPREVIOUS, "AWSPENDING"] {
            if world.simulator.labels(arn).version_with(label).is_some() {
                passwords.push(world.credential(arn, label).1);
            }
        }
    };
    let pair = world.user("secret_pair").await;
    let solo = world.user("secret_solo").await;
    let shared = world.user("secret_shared").await;
    for _ in 0..3 {
        world.rotated(alternating(), &pair).await;
        collect(&pair);
        world.rotated(single(), &solo).await;
        collect(&solo);
        let owned = alternating().with_owner_role(OwnerRole::created("secret_owner"));
        world.rotated(owned, &shared).await;
        collect(&shared);
    }
    // And when it fails: a lost password, a role that went, a syntax that the server refuses.
    world
        .sql("ALTER ROLE secret_solo PASSWORD 'by hand'; DROP ROLE secret_pair_clone")
        .await;
    let mut said = world.fails(single(), &solo).await;
    collect(&solo);
    world.sql("ALTER ROLE secret_shared SUPERUSER").await;
    said += &world.fails(alternating(), &shared).await;
    collect(&shared);
    let error = failure(
        &single(),
        &world.document("secret_solo", "a wrong one", &json!({})),
    )
    .await;
    said += &format!("{error:?}");
    passwords.push("a wrong one".to_owned());

    let ours = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let server = world.server.log();
    assert!(
        server.contains("ALTER ROLE \"secret_solo\" PASSWORD 'SCRAM-SHA-256$4096:"),
        "the log shows statements"
    );
    assert!(
        ours.contains("the superuser secret is used"),
        "our log shows events"
    );
    // What the tests themselves set by hand does stand in the server's log.
    let by_hand = ["first"];
    for password in &passwords {
        if !by_hand.contains(&password.as_str()) {
            assert!(
                !server.contains(password.as_str()),
                "a password is in the server's log"
            );
        }
        assert!(
            password == "first" || !ours.contains(password.as_str()),
            "a password is in our log"
        );
        assert!(
            password == "first" || !said.contains(password.as_str()),
            "a password is in an error"
        );
    }
    assert!(!ours.contains("SCRAM-SHA-256$"), "a verifier is in our log");
}
