use std::collections::BTreeSet;

use rotation_core::AWSPREVIOUS;

use super::*;
use crate::advice;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-abc123";
const MINUTE: Duration = Duration::from_secs(60);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A secret in order: rotated a day ago, changed then.
fn in_order() -> Facts {
    let mut facts = Facts {
        asked: "crm".to_owned(),
        name: "crm".to_owned(),
        described: SecretDescription::new(ARN),
        function: Some("arn:aws:lambda:eu-west-1:111122223333:function:rotate-crm".to_owned()),
        last_rotated: Some(now() - 24 * 60 * MINUTE),
        last_changed: Some(now() - 24 * 60 * MINUTE),
        next_rotation: Some(now() + 24 * 60 * MINUTE),
        stored: Some(BTreeMap::from([
            ("old".to_owned(), None),
            ("older".to_owned(), None),
        ])),
        ..Facts::default()
    };
    facts.described.rotation_enabled = Some(true);
    label(&mut facts, "old", &[AWSCURRENT]);
    label(&mut facts, "older", &[AWSPREVIOUS]);
    facts
}

fn label(facts: &mut Facts, version: &str, labels: &[&str]) {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    facts.described.versions.insert(version.to_owned(), labels);
}

fn changed(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = in_order();
    change(&mut facts);
    facts
}

/// A rotation is registered and changed the secret so long ago.
fn pending(ago: Duration, change: impl FnOnce(&mut Facts)) -> Facts {
    changed(|facts| {
        label(facts, "new", &[AWSPENDING]);
        facts.last_changed = Some(now() - ago);
        change(facts);
    })
}

fn store(facts: &mut Facts, version: &str) {
    let stored = facts.stored.get_or_insert_default();
    stored.insert(version.to_owned(), None);
}

fn new(stored: Option<bool>) -> Pending {
    Pending {
        version: "new".to_owned(),
        stored,
    }
}

fn turn_off(facts: &mut Facts) {
    facts.described.rotation_enabled = Some(false);
    facts.last_rotated = None;
}

/// Each row: what it shows, the secret, its state.
fn rows() -> Vec<(&'static str, Facts, State)> {
    vec![
        ("in order", in_order(), State::InOrder),
        (
            "AWSPENDING left on the current version",
            changed(|facts| label(facts, "old", &[AWSCURRENT, AWSPENDING])),
            State::InOrder,
        ),
        (
            "never rotated",
            changed(|facts| facts.last_rotated = None),
            State::NeverRotated,
        ),
        (
            "the next date has passed",
            changed(|facts| facts.next_rotation = Some(now() - MINUTE)),
            State::Overdue { due: now() - MINUTE },
        ),
        ("off", changed(turn_off), State::Off),
        (
            "never set up",
            changed(|facts| {
                facts.described.rotation_enabled = None;
                facts.function = None;
            }),
            State::NotSetUp,
        ),
        (
            "registered just now",
            pending(MINUTE, |_| {}),
            State::UnderWay(new(Some(false))),
        ),
        (
            "stored just now",
            pending(MINUTE, |facts| store(facts, "new")),
            State::UnderWay(new(Some(true))),
        ),
        (
            "quiet, no value",
            pending(QUIET, |_| {}),
            State::Waiting {
                pending: new(Some(false)),
                quiet: QUIET,
            },
        ),
        (
            "quiet, with a value, and overdue",
            pending(60 * MINUTE, |facts| {
                store(facts, "new");
                facts.next_rotation = Some(now() - MINUTE);
            }),
            State::Waiting {
                pending: new(Some(true)),
                quiet: 60 * MINUTE,
            },
        ),
        (
            "versions that could not be listed",
            pending(MINUTE, |facts| facts.stored = None),
            State::UnderWay(new(None)),
        ),
        (
            "changed in the future, by another clock",
            changed(|facts| {
                label(facts, "new", &[AWSPENDING]);
                facts.last_changed = Some(now() + MINUTE);
            }),
            State::UnderWay(new(Some(false))),
        ),
        (
            "off and pending",
            pending(MINUTE, turn_off),
            State::Blocked(new(Some(false))),
        ),
        (
            "pending by hand, where rotation was never set up",
            pending(MINUTE, |facts| {
                facts.described.rotation_enabled = None;
                facts.function = None;
                store(facts, "new");
            }),
            State::Blocked(new(Some(true))),
        ),
        (
            "nothing at all",
            changed(|facts| facts.described.versions.clear()),
            State::NoCurrent,
        ),
        (
            "pending, and nothing is current",
            pending(MINUTE, |facts| _ = facts.described.versions.remove("old")),
            State::NoCurrent,
        ),
        (
            "current without a value",
            changed(|facts| facts.stored = Some(BTreeMap::new())),
            State::NoCurrent,
        ),
        (
            "a replica",
            pending(MINUTE, |facts| {
                facts.described.primary_region = Some("us-east-1".to_owned());
            }),
            State::Replica {
                primary_region: "us-east-1".to_owned(),
            },
        ),
        (
            "the primary of replicas",
            changed(|facts| facts.described.primary_region = Some("eu-west-1".to_owned())),
            State::InOrder,
        ),
        (
            "managed",
            pending(MINUTE, |facts| {
                facts.described.owning_service = Some("rds".to_owned());
            }),
            State::ManagedByService("rds".to_owned()),
        ),
        (
            "marked for deletion",
            changed(|facts| {
                facts.deleted = Some(now());
                facts.described.owning_service = Some("rds".to_owned());
            }),
            State::MarkedForDeletion,
        ),
    ]
}

