//! What happens between two calls of the tool: somebody else is faster, and answers are lost.

use std::io::{BufRead, Read};

use rotation_cli::{Cli, Console, Exit};
use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretValue};
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use serde_json::{Value, json};

use crate::support::lossy::Lossy;
use crate::support::*;

/// Somebody who says yes, after something else has happened.
struct Meanwhile<F> {
    happens: Option<F>,
    answer: &'static [u8],
}

impl<F: FnOnce()> BufRead for Meanwhile<F> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if let Some(happens) = self.happens.take() {
            happens();
        }
        Ok(self.answer)
    }

    fn consume(&mut self, amount: usize) {
        self.answer = &self.answer[amount..];
    }
}

impl<F: FnOnce()> Read for Meanwhile<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

async fn while_asked(cli: &Cli, line: &str, happens: impl FnOnce() + Send + Sync) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = Meanwhile {
        happens: Some(happens),
        answer: b"y\ny\n",
    };
    let mut console = Console::new(&mut out, &mut err).answered_by(&mut input);
    let exit = cli.run(words(line), &mut console).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        exit,
        out: text(out),
        err: text(err),
    }
}

#[tokio::test]
async fn a_rollback_does_not_undo_what_somebody_stored_meanwhile() {
    let world = World::new().await;
    world.key_secret();
    let function = world.function();
    world
        .tool("rotate crm/key --wait --timeout 20 --yes")
        .await
        .ends(Exit::Done);
    world.settles().await;
    drop(function);
    let theirs = world.keys.mint("somebody's").to_value();
    let put = || _ = world.simulator.operator().put("crm/key", theirs).unwrap();
    let ran = while_asked(&world.own(), "rollback crm/key", put)
        .await
        .ends(Exit::Attention);
    assert!(ran.err.contains("the labels have moved meanwhile"), "{}", ran.err);
    let labels: Value = json!([
        world.labels(&world.holder(AWSCURRENT)),
        world.labels(&world.holder(AWSPREVIOUS))
    ]);
    assert_eq!(labels, json!([[AWSCURRENT], [AWSPREVIOUS]]));
    let current = world.simulator.operator().value("crm/key", AWSCURRENT).unwrap();
    let current: rotation_testkit::backends::MintedKey = current.decode().unwrap();
    assert_eq!(current.key_id, "key-0003"); // theirs
}

/// A secret that was rotated once, with nothing pending.
async fn rotated() -> World {
    let world = World::new().await;
    world.key_secret();
    let _function = world.function();
    world
        .tool("rotate crm/key --wait --timeout 20 --yes")
        .await
        .ends(Exit::Done);
    world.settles().await;
    world
}

#[tokio::test]
async fn a_rollback_does_not_go_back_to_what_a_rotation_that_began_meanwhile_ends() {
    let world = rotated().await;
    let current = world.holder(AWSCURRENT);
    let begin = || _ = world.rotate("crm/key");
    let ran = while_asked(&world.own(), "rollback crm/key", begin)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("a rotation is under way") && ran.err.contains("nothing was changed"),
        "{}",
        ran.err
    );
    assert_eq!(world.holder(AWSCURRENT), current);
}

#[tokio::test]
async fn a_rollback_does_not_leave_the_version_that_it_left_pending() {
    let world = rotated().await;
    let (new, old) = (world.holder(AWSCURRENT), world.holder(AWSPREVIOUS));
    let operator = world.simulator.operator();
    operator.add_label("crm/key", AWSPENDING, &new).unwrap();
    let ran = world
        .own_tool("rollback crm/key --yes")
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err.contains("AWSPENDING is on the current version still"),
        "{}",
        ran.err
    );
    assert_eq!(world.holder(AWSCURRENT), new);

    world.simulator.skip(5 * MINUTE);
    let ran = world.own_tool("rollback crm/key --yes --output json").await;
    let ran = ran.ends(Exit::Done);
    assert!(ran.err.contains("AWSPENDING is taken off"), "{}", ran.err);
    assert_eq!(ran.json()["after"]["state"], "in_order");
    assert_eq!(
        (world.holder(AWSCURRENT), world.labels(&new)),
        (old, vec![AWSPREVIOUS.to_owned()])
    );
}

#[tokio::test]
async fn a_rotation_that_comes_to_its_end_while_it_is_abandoned_is_left_so() {
    let world = World::new().await;
    world.key_secret();
    let pending = world.rotate("crm/key");
    let current = world.holder(AWSCURRENT);
    let operator = world.simulator.operator();
    let finish = || {
        let next = world.keys.mint("next").to_value();
        operator
            .put_with_token("crm/key", &pending, next, &[AWSPENDING])
            .unwrap();
        operator
            .move_label("crm/key", AWSCURRENT, &pending, &current)
            .unwrap();
    };
    let ran = while_asked(
        &world.plain(),
        "abandon crm/key --output json --timeout 1",
        finish,
    )
    .await;
    let told = ran.ends(Exit::Attention).json();
    assert_eq!(told["outcome"], "labels_moved");
    assert_eq!(world.holder(AWSCURRENT), pending);
    assert_eq!(world.holder(AWSPREVIOUS), current);
}

