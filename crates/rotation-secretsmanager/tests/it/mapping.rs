//! What each answer of the service becomes, through the real SDK.
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use rotation_core::{
    Effect, ErrorClass, SecretDescription, SecretStore, SecretString, SecretValue, StoreError,
    StoreErrorKind, StoredVersion, VersionRef,
};
use rotation_secretsmanager::SecretsManagerStore;
use serde_json::json;

const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const VALUE: &str = r#"{"password":"sentinel-value"}"#;
const ROTATION_TOKEN: &str = "proof-of-whose-write";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Describe,
    ReadCurrent,
    ReadPending,
    Put,
    Promote,
    Release,
}

const ACTIONS: [Action; 6] = [
    Action::Describe,
    Action::ReadCurrent,
    Action::ReadPending,
    Action::Put,
    Action::Promote,
    Action::Release,
];

impl Action {
    fn writes(self) -> bool {
        matches!(self, Self::Put | Self::Promote | Self::Release)
    }

    /// A rule that answers this action as `answers` say, one after the other.
    fn answering(self, answers: &[Answer]) -> Rule {
        macro_rules! sequence {
            ($operation: expr) => {{
                let (first, rest) = answers.split_first().unwrap();
                let first = *first;
                let mut sequence = mock!($operation)
                    .sequence()
                    .http_response(move || first.response());
                for answer in rest.iter().copied() {
                    sequence = sequence.http_response(move || answer.response());
                }
                sequence.build()
            }};
        }
        match self {
            Self::Describe => sequence!(Client::describe_secret),
            Self::ReadCurrent | Self::ReadPending => sequence!(Client::get_secret_value),
            Self::Put => sequence!(Client::put_secret_value),
            Self::Promote | Self::Release => sequence!(Client::update_secret_version_stage),
        }
    }

    async fn call(self, store: &SecretsManagerStore) -> Result<(), StoreError> {
        match self {
            Self::Describe => store.describe("arn").await.map(|_| ()),
            Self::ReadCurrent => store
                .read("arn", VersionRef::Stage("AWSCURRENT"))
                .await
                .map(|_| ()),
            Self::ReadPending => {
                let version = VersionRef::IdAndStage(TOKEN, "AWSPENDING");
                store.read("arn", version).await.map(|_| ())
            }
            Self::Put => {
                let rotation_token = SecretString::from(ROTATION_TOKEN);
                let value = SecretValue::text(VALUE);
                store
                    .put_pending("arn", TOKEN, &value, Some(&rotation_token))
                    .await
            }
            Self::Promote => store.promote("arn", TOKEN, "old").await,
            Self::Release => store.release_pending("arn", TOKEN).await,
        }
    }

    /// The error after these answers, and how many of them were fetched.
    async fn error_after(self, answers: &[Answer]) -> (StoreError, usize) {
        let rule = self.answering(answers);
        let store = store(&[&rule]);
        let error = self.call(&store).await.unwrap_err();
        (error, rule.num_calls())
    }
}

#[derive(Clone, Copy)]
struct Answer(u16, &'static str, &'static str);

impl Answer {
    fn response(self) -> HttpResponse {
        let body = match self.1 {
            "" => self.2.to_owned(),
            code => json!({"__type": code, "Message": self.2}).to_string(),
        };
        HttpResponse::new(self.0.try_into().unwrap(), body.into())
    }
}

fn store(rules: &[&Rule]) -> SecretsManagerStore {
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let client = mock_client!(aws_sdk_secretsmanager, RuleMode::Sequential, rules, |config| {
        config.retry_config(retries.clone())
    });
    SecretsManagerStore::new(client)
}

const THROTTLED: Answer = Answer(400, "ThrottlingException", "Rate exceeded");
const INTERNAL: Answer = Answer(
    500,
    "InternalServiceError",
    "An error occurred on the server side.",
);
const DENIED: Answer = Answer(
    400,
    "AccessDeniedException",
    "User: arn:aws:sts::111122223333:assumed-role/f/f is not authorized to perform: secretsmanager:X",
);

