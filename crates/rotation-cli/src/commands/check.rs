//! `check`: looks for what would make a rotation fail. Changes nothing.

use std::fmt;

use rotation_core::{SecretValue, chain};
use serde::Serialize;
use serde_json::json;

use super::document::{Key, Refers, SUPERUSER, Shape, shape};
use crate::advice;
use crate::error::{Error, Exit};
use crate::session::{Found, Session};
use crate::state::{Facts, State};

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: &'static str,
    result: Verdict,
    says: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    /// It may be as somebody wants it.
    Warning,
    Failed,
    /// It could not be looked at.
    Skipped,
}

impl Finding {
    fn new(check: &'static str, result: Verdict, says: impl Into<String>) -> Self {
        Self {
            check,
            result,
            says: says.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.result {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
        };
        write!(f, "{result:8}  {:10}  {}", self.check, self.says)
    }
}

pub(super) async fn run(session: &mut Session<'_, '_>, secret: &str) -> Result<Exit, Error> {
    let findings = match session.look(secret).await {
        Ok(found) => look_at(session, &found).await,
        Err(error) => vec![Finding::new("describe", Verdict::Failed, error.to_string())],
    };
    let failed = findings
        .iter()
        .filter(|finding| finding.result == Verdict::Failed)
        .count();
    let passed = failed == 0;
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let closing = match failed {
        0 => "nothing here would make a rotation fail".to_owned(),
        1 => "1 check failed".to_owned(),
        more => format!("{more} checks failed"),
    };
    let text = format!("{}\n\n{closing}", lines.join("\n"));
    session.print(
        &text,
        &json!({"secret": secret, "passed": passed, "findings": findings}),
    )?;
    Ok(match passed {
        true => Exit::Done,
        false => Exit::Attention,
    })
}

async fn look_at(session: &Session<'_, '_>, found: &Found) -> Vec<Finding> {
    let Found { facts, state } = found;
    let mut findings = vec![
        Finding::new("describe", Verdict::Ok, facts.described.arn.clone()),
        labels(facts, state),
        set_up(facts),
        function(facts),
    ];
    findings.extend(versions(facts));
    findings.extend(replicas(facts));
    findings.extend(tag(facts));
    match current(session, facts).await {
        Ok((version, value)) => {
            findings.push(Finding::new(
                "value",
                Verdict::Ok,
                "AWSCURRENT can be read, and decrypted",
            ));
            findings.extend(document(session, facts, &value).await);
            findings.extend(credential(session, facts, &version, &value).await);
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

/// Whether a rotation can start.
fn labels(facts: &Facts, state: &State) -> Finding {
    let check = "labels";
    match state {
        State::Blocked(_) | State::Waiting { .. } => Finding::new(
            check,
            Verdict::Failed,
            format!("{}: see `rotation status {}`", state.summary(), facts.named()),
        ),
        State::MarkedForDeletion | State::ManagedByService(_) | State::Replica { .. } | State::NoCurrent => {
            Finding::new(check, Verdict::Failed, state.summary())
        }
        State::UnderWay(_) | State::Overdue { .. } => Finding::new(check, Verdict::Warning, state.summary()),
        State::NotSetUp | State::Off | State::NeverRotated | State::InOrder => {
            Finding::new(check, Verdict::Ok, "AWSCURRENT is there, and nothing is pending")
        }
    }
}

fn set_up(facts: &Facts) -> Finding {
    let check = "rotation";
    match (facts.described.rotation_enabled, &facts.rules) {
        (Some(true), Some(_)) => Finding::new(check, Verdict::Ok, "on, with a schedule"),
        (Some(true), None) => Finding::new(
            check,
            Verdict::Warning,
            "on, without a schedule: it rotates when asked only",
        ),
        (Some(false), _) => Finding::new(
            check,
            Verdict::Warning,
            "off: nothing rotates it, see `rotation status`",
        ),
        (None, _) => Finding::new(check, Verdict::Warning, "not set up yet"),
    }
}

/// Whether there is a function is seen by its ARN alone: to look at the function needs rights on Lambda.
fn function(facts: &Facts) -> Finding {
    let check = "function";
    let Some(function) = &facts.function else {
        return Finding::new(check, Verdict::Warning, "no rotation function is named yet");
    };
    let region = |arn: &str| arn.split(':').nth(3).map(str::to_owned);
    match facts.function_name() {
        Some(_) if region(function) == region(&facts.described.arn) => {
            Finding::new(check, Verdict::Ok, format!("{function} is named"))
        }
        _ => Finding::new(
            check,
            Verdict::Failed,
            format!("{function} is not the ARN of a function in the secret's Region; set it by RotateSecret"),
        ),
    }
}

/// Which versions hold a value is known by a right that a rotation does not need.
fn versions(facts: &Facts) -> Option<Finding> {
    facts.stored.is_none().then(|| {
        let says = "which hold a value is not known: secretsmanager:ListSecretVersionIds did not answer whoever runs this";
        Finding::new("versions", Verdict::Warning, says)
    })
}

fn replicas(facts: &Facts) -> Option<Finding> {
    let behind = |replica: &&rotation_core::Replica| replica.status != rotation_core::ReplicaStatus::InSync;
    let mut late = facts.described.replicas.iter().filter(behind);
    let first = late.next()?;
    Some(match first.status {
        rotation_core::ReplicaStatus::Behind => Finding::new(
            "replicas",
            Verdict::Warning,
            format!("the replica in {} is not in sync yet", first.region),
        ),
        _ => Finding::new(
            "replicas",
            Verdict::Failed,
            format!(
                "replication to {} failed: readers there would go on with the old credential; mend the replica or \
                 remove it",
                first.region
            ),
        ),
    })
}

fn tag(facts: &Facts) -> Option<Finding> {
    let tag = advice::grace_tag(facts)?;
    let known = ["none", "until-next-rotation"].contains(&tag);
    (!known).then(|| {
        Finding::new(
            "tag",
            Verdict::Failed,
            "the tag rotation:grace must be none or until-next-rotation",
        )
    })
}

async fn current(session: &Session<'_, '_>, facts: &Facts) -> Result<(String, SecretValue), Finding> {
    let Some(version) = facts.current() else {
        return Err(Finding::new(
            "value",
            Verdict::Skipped,
            "there is no AWSCURRENT to read",
        ));
    };
    match session.service.value(&facts.asked, version).await {
        Ok(value) => Ok((version.to_owned(), value)),
        Err(error) => Err(Finding::new("value", Verdict::Failed, error.to_string())),
    }
}

/// The document's form, and the secrets that it names.
async fn document(session: &Session<'_, '_>, facts: &Facts, value: &SecretValue) -> Vec<Finding> {
    let check = "document";
    let keys = match shape(value) {
        Ok(Shape::Document(keys)) => keys,
        Ok(Shape::Opaque(kind)) => {
            return vec![Finding::new(
                check,
                Verdict::Ok,
                format!("{kind}, rotated as a whole"),
            )];
        }
        Err(error) => return vec![Finding::new(check, Verdict::Failed, error.to_string())],
    };
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let mut findings = vec![Finding::new(
        check,
        Verdict::Ok,
        format!("JSON with the keys {}", names.join(", ")),
    )];
    for key in &keys {
        findings.extend(link(session, facts, key).await);
    }
    findings
}

async fn link(session: &Session<'_, '_>, facts: &Facts, key: &Key) -> Option<Finding> {
    let check = "link";
    let name = &key.name;
    let Refers::Secret(arn) = &key.refers else {
        let says = format!("the key {name} must be the ARN of the superuser secret, whole");
        return (name == SUPERUSER).then(|| Finding::new(check, Verdict::Failed, says));
    };
    if *arn == facts.described.arn {
        let says = format!("the key {name} names the secret itself");
        return Some(Finding::new(check, Verdict::Failed, says));
    }
    Some(match session.service.current_value(arn).await {
        Ok(value) if shape(&value).is_err() => Finding::new(
            check,
            Verdict::Failed,
            format!("{name}: the document of {arn} is not valid JSON"),
        ),
        Ok(_) => Finding::new(
            check,
            Verdict::Ok,
            format!("{name}: {arn} can be read, by whoever runs this tool"),
        ),
        Err(error) => Finding::new(check, Verdict::Failed, format!("{name}: {arn}: {error}")),
    })
}

/// What only a backend knows: whether it can use the value, and whether the credential works.
async fn credential(
    session: &Session<'_, '_>,
    facts: &Facts,
    version: &str,
    value: &SecretValue,
) -> Vec<Finding> {
    let check = "credential";
    let Some(backend) = session.backend else {
        let says = "whether it works is not known: this tool has no backend";
        return vec![Finding::new(check, Verdict::Skipped, says)];
    };
    let id = match backend.id(value) {
        Ok(id) => id,
        Err(error) => return vec![Finding::new(check, Verdict::Failed, error.to_string())],
    };
    let named = match id {
        Some(id) => Finding::new(check, Verdict::Ok, format!("its id is {id}")),
        None => Finding::new(
            check,
            Verdict::Warning,
            "it has no id in the document: it will never be ended",
        ),
    };
    let proved = match session.prove(backend, facts, version, value).await {
        Ok(()) => Finding::new(
            "proof",
            Verdict::Ok,
            "the AWSCURRENT credential works, tried from here",
        ),
        Err(error) => Finding::new(
            "proof",
            Verdict::Failed,
            format!(
                "the AWSCURRENT credential does not work from here: {} ({})",
                chain(&error),
                error.class()
            ),
        ),
    };
    vec![named, proved]
}
