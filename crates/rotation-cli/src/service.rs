//! The calls to Secrets Manager, as an operator makes them.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::SystemTime;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::RotationRulesType;
use rotation_core::{AWSCURRENT, AWSPENDING, SecretValue, chain};
use rotation_secretsmanager::description;

use crate::place::Place;
use crate::state::{Facts, Rules};

/// Why a call failed. Safe to print: no call here sends a value, and no refusal quotes one.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {said}{}", .kind.hint(.action))]
pub(crate) struct ServiceError {
    pub(crate) action: &'static str,
    pub(crate) kind: Kind,
    said: String,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Denied,
    Kms,
    NotFound,
    /// A rotation is not complete, so another cannot start.
    NotComplete,
    Unanswered,
    /// There was nothing to sign the call with; it was not sent.
    NoCredentials,
    Other,
}

impl Kind {
    fn hint(self, action: &str) -> &'static str {
        let reads = ["DescribeSecret", "GetSecretValue", "ListSecretVersionIds"].contains(&action);
        match self {
            Self::Denied => {
                "; the policies of whoever runs this tool, of the secret and of a VPC endpoint must allow it"
            }
            Self::Kms => "; the state of the KMS key and its policy for whoever runs this tool must allow it",
            Self::NotFound => "; see that the name, the Region and the account are right",
            Self::Unanswered if reads => "; see that the endpoint can be reached from here",
            Self::Unanswered => {
                "; see that the endpoint can be reached from here, and look at the state: it may have been done"
            }
            Self::NoCredentials => {
                "; see that the profile, or what the environment names, has credentials, and that they have not expired"
            }
            Self::NotComplete | Self::Other => "",
        }
    }
}

pub(crate) type Answer<T> = Result<T, ServiceError>;

/// Secrets Manager.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    client: Client,
    place: Place,
}

impl Service {
    pub(crate) fn new(client: Client, place: Place) -> Self {
        Self { client, place }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// DescribeSecret, and ListSecretVersionIds where that is allowed.
    pub(crate) async fn look(&self, secret_id: &str) -> Answer<Facts> {
        let described = self.client.describe_secret().secret_id(secret_id).send();
        let described = described
            .await
            .map_err(|error| self.in_its_region(secret_id, failed("DescribeSecret", &error)))?;
        let stored = self.stored(secret_id).await.ok();
        Ok(facts(secret_id, self.place.clone(), described, stored))
    }

    /// An ARN does not choose the Region that is asked.
    fn in_its_region(&self, secret_id: &str, error: ServiceError) -> ServiceError {
        let asked = self.client.config().region().map(AsRef::as_ref);
        let mut said = error.said;
        if let (Some(named), Some(asked)) = (region_of(secret_id), asked)
            && named != asked
        {
            said += &format!("; the ARN names {named}, and {asked} was asked: give --region {named}");
        }
        ServiceError { said, ..error }
    }

    async fn stored(&self, secret_id: &str) -> Answer<BTreeMap<String, Option<SystemTime>>> {
        let list = self.client.list_secret_version_ids().secret_id(secret_id);
        let mut pages = list.into_paginator().send();
        let mut stored = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("ListSecretVersionIds", &error))?;
            for version in page.versions.unwrap_or_default() {
                stored.extend(
                    version
                        .version_id
                        .map(|id| (id, version.created_date.and_then(time))),
                );
            }
        }
        Ok(stored)
    }

    /// The value of a version.
    pub(crate) async fn value(&self, secret_id: &str, version: &str) -> Answer<SecretValue> {
        self.read(secret_id, Some(version)).await
    }

    /// The value under `AWSCURRENT`.
    pub(crate) async fn current_value(&self, secret_id: &str) -> Answer<SecretValue> {
        self.read(secret_id, None).await
    }

    async fn read(&self, secret_id: &str, version: Option<&str>) -> Answer<SecretValue> {
        let read = self.client.get_secret_value().secret_id(secret_id);
        let read = read.set_version_id(version.map(str::to_owned)).send().await;
        let read = read.map_err(|error| failed("GetSecretValue", &error))?;
        match (read.secret_string, read.secret_binary) {
            (Some(text), _) => Ok(SecretValue::text(text)),
            (None, Some(binary)) => Ok(SecretValue::binary(binary.into_inner())),
            (None, None) => Err(ServiceError {
                action: "GetSecretValue",
                kind: Kind::Other,
                said: "the answer has no value".to_owned(),
            }),
        }
    }

    /// RotateSecret under this token, which turns rotation on and rotates at once.
    pub(crate) async fn rotate(&self, secret_id: &str, token: &str) -> Answer<()> {
        let rotate = self.client.rotate_secret().secret_id(secret_id);
        let rotate = rotate.client_request_token(token).rotate_immediately(true);
        rotate
            .send()
            .await
            .map_err(|error| failed("RotateSecret", &error))?;
        Ok(())
    }

    /// RotateSecret that turns rotation on and does not rotate: it runs testSecret alone. The rules are
    /// sent along as they were.
    pub(crate) async fn turn_on(&self, secret_id: &str, token: &str, rules: Option<&Rules>) -> Answer<()> {
        let rotate = self.client.rotate_secret().secret_id(secret_id);
        let rotate = rotate.client_request_token(token).rotate_immediately(false);
        let rotate = rotate.set_rotation_rules(rules.map(sent));
        rotate
            .send()
            .await
            .map_err(|error| failed("RotateSecret", &error))?;
        Ok(())
    }

    /// CancelRotateSecret.
    pub(crate) async fn cancel(&self, secret_id: &str) -> Answer<()> {
        let cancel = self.client.cancel_rotate_secret().secret_id(secret_id).send();
        cancel
            .await
            .map_err(|error| failed("CancelRotateSecret", &error))?;
        Ok(())
    }

    /// Takes `AWSPENDING` off this version if it is on it.
    pub(crate) async fn release(&self, secret_id: &str, version: &str) -> Answer<()> {
        self.restage(secret_id, AWSPENDING, None, version).await
    }

    /// Moves `AWSCURRENT` to the version `to` if it is on `from`.
    pub(crate) async fn make_current(&self, secret_id: &str, to: &str, from: &str) -> Answer<()> {
        self.restage(secret_id, AWSCURRENT, Some(to), from).await
    }

    async fn restage(&self, secret_id: &str, stage: &str, to: Option<&str>, from: &str) -> Answer<()> {
        let update = self.client.update_secret_version_stage().secret_id(secret_id);
        let update = update.version_stage(stage).remove_from_version_id(from);
        let update = update.set_move_to_version_id(to.map(str::to_owned)).send();
        update
            .await
            .map_err(|error| failed("UpdateSecretVersionStage", &error))?;
        Ok(())
    }
}