#[tokio::test]
async fn each_refusal_has_its_kind_and_class_and_nothing_was_done() {
    use Action::{Describe, Promote, Put, ReadCurrent, ReadPending, Release};
    use StoreErrorKind::{Conflict, Denied, Encryption, Invalid, NotFound, StageMismatch, Unavailable};
    let everywhere: &[Action] = &ACTIONS;
    let kms = "Access to KMS is not allowed";
    let mismatch = "You provided a VersionStage that is not associated to the provided VersionId.";
    let replica =
        "Operation not permitted on a replica secret. Call must be made in primary secret's region.";
    let managed = "The secret is managed by another service";
    let rows: &[(&[Action], Answer, StoreErrorKind, &str)] = &[
        (
            everywhere,
            Answer(400, "ResourceNotFoundException", "can't find"),
            NotFound,
            "can't find",
        ),
        (everywhere, DENIED, Denied, " is denied; the policies"),
        (
            everywhere,
            Answer(403, "AccessDeniedException", "no"),
            Denied,
            " is denied; the policies",
        ),
        (
            everywhere,
            Answer(400, "AccessDeniedException", kms),
            Encryption,
            "needs kms:",
        ),
        (
            everywhere,
            Answer(400, "UnrecognizedClientException", "invalid token"),
            Denied,
            "credentials",
        ),
        (
            everywhere,
            Answer(400, "ExpiredTokenException", "expired"),
            Denied,
            "credentials",
        ),
        (
            everywhere,
            Answer(403, "InvalidSignatureException", "skewed"),
            Denied,
            "credentials",
        ),
        (
            &[ReadCurrent, ReadPending],
            Answer(400, "DecryptionFailure", "no"),
            Encryption,
            "needs kms:Decrypt on",
        ),
        (
            &[Put],
            Answer(400, "EncryptionFailure", "no"),
            Encryption,
            "needs kms:GenerateDataKey and kms:Decrypt",
        ),
        (
            &[Put],
            Answer(400, "DecryptionFailure", "no"),
            Encryption,
            "needs kms:",
        ),
        (
            &[Put],
            Answer(400, "ResourceExistsException", "in use"),
            Conflict,
            "in use",
        ),
        (
            &[Put, Promote, Release],
            Answer(400, "LimitExceededException", "quota"),
            Invalid,
            "24 hours",
        ),
        (
            &[ReadPending],
            Answer(400, "InvalidRequestException", mismatch),
            StageMismatch,
            mismatch,
        ),
        (
            &[ReadPending],
            Answer(400, "InvalidRequestException", "marked for deletion."),
            Invalid,
            "deletion",
        ),
        (
            &[ReadCurrent],
            Answer(400, "InvalidRequestException", "marked for deletion."),
            Invalid,
            "deletion",
        ),
        (
            &[Promote, Release],
            Answer(400, "InvalidParameterException", "RemoveFromVersionId"),
            StageMismatch,
            "Remove",
        ),
        (
            &[Promote, Release],
            Answer(400, "InvalidParameterException", replica),
            Invalid,
            "replica",
        ),
        (
            &[Promote, Release],
            Answer(400, "InvalidRequestException", managed),
            Invalid,
            "managed",
        ),
        (
            &[Describe, ReadCurrent, Put],
            Answer(400, "InvalidParameterException", "bad"),
            Invalid,
            "bad",
        ),
        (
            everywhere,
            Answer(400, "ValidationException", "bad"),
            Invalid,
            "bad",
        ),
        (
            everywhere,
            Answer(418, "NeverHeardOfException", "bad"),
            Invalid,
            "NeverHeardOfException: bad",
        ),
    ];
    for (actions, answer, kind, text) in rows {
        for action in *actions {
            let (error, calls) = action.error_after(&[*answer]).await;
            let message = error.to_string();
            assert_eq!(error.kind(), *kind, "{action:?} {} {message}", answer.1);
            assert_eq!(error.effect(), Effect::NotApplied, "{action:?} {}", answer.1);
            assert!(message.contains(text), "{action:?}: {message}");
            assert_eq!(calls, 1, "{action:?} {} was repeated", answer.1);
            let class = match kind {
                Unavailable | StageMismatch => ErrorClass::Unavailable,
                _ => ErrorClass::Misconfigured,
            };
            assert_eq!(error.class(), class);
        }
    }
}

#[tokio::test]
async fn what_may_pass_is_repeated_and_then_unavailable() {
    for action in ACTIONS {
        let codes = [
            "ThrottlingException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "SlowDown",
        ];
        for code in codes {
            let (error, calls) = action.error_after(&[Answer(400, code, "Rate exceeded"); 3]).await;
            assert_eq!(
                (error.kind(), error.effect()),
                (StoreErrorKind::Unavailable, Effect::NotApplied)
            );
            assert!(error.to_string().contains("Rate exceeded"), "{error}");
            assert_eq!(calls, 3);
        }
        for answer in [
            INTERNAL,
            Answer(503, "ServiceUnavailable", "busy"),
            Answer(502, "", "<html>bad gateway</html>"),
        ] {
            let (error, calls) = action.error_after(&[answer; 3]).await;
            let effect = if action.writes() {
                Effect::Unknown
            } else {
                Effect::NotApplied
            };
            assert_eq!(
                (error.kind(), error.effect()),
                (StoreErrorKind::Unavailable, effect),
                "{error}"
            );
            assert_eq!(calls, 3);
        }
    }
}