#[test]
fn every_row_gets_its_state() {
    for (row, facts, expected) in rows() {
        assert_eq!(assess(&facts, now()), expected, "{row}");
    }
}

#[test]
fn there_is_a_row_for_every_state_and_each_has_a_word_of_its_own() {
    // Fails to compile when a state is added: give it a row.
    fn number(state: &State) -> usize {
        match state {
            State::MarkedForDeletion => 0,
            State::ManagedByService(_) => 1,
            State::Replica { .. } => 2,
            State::NoCurrent => 3,
            State::Blocked(_) => 4,
            State::UnderWay(_) => 5,
            State::Waiting { .. } => 6,
            State::NotSetUp => 7,
            State::Off => 8,
            State::Overdue { .. } => 9,
            State::NeverRotated => 10,
            State::InOrder => 11,
        }
    }
    let states: Vec<State> = rows().into_iter().map(|(_, _, state)| state).collect();
    let numbers: BTreeSet<usize> = states.iter().map(number).collect();
    assert_eq!(numbers, (0..12).collect());
    let words: BTreeSet<&str> = states.iter().map(State::as_str).collect();
    assert_eq!(words.len(), 12);
}

#[test]
fn whoever_has_to_act_is_told_what_to_do_and_nobody_else_is_alarmed() {
    for (row, facts, state) in rows() {
        let next = advice::next(&facts, &state);
        assert!(!state.needs_somebody() || !next.is_empty(), "{row}");
        let quiet = matches!(state, State::InOrder | State::ManagedByService(_));
        assert_eq!(next.is_empty(), quiet, "{row}: {next:?}");
        assert!(!state.summary().is_empty(), "{row}");
    }
}

#[test]
fn commands_name_the_secret_as_it_was_asked_for() {
    for (row, mut facts, state) in rows() {
        facts.asked = ARN.to_owned();
        for step in advice::next(&facts, &state) {
            let names_it = step.contains(ARN) || step.contains("aws logs") || step.contains("status crm");
            assert!(names_it, "{row}: {step}");
        }
    }
}

#[test]
fn the_primary_is_looked_at_by_a_name_that_it_has() {
    let mut facts = in_order();
    facts.asked = ARN.to_owned(); // the replica's, by its Region
    let primary_region = "us-east-1".to_owned();
    let next = advice::next(&facts, &State::Replica { primary_region });
    assert_eq!(
        next,
        ["look at the primary: rotation --region us-east-1 status crm"]
    );
}

#[test]
fn what_else_is_to_be_known_is_noted() {
    let replicas = |status| {
        changed(|facts| {
            let replica = rotation_core::Replica::new("us-east-1", status);
            facts.described.replicas = vec![replica];
        })
    };
    let tagged = |value: &str| {
        changed(|facts| {
            _ = facts
                .described
                .tags
                .insert("rotation:grace".to_owned(), value.to_owned());
        })
    };
    let rows = [
        (in_order(), None),
        (
            changed(|facts| label(facts, "old", &[AWSCURRENT, AWSPENDING])),
            Some("the rotation is complete"),
        ),
        (
            changed(|facts| _ = facts.described.versions.remove("older")),
            Some("nothing to roll back to"),
        ),
        (replicas(rotation_core::ReplicaStatus::InSync), None),
        (
            replicas(rotation_core::ReplicaStatus::Behind),
            Some("us-east-1 is not in sync"),
        ),
        (
            replicas(rotation_core::ReplicaStatus::Failed),
            Some("us-east-1 failed"),
        ),
        (tagged("none"), Some("rotation:grace=none")),
        (tagged("until-next-rotation"), None),
        (changed(|facts| facts.stored = None), Some("ListSecretVersionIds")),
    ];
    for (facts, expected) in rows {
        let notes = advice::notes(&facts);
        match expected {
            Some(text) => assert!(
                notes.len() == 1 && notes[0].contains(text),
                "{notes:?}, not {text}"
            ),
            None => assert!(notes.is_empty(), "{notes:?}"),
        }
    }
}

#[test]
fn labels_say_what_a_version_is_for() {
    let meaning = |labels: &[&str]| {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        advice::meaning(&labels)
    };
    assert_eq!(meaning(&[AWSCURRENT, AWSPENDING]), "what readers get");
    assert_eq!(
        meaning(&[AWSPENDING, "MINE"]),
        "the rotation's: to become current"
    );
    assert!(meaning(&[AWSPREVIOUS]).starts_with("current before"));
    assert_eq!(meaning(&["MINE"]), "kept by a label of your own");
}

#[test]
fn the_manual_has_every_state() {
    let manual = include_str!("../../../../docs/operator-tool.md");
    for (row, _, state) in rows() {
        let word = format!("`{}`", state.as_str());
        assert!(
            manual.contains(&word),
            "{row}: docs/operator-tool.md has no {word}"
        );
    }
}