fn failed<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> ServiceError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let (kind, said) = match error {
        SdkError::ServiceError(answer) if error.code().is_none() => {
            let status = answer.raw().status();
            let said = format!(
                "no answer of Secrets Manager, but HTTP status {}",
                status.as_u16()
            );
            (Kind::Unanswered, said)
        }
        SdkError::ServiceError(_) => {
            let code = error.code().unwrap_or_default();
            let message = error.message().unwrap_or("no message");
            (kind(code, message), format!("{code}: {message}"))
        }
        // What the chain of credentials says has no type that outlives the SDK's own.
        SdkError::DispatchFailure(failure) if failure.is_other() && chain(error).contains("credential") => {
            (Kind::NoCredentials, format!("not sent ({})", chain(error)))
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            (Kind::Unanswered, format!("no answer ({})", chain(error)))
        }
        _ => (Kind::Other, chain(error)),
    };
    ServiceError { action, kind, said }
}

fn kind(code: &str, message: &str) -> Kind {
    match code {
        "DecryptionFailure" | "EncryptionFailure" => Kind::Kms,
        "AccessDeniedException" | "AccessDenied" if message.contains("KMS") => Kind::Kms,
        "AccessDeniedException" | "AccessDenied" => Kind::Denied,
        "ResourceNotFoundException" => Kind::NotFound,
        "InvalidRequestException" if message.contains("isn't complete") => Kind::NotComplete,
        _ => Kind::Other,
    }
}

fn facts(
    secret_id: &str,
    place: Place,
    described: DescribeSecretOutput,
    stored: Option<BTreeMap<String, Option<SystemTime>>>,
) -> Facts {
    Facts {
        asked: secret_id.to_owned(),
        place,
        name: described.name.clone().unwrap_or_else(|| secret_id.to_owned()),
        function: described.rotation_lambda_arn.clone(),
        rules: described.rotation_rules.clone().map(rules),
        last_rotated: described.last_rotated_date.and_then(time),
        last_changed: described.last_changed_date.and_then(time),
        next_rotation: described.next_rotation_date.and_then(time),
        deleted: described.deleted_date.and_then(time),
        stored,
        described: description(secret_id, described),
    }
}

fn rules(rules: RotationRulesType) -> Rules {
    Rules {
        days: rules.automatically_after_days,
        expression: rules.schedule_expression,
        window: rules.duration,
    }
}

/// The service describes days beside an expression, and refuses both together.
fn sent(rules: &Rules) -> RotationRulesType {
    let days = rules.days.filter(|_| rules.expression.is_none());
    RotationRulesType::builder()
        .set_automatically_after_days(days)
        .set_schedule_expression(rules.expression.clone())
        .set_duration(rules.window.clone())
        .build()
}

/// The Region of an ARN.
fn region_of(secret_id: &str) -> Option<&str> {
    let mut parts = secret_id.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2))?
}

fn time(time: DateTime) -> Option<SystemTime> {
    SystemTime::try_from(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_refuses_is_told_apart() {
        let rows = [
            (
                "AccessDeniedException",
                "is not authorized to perform",
                Kind::Denied,
            ),
            ("AccessDeniedException", "Access to KMS is not allowed", Kind::Kms),
            ("DecryptionFailure", "", Kind::Kms),
            ("ResourceNotFoundException", "", Kind::NotFound),
            (
                "InvalidRequestException",
                "A previous rotation isn't complete. That rotation will be reattempted.",
                Kind::NotComplete,
            ),
            ("InvalidRequestException", "marked for deletion", Kind::Other),
            ("ThrottlingException", "Rate exceeded", Kind::Other),
        ];
        for (code, message, expected) in rows {
            assert_eq!(kind(code, message), expected, "{code}: {message}");
        }
    }

    #[test]
    fn a_call_without_an_answer_may_have_been_done_if_it_writes() {
        let error = |action| ServiceError {
            action,
            kind: Kind::Unanswered,
            said: "no answer".to_owned(),
        };
        assert!(
            error("RotateSecret")
                .to_string()
                .ends_with("it may have been done")
        );
        assert!(
            error("DescribeSecret")
                .to_string()
                .ends_with("can be reached from here")
        );
    }

    #[test]
    fn rules_are_sent_as_they_were_and_never_as_both() {
        let mut rules = Rules {
            days: Some(30),
            expression: Some("rate(30 days)".to_owned()),
            window: Some("3h".to_owned()),
        };
        let both = sent(&rules);
        assert_eq!(
            (both.automatically_after_days, both.schedule_expression()),
            (None, Some("rate(30 days)"))
        );
        assert_eq!(both.duration(), Some("3h"));
        rules.expression = None;
        assert_eq!(sent(&rules).automatically_after_days, Some(30));
    }
}