/// The SDK reports the last try only; an earlier one may have been applied.
#[tokio::test]
async fn a_write_is_uncertain_when_any_of_its_tries_was() {
    let mismatch = Answer(400, "InvalidParameterException", "RemoveFromVersionId");
    for last in [THROTTLED, DENIED, mismatch] {
        for action in ACTIONS {
            let first = if last.1 == THROTTLED.1 {
                vec![INTERNAL, last, last]
            } else {
                vec![INTERNAL, last]
            };
            let (error, _) = action.error_after(&first).await;
            let effect = if action.writes() {
                Effect::Unknown
            } else {
                Effect::NotApplied
            };
            assert_eq!(error.effect(), effect, "{action:?} {}: {error}", last.1);
            assert!(error.to_string().contains(last.2), "{error}");
        }
    }
    let (error, _) = Action::Put.error_after(&[THROTTLED, DENIED]).await;
    assert_eq!(error.effect(), Effect::NotApplied, "both tries were refused");
    let conflict = Answer(400, "ResourceExistsException", "in use");
    let (error, _) = Action::Put.error_after(&[INTERNAL, conflict]).await;
    assert_eq!(
        (error.kind(), error.effect()),
        (StoreErrorKind::Conflict, Effect::NotApplied)
    );
}

/// A success that cannot be read was a success all the same.
#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_a_write_uncertain() {
    for action in ACTIONS {
        let (error, _) = action.error_after(&[Answer(200, "", "{\"Version")]).await;
        let effect = if action.writes() {
            Effect::Unknown
        } else {
            Effect::NotApplied
        };
        assert_eq!(
            (error.kind(), error.effect()),
            (StoreErrorKind::Unavailable, effect),
            "{action:?} {error}"
        );
    }
}

#[tokio::test]
async fn a_message_that_quotes_what_was_sent_is_withheld() {
    let quoting = [
        "Value '{\"password\":\"sentinel-value\"}' at 'secretString' failed to satisfy constraint",
        "Value 'proof-of-whose-write' at 'rotationToken' failed to satisfy constraint",
        "Value '…sentinel-val' is too short",
    ];
    for message in quoting {
        let (error, _) = Action::Put
            .error_after(&[Answer(400, "ValidationException", message)])
            .await;
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains("sentinel") && !text.contains("proof") && text.contains("ValidationException"),
            "{text}"
        );
    }
    let (error, _) = Action::Put
        .error_after(&[Answer(400, "ValidationException", "at 'secretString'")])
        .await;
    assert!(error.to_string().contains("at 'secretString'"), "{error}");

    let rule = Action::Put.answering(&[Answer(400, "ValidationException", "Value 'c2VudGluZWw='")]);
    let binary = SecretValue::binary(b"sentinel".to_vec());
    let error = store(&[&rule])
        .put_pending("arn", TOKEN, &binary, None)
        .await
        .unwrap_err();
    assert!(!error.to_string().contains("c2Vud"), "{error}");
}

