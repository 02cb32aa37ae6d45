//! The version-stage checks: may this step run, by what `DescribeSecret` says?

use std::fmt;

use crate::error::ErrorClass;
use crate::store::{AWSCURRENT, AWSPENDING, SecretDescription};

/// What the labels say about a step that may go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict<'a> {
    /// The token is pending: do the step. `current` is the version that carries `AWSCURRENT`.
    Proceed {
        /// The id of the version that carries `AWSCURRENT` now.
        current: &'a str,
    },
    /// The token is `AWSCURRENT`: createSecret, setSecret and testSecret have nothing left to do. An
    /// earlier finishSecret may have died between the move of the label and the clean-up, so
    /// finishSecret goes through the clean-up again.
    AlreadyCurrent,
}

/// Why a step must not run. Nothing has been done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// Another AWS service manages this secret and its rotation.
    OwnedByService(String),
    /// This is a replica; only the primary can be rotated.
    Replica {
        /// The Region of the primary.
        primary_region: String,
    },
    /// Rotation was turned off, as `CancelRotateSecret` does.
    RotationDisabled,
    /// No version has the token as its id.
    TokenUnknown,
    /// The token's version carries no label at all.
    NoStages,
    /// The token's version has labels, and no version is pending.
    NotPending {
        /// The labels it has.
        stages: Vec<String>,
    },
    /// Another version is pending: a newer rotation took over.
    PendingElsewhere {
        /// The version that carries `AWSPENDING`.
        version: String,
    },
    /// No version is `AWSCURRENT`: there is nothing to rotate from.
    NoCurrent,
}

/// Decides whether a step may run for `token`, by what `DescribeSecret` says. The answer is the same for
/// each of the four steps. Pure: no calls, no clock.
///
/// An absent `RotationEnabled` passes, as it does in AWS's database templates.
///
/// # Errors
///
/// A [`Refusal`] that says why not.
pub(crate) fn check<'a>(secret: &'a SecretDescription, token: &str) -> Result<Verdict<'a>, Refusal> {
    if let Some(service) = &secret.owning_service {
        return Err(Refusal::OwnedByService(service.clone()));
    }
    if let Some(primary) = secret
        .primary_region
        .as_deref()
        .filter(|region| is_elsewhere(region, &secret.arn))
    {
        return Err(Refusal::Replica {
            primary_region: primary.to_owned(),
        });
    }
    if secret.rotation_enabled == Some(false) {
        return Err(Refusal::RotationDisabled);
    }
    let stages = secret.versions.get(token).ok_or(Refusal::TokenUnknown)?;
    if stages.is_empty() {
        return Err(Refusal::NoStages);
    }
    if stages.iter().any(|stage| stage == AWSCURRENT) {
        return Ok(Verdict::AlreadyCurrent);
    }
    if !stages.iter().any(|stage| stage == AWSPENDING) {
        return Err(match secret.version_with(AWSPENDING) {
            Some(version) => Refusal::PendingElsewhere {
                version: version.to_owned(),
            },
            None => Refusal::NotPending {
                stages: stages.clone(),
            },
        });
    }
    let current = secret.version_with(AWSCURRENT).ok_or(Refusal::NoCurrent)?;
    Ok(Verdict::Proceed { current })
}

