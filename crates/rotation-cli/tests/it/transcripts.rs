//! `status` and `check` of five broken secrets, as docs/operator-tool.md quotes them.
//!
//! After a change that is meant: `UPDATE_DOCS=1 cargo test -p rotation-cli`.

use rotation_cli::Exit;
use rotation_core::SecretValue;
use rotation_testkit::Simulator;
use rotation_testkit::model::Principal;

use crate::support::*;

/// What `status` and `check` print of this secret, each with its exit code.
async fn transcript(world: &World, secret: &str, status: Exit, check: Exit) -> String {
    let mut text = String::new();
    for (command, exit) in [("status", status), ("check", check)] {
        let line = format!("{command} {secret}");
        let ran = world.tool(&line).await.ends(exit);
        text += &format!(
            "$ rotation {line}; echo \"exit code $?\"\n{}{}exit code {}\n\n",
            ran.out, ran.err, exit as u8
        );
    }
    text
}

/// Time that stands still, so that each run prints the same.
async fn world() -> World {
    World::of(Simulator::new()).await
}

/// Somebody cancelled a rotation whose function could not store a value.
async fn cancelled() -> String {
    let world = world().await;
    world.key_secret();
    world.rotate("crm/key");
    world.simulator.operator().cancel("crm/key").unwrap();
    transcript(&world, "crm/key", Exit::Attention, Exit::Attention).await
}

/// The value is stored, and no step has passed for two hours.
async fn stuck() -> String {
    let world = world().await;
    world.key_secret();
    let operator = world.simulator.operator();
    let token = world.rotate("crm/key");
    let next = world.keys.mint("next").to_value();
    let stages = ["AWSPENDING"];
    operator.put_with_token("crm/key", &token, next, &stages).unwrap();
    world.simulator.skip(120 * MINUTE);
    transcript(&world, "crm/key", Exit::Attention, Exit::Attention).await
}

/// The closing brace is missing.
async fn no_document() -> String {
    let world = world().await;
    world.secret(
        "crm/mail",
        SecretValue::text(format!(r#"{{"user": "crm", "password": "{SENTINEL}""#)),
    );
    world.set_up("crm/mail");
    transcript(&world, "crm/mail", Exit::Done, Exit::Attention).await
}

/// The superuser secret is gone.
async fn no_superuser() -> String {
    let world = world().await;
    let master = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db/master-Ab12Cd";
    // As a text: in which order `json!` has its keys is a feature of serde_json, which other packages may turn on.
    let app =
        format!(r#"{{"host":"db.example","username":"app","password":"{SENTINEL}","masterarn":"{master}"}}"#);
    world.secret("db/app", SecretValue::text(app));
    transcript(&world, "db/app", Exit::Done, Exit::Attention).await
}

/// The key's policy does not let whoever looks decrypt, and a replica has failed.
async fn no_key() -> String {
    let world = world().await;
    world.key_secret();
    let operator = world.simulator.operator();
    operator.replicate("crm/key", "us-east-1").unwrap();
    let failed = rotation_testkit::model::ReplicaStatus::Failed;
    operator
        .set_replica_status("crm/key", "us-east-1", failed)
        .unwrap();
    world.simulator.deny(Principal::Operator, "kms:Decrypt");
    transcript(&world, "crm/key", Exit::Done, Exit::Attention).await
}

#[tokio::test]
async fn the_page_quotes_what_the_tool_prints() {
    let made = [
        ("cancelled", cancelled().await),
        ("stuck", stuck().await),
        ("no-document", no_document().await),
        ("no-superuser", no_superuser().await),
        ("no-key", no_key().await),
    ];
    page::compare("operator-tool.md", &made);
}
