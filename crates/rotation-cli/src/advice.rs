//! What a state asks for, and what else is to be known of a secret. Pure.

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, ReplicaStatus};

use crate::state::{Facts, State};

/// What to do next, the first thing first; nothing where nobody has to do anything.
pub(crate) fn next(facts: &Facts, state: &State) -> Vec<String> {
    let name = &facts.named();
    match state {
        State::MarkedForDeletion => vec![format!(
            "take it back, if it is needed: aws secretsmanager restore-secret --secret-id {name}"
        )],
        State::ManagedByService(_) | State::InOrder => Vec::new(),
        State::Replica { primary_region } => {
            // By its name, which is the same there; the ARN is not.
            vec![format!(
                "look at the primary: rotation --region {primary_region} status {}{}",
                facts.name,
                facts.place.account()
            )]
        }
        State::NoCurrent => vec![format!(
            "store a value that works: aws secretsmanager put-secret-value --secret-id {name} --secret-string \
             file://value.json"
        )],
        State::UnderWay(_) => vec![format!("wait, and look again: rotation status {name}")],
        State::Waiting { pending, .. } | State::Blocked(pending) => {
            let caution = match pending.stored {
                Some(false) => "",
                _ => {
                    " (where a password is changed in place, the target may know only this version's by now)"
                }
            };
            vec![
                format!("learn why it stopped: {}", log_command(facts)),
                format!("mend that; then go on with the same version: rotation resume {name} --wait"),
                format!("or give this version up: rotation abandon {name}{caution}"),
            ]
        }
        State::NotSetUp => vec![
            format!("see that it can be rotated: rotation check {name}"),
            format!(
                "set rotation up, without rotating now: aws secretsmanager rotate-secret --secret-id {name} \
                 --no-rotate-immediately --rotation-lambda-arn FUNCTION --rotation-rules AutomaticallyAfterDays=30"
            ),
        ],
        State::Off => vec![
            format!(
                "turn rotation on again, without rotating now: {}",
                turn_on_command(facts)
            ),
            format!("or turn it on and rotate now: rotation rotate {name} --wait"),
        ],
        State::Overdue { .. } => vec![
            format!(
                "see whether the function was invoked, and what it said: {}",
                log_command(facts)
            ),
            format!("rotate now: rotation rotate {name} --wait"),
        ],
        State::NeverRotated => vec![
            format!("see that it can be rotated: rotation check {name}"),
            format!("rotate for the first time: rotation rotate {name} --wait"),
        ],
    }
}

/// The command that prints what the rotation function logged of its failed steps.
pub(crate) fn log_command(facts: &Facts) -> String {
    let function = facts.function_name().unwrap_or("FUNCTION");
    let place = facts.place.elsewhere();
    format!("aws logs tail /aws/lambda/{function} --since 3h --filter-pattern '\"step failed\"'{place}")
}

/// The command that turns rotation on again and does not rotate.
pub(crate) fn turn_on_command(facts: &Facts) -> String {
    format!(
        "aws secretsmanager rotate-secret --secret-id {} --no-rotate-immediately",
        facts.named()
    )
}

/// What else is to be known, whatever the state.
pub(crate) fn notes(facts: &Facts) -> Vec<String> {
    let mut notes = Vec::new();
    if facts.is_closing() {
        notes.push(
            "AWSPENDING is on the current version: the rotation is complete, and the service takes the label off; if it \
             stays, finishSecret could not clean up, and the function's log says why"
                .to_owned(),
        );
    }
    if facts.current().is_some() && facts.described.version_with(AWSPREVIOUS).is_none() {
        notes.push("no version is AWSPREVIOUS: there is nothing to roll back to".to_owned());
    }
    for replica in &facts.described.replicas {
        let region = &replica.region;
        match replica.status {
            ReplicaStatus::InSync => {}
            ReplicaStatus::Behind => notes.push(format!(
                "the replica in {region} is not in sync: readers there may still get the value of before"
            )),
            _ => notes.push(format!(
                "replication to {region} failed: readers there get an older value; mend the replica or remove it"
            )),
        }
    }
    if let Some(note) = grace(facts) {
        notes.push(note);
    }
    if facts.stored.is_none() {
        notes.push(
            "which versions hold a value is not known: secretsmanager:ListSecretVersionIds did not answer"
                .to_owned(),
        );
    }
    notes
}

/// The tag by which a secret asks for no grace.
pub(crate) fn grace_tag(facts: &Facts) -> Option<&str> {
    facts.described.tags.get("rotation:grace").map(String::as_str)
}

fn grace(facts: &Facts) -> Option<String> {
    match grace_tag(facts)? {
        "none" => Some(
            "tag rotation:grace=none: a superseded credential is ended right after the rotation".to_owned(),
        ),
        _ => None,
    }
}

/// What a version is for, by its labels.
pub(crate) fn meaning(labels: &[String]) -> &'static str {
    let has = |label: &str| labels.iter().any(|it| it == label);
    if has(AWSCURRENT) {
        "what readers get"
    } else if has(AWSPENDING) {
        "the rotation's: to become current"
    } else if has(AWSPREVIOUS) {
        "current before: the way back, if it still works"
    } else {
        "kept by a label of your own"
    }
}