#[tokio::test]
async fn a_description_is_read_whole() {
    let body = json!({
        "ARN": "arn:x", "Name": "crm", "RotationEnabled": true, "OwningService": "rds", "PrimaryRegion": "eu-west-1",
        "VersionIdsToStages": {"a": ["AWSCURRENT", "live"], "b": ["AWSPREVIOUS"]},
        "Tags": [{"Key": "rotation:grace", "Value": "none"}, {"Key": "empty"}],
        "ReplicationStatus": [
            {"Region": "eu-west-2", "Status": "InSync"}, {"Region": "eu-west-3", "Status": "InProgress"},
            {"Region": "us-east-1", "Status": "Failed"}, {"Region": "us-east-2", "Status": "Detached"},
            {"Region": "us-west-1", "Status": "Pending"},
        ],
    });
    let secret = described(body.to_string()).await;
    assert_eq!(
        (secret.arn.as_str(), secret.rotation_enabled),
        ("arn:x", Some(true))
    );
    assert_eq!(secret.version_with("AWSCURRENT"), Some("a"));
    assert_eq!(secret.version_with("AWSPREVIOUS"), Some("b"));
    assert_eq!(
        (secret.owning_service.as_deref(), secret.primary_region.as_deref()),
        (Some("rds"), Some("eu-west-1"))
    );
    let tags: Vec<_> = secret
        .tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(tags, [("empty", ""), ("rotation:grace", "none")]);
    let replicas: Vec<_> = secret
        .replicas
        .iter()
        .map(|r| format!("{} {:?}", r.region, r.status))
        .collect();
    assert_eq!(
        replicas,
        [
            "eu-west-2 InSync",
            "eu-west-3 Behind",
            "us-east-1 Failed",
            "us-east-2 Failed",
            "us-west-1 Behind"
        ]
    );

    let bare = described(r#"{"ARN": "arn:x"}"#.to_owned()).await;
    assert_eq!(
        (bare.rotation_enabled, bare.versions.len(), bare.tags.len()),
        (None, 0, 0)
    );
}

async fn described(body: String) -> SecretDescription {
    let rule = mock!(Client::describe_secret)
        .match_requests(|request| request.secret_id() == Some("arn"))
        .then_http_response(move || HttpResponse::new(200.try_into().unwrap(), body.clone().into()));
    store(&[&rule]).describe("arn").await.unwrap()
}

async fn read(
    body: &'static str,
    version: VersionRef<'_>,
    asked: (Option<&'static str>, Option<&'static str>),
) -> Result<StoredVersion, StoreError> {
    let rule = mock!(Client::get_secret_value)
        .match_requests(move |request| (request.version_id(), request.version_stage()) == asked)
        .then_http_response(move || HttpResponse::new(200.try_into().unwrap(), body.into()));
    store(&[&rule]).read("arn", version).await
}

#[tokio::test]
async fn values_keep_their_kind_and_are_addressed_as_asked() {
    let text = r#"{"VersionId": "v", "SecretString": "sentinel"}"#;
    let stored = read(
        text,
        VersionRef::IdAndStage("v", "AWSPENDING"),
        (Some("v"), Some("AWSPENDING")),
    )
    .await
    .unwrap();
    assert!(stored.version_id == "v" && stored.value == SecretValue::text("sentinel"));
    let binary = r#"{"VersionId": "v", "SecretBinary": "AAEC"}"#;
    let stored = read(binary, VersionRef::Id("v"), (Some("v"), None))
        .await
        .unwrap();
    assert!(stored.value == SecretValue::binary(vec![0, 1, 2]));
    let nothing = r#"{"VersionId": "v"}"#;
    let error = read(
        nothing,
        VersionRef::Stage("AWSCURRENT"),
        (None, Some("AWSCURRENT")),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}

#[tokio::test]
async fn a_put_sends_token_label_value_and_rotation_token() {
    let rule = mock!(Client::put_secret_value)
        .match_requests(|put| {
            put.secret_id() == Some("arn")
                && put.client_request_token() == Some(TOKEN)
                && put.version_stages() == ["AWSPENDING"]
                && put.secret_string() == Some(VALUE)
                && put.secret_binary().is_none()
                && put.rotation_token() == Some(ROTATION_TOKEN)
        })
        .then_http_response(|| HttpResponse::new(200.try_into().unwrap(), "{}".into()));
    Action::Put.call(&store(&[&rule])).await.unwrap();

    let binary = mock!(Client::put_secret_value)
        .match_requests(|put| {
            put.secret_binary().is_some_and(|blob| blob.as_ref() == [0, 1])
                && put.secret_string().is_none()
                && put.rotation_token().is_none()
        })
        .then_http_response(|| HttpResponse::new(200.try_into().unwrap(), "{}".into()));
    let value = SecretValue::binary(vec![0, 1]);
    store(&[&binary])
        .put_pending("arn", TOKEN, &value, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn labels_move_by_compare_and_swap() {
    for (action, label, to, from) in [
        (Action::Promote, "AWSCURRENT", Some(TOKEN), "old"),
        (Action::Release, "AWSPENDING", None, TOKEN),
    ] {
        let rule = mock!(Client::update_secret_version_stage)
            .match_requests(move |request| {
                request.version_stage() == Some(label)
                    && request.move_to_version_id() == to
                    && request.remove_from_version_id() == Some(from)
            })
            .then_http_response(|| HttpResponse::new(200.try_into().unwrap(), "{}".into()));
        action.call(&store(&[&rule])).await.unwrap();
    }
}