/// Whether the ARN's Region is another than `region`. `arn:PARTITION:secretsmanager:REGION:…`
fn is_elsewhere(region: &str, arn: &str) -> bool {
    arn.split(':').nth(3).is_some_and(|own| own != region)
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::TokenUnknown | Self::NoStages | Self::NotPending { .. } | Self::PendingElsewhere { .. } => {
                ErrorClass::Rejected
            }
            Self::OwnedByService(_) | Self::Replica { .. } | Self::RotationDisabled | Self::NoCurrent => {
                ErrorClass::Misconfigured
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnedByService(service) => write!(
                f,
                "the secret is managed by the service {service}, which rotates it; take this function off it"
            ),
            Self::Replica { primary_region } => write!(
                f,
                "the secret is a replica; rotate the primary secret in {primary_region}, its value is replicated"
            ),
            Self::RotationDisabled => {
                f.write_str("rotation is disabled for the secret; enable it with RotateSecret")
            }
            Self::TokenUnknown => {
                f.write_str("the secret has no version with this token; start a rotation with RotateSecret")
            }
            Self::NoStages => f.write_str("the version has no staging label any more; start a new rotation"),
            Self::NotPending { stages } => write!(
                f,
                "the version is not AWSPENDING (it is {}); the rotation was abandoned, start a new one",
                stages.join(", ")
            ),
            Self::PendingElsewhere { version } => write!(
                f,
                "another version is AWSPENDING ({version}); a newer rotation took over, nothing to do here"
            ),
            Self::NoCurrent => f.write_str("no version is AWSCURRENT; put a first value into the secret"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-abc123";
    const TOKEN: &str = "token";

    /// A secret in the middle of an ordinary rotation of `TOKEN`.
    fn rotating() -> SecretDescription {
        with_versions(&[
            ("old", &["AWSCURRENT"]),
            (TOKEN, &["AWSPENDING"]),
            ("older", &["AWSPREVIOUS"]),
        ])
    }

    fn with_versions(versions: &[(&str, &[&str])]) -> SecretDescription {
        let mut secret = SecretDescription::new(ARN);
        secret.rotation_enabled = Some(true);
        secret.versions = versions
            .iter()
            .map(|(id, stages)| ((*id).to_owned(), stages.iter().map(|&s| s.to_owned()).collect()))
            .collect();
        secret
    }

    fn changed(change: impl FnOnce(&mut SecretDescription)) -> SecretDescription {
        let mut secret = rotating();
        change(&mut secret);
        secret
    }

    /// Each row: what it shows, the secret, what every step gets.
    fn rows() -> Vec<(&'static str, SecretDescription, Result<Verdict<'static>, Refusal>)> {
        let proceed = Ok(Verdict::Proceed { current: "old" });
        vec![
            ("ordinary", rotating(), proceed.clone()),
            (
                "RotationEnabled absent",
                changed(|s| s.rotation_enabled = None),
                proceed.clone(),
            ),
            (
                "RotationEnabled false",
                changed(|s| s.rotation_enabled = Some(false)),
                Err(Refusal::RotationDisabled),
            ),
            (
                "owned by another service",
                changed(|s| s.owning_service = Some("rds".into())),
                Err(Refusal::OwnedByService("rds".into())),
            ),
            (
                "a replica",
                changed(|s| s.primary_region = Some("us-east-1".into())),
                Err(Refusal::Replica {
                    primary_region: "us-east-1".into(),
                }),
            ),
            (
                "the primary of replicas",
                changed(|s| s.primary_region = Some("eu-west-1".into())),
                proceed,
            ),
            (
                "token unknown",
                with_versions(&[("old", &["AWSCURRENT"])]),
                Err(Refusal::TokenUnknown),
            ),
            (
                "token without stages",
                with_versions(&[("old", &["AWSCURRENT"]), (TOKEN, &[])]),
                Err(Refusal::NoStages),
            ),
            (
                "not pending",
                with_versions(&[("old", &["AWSCURRENT"]), (TOKEN, &["AWSPREVIOUS", "MINE"])]),
                Err(Refusal::NotPending {
                    stages: vec!["AWSPREVIOUS".into(), "MINE".into()],
                }),
            ),
            (
                "pending on another version",
                with_versions(&[
                    ("old", &["AWSCURRENT"]),
                    (TOKEN, &["MINE"]),
                    ("newer", &["AWSPENDING"]),
                ]),
                Err(Refusal::PendingElsewhere {
                    version: "newer".into(),
                }),
            ),
            (
                "no AWSCURRENT",
                with_versions(&[(TOKEN, &["AWSPENDING"])]),
                Err(Refusal::NoCurrent),
            ),
        ]
    }

    #[test]
    fn every_row_gets_its_verdict_in_every_step() {
        for (row, secret, expected) in rows() {
            assert_eq!(check(&secret, TOKEN), expected, "{row}");
        }
    }

    #[test]
    fn already_current_is_done_and_finish_resumes_its_clean_up() {
        let both: [&[&str]; 2] = [&["AWSCURRENT"], &["AWSCURRENT", "AWSPENDING"]];
        for stages in both {
            let secret = with_versions(&[(TOKEN, stages), ("old", &["AWSPREVIOUS"])]);
            assert_eq!(check(&secret, TOKEN), Ok(Verdict::AlreadyCurrent));
        }
    }

    #[test]
    fn a_secret_that_must_not_be_rotated_is_refused_even_when_the_token_is_current() {
        let mut secret = with_versions(&[(TOKEN, &["AWSCURRENT"])]);
        secret.rotation_enabled = Some(false);
        assert_eq!(check(&secret, TOKEN), Err(Refusal::RotationDisabled));
    }

    #[test]
    fn refusals_say_what_to_do() {
        for (row, _, expected) in rows() {
            if let Err(refusal) = expected {
                let text = refusal.to_string();
                assert!(text.contains(';') || text.contains(','), "{row}: {text}");
            }
        }
        let replica = Refusal::Replica {
            primary_region: "us-east-1".into(),
        };
        assert!(replica.to_string().contains("us-east-1"));
    }
}