#[tokio::test]
async fn a_value_that_is_stored_meanwhile_is_not_given_up_without_proof() {
    let world = World::new().await;
    world.key_secret();
    let pending = world.rotate("crm/key");
    let store = || {
        let next = world.keys.mint("next").to_value();
        let operator = world.simulator.operator();
        operator
            .put_with_token("crm/key", &pending, next, &[AWSPENDING])
            .unwrap();
    };
    let ran = while_asked(&world.plain(), "abandon crm/key --output json", store).await;
    assert_eq!(ran.ends(Exit::Attention).json()["outcome"], "labels_moved");
    assert_eq!(world.holder(AWSPENDING), pending);
    let ran = world.tool("abandon crm/key --yes").await.ends(Exit::Attention);
    assert!(ran.err.contains("holds a value"), "{}", ran.err);
}

#[tokio::test]
async fn another_rotation_that_began_meanwhile_is_not_abandoned() {
    let world = World::new().await;
    world.key_secret();
    let first = world.rotate("crm/key");
    let operator = world.simulator.operator();
    let next = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let begin = || {
        operator.remove_label("crm/key", AWSPENDING, &first).unwrap();
        operator.rotate_with_token("crm/key", next).unwrap();
    };
    let ran = while_asked(&world.plain(), "abandon crm/key --output json --leave-off", begin).await;
    assert_eq!(ran.ends(Exit::Attention).json()["outcome"], "labels_moved");
    assert_eq!(world.holder(AWSPENDING), next);
    let described = operator.describe("crm/key").unwrap();
    assert_eq!(described.rotation_enabled, Some(true)); // theirs goes on
}

#[tokio::test]
async fn a_rotation_that_was_given_up_meanwhile_is_not_resumed() {
    let world = World::new().await;
    world.key_secret();
    let first = world.rotate("crm/key");
    let give_up = || {
        world
            .simulator
            .operator()
            .remove_label("crm/key", AWSPENDING, &first)
            .unwrap();
    };
    world.simulator.clear_calls();
    let ran = while_asked(&world.plain(), "resume crm/key", give_up)
        .await
        .ends(Exit::Attention);
    assert!(
        ran.err
            .contains("is not AWSPENDING any more; nothing was changed"),
        "{}",
        ran.err
    );
    assert!(
        world
            .simulator
            .calls()
            .iter()
            .all(|call| call.action != "RotateSecret")
    );
}

#[tokio::test]
async fn a_rotation_whose_answer_was_lost_is_found_and_watched() {
    let world = World::new().await;
    world.key_secret();
    let lossy = Lossy::start(&world.server, "RotateSecret").await;
    let _function = world.function();
    let cli = world.plain_at(&lossy.url());
    let ran = run(
        &cli,
        "rotate crm/key --wait --timeout 20 --yes --output json",
        None,
    )
    .await;
    assert_eq!(ran.ends(Exit::Done).json()["outcome"], "rotated");
    assert!(lossy.has_lost());
}

#[tokio::test]
async fn a_label_whose_release_had_no_answer_is_put_right_by_the_same_command() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    let lossy = Lossy::start(&world.server, "UpdateSecretVersionStage").await;
    let cli = world.plain_at(&lossy.url());
    let ran = run(&cli, "abandon crm/key --yes", None).await.ends(Exit::Failed);
    assert!(lossy.has_lost());
    assert!(
        ran.err.contains("it may have been done; rotation is OFF; repeat"),
        "{}",
        ran.err
    );
    let ran = run(
        &cli,
        "abandon crm/key --turn-on --yes --timeout 1 --output json",
        None,
    )
    .await;
    assert_eq!(ran.ends(Exit::Unfinished).json()["outcome"], "turned_on");
    assert_eq!(
        world
            .simulator
            .operator()
            .describe("crm/key")
            .unwrap()
            .rotation_enabled,
        Some(true)
    );
}

#[tokio::test]
async fn a_cancel_that_had_no_answer_is_told_to_have_turned_rotation_off_perhaps() {
    let world = World::new().await;
    world.key_secret();
    world.rotate("crm/key");
    let lossy = Lossy::start(&world.server, "CancelRotateSecret").await;
    let cli = world.plain_at(&lossy.url());
    let ran = run(&cli, "abandon crm/key --yes", None).await.ends(Exit::Failed);
    assert!(lossy.has_lost());
    assert!(
        ran.err
            .contains("rotation may be OFF; repeat `rotation abandon crm/key --turn-on`"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_secret_that_others_write_into_cannot_make_a_terminal_act() {
    let world = World::new().await;
    world.secret("crm/key", SecretValue::text(r#"{"a\u001b[2J": 1}"#));
    let ran = world.tool("check crm/key").await.ends(Exit::Done);
    assert!(
        !ran.out.contains('\u{1b}') && ran.out.contains("[2J"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn a_password_that_is_set_meanwhile_is_not_given_up() {
    let world = World::new().await;
    let (first, next) = (Login::new("app", "first"), Login::new("app", SENTINEL));
    let target = PasswordTarget::new(first.clone(), world.simulator.faults());
    world.secret("crm/key", first.to_value());
    world.set_up("crm/key");
    let pending = world.rotate("crm/key");
    let operator = world.simulator.operator();
    operator
        .put_with_token("crm/key", &pending, next.to_value(), &[AWSPENDING])
        .unwrap();
    let own = world.plain().backend(PasswordBackend::new(target.clone()));
    let set = || target.set_password(SENTINEL); // the function's setSecret
    let ran = while_asked(&own, "abandon crm/key --output json", set)
        .await
        .ends(Exit::Attention);
    let told = ran.json();
    assert_eq!(told["outcome"], "unproved_meanwhile");
    assert!(
        told["says"].as_str().unwrap().contains("rotation is OFF"),
        "{told}"
    );
    assert_eq!(world.holder(AWSPENDING), pending);
    assert!(target.authenticates(&next));
}
