//! Each modelled behaviour of the service, with the codes of its refusals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as such"
)]

use std::time::{Duration, SystemTime};

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretValue, Step};
use rotation_testkit::model::{
    AfterRelease, ApiError, CancelRotateSecret, CreateSecret, DescribeSecret, DescribedSecret, ErrorCode,
    GetSecretValue, Invocation, InvocationResult, ListSecretVersionIds, Model, Principal, PutSecretValue,
    ReadSecretValue, ReplicaStatus, ReplicateSecretToRegions, Request, RotateSecret, RotationEventName,
    ServiceOptions, TagResource, UntagResource, UpdateSecretVersionStage, WrittenSecretValue,
};

use ErrorCode::{
    AccessDeniedException, InvalidParameterException, InvalidRequestException, LimitExceededException,
    ResourceExistsException, ResourceNotFoundException,
};
use Principal::{Operator, RotationFunction};
use RotationEventName::*;

const NAME: &str = "crm";
const HOUR: Duration = Duration::from_secs(3600);

/// A token: 32 characters that end in `name`.
fn token(name: &str) -> String {
    format!("{name:0>32}")
}

fn text(value: &str) -> SecretValue {
    SecretValue::text(value)
}

/// A model with one secret whose version `token("one")` is current, and a time to move.
struct World {
    model: Model,
    now: SystemTime,
}

impl World {
    fn new() -> Self {
        Self::with(ServiceOptions::default())
    }

    fn with(options: ServiceOptions) -> Self {
        let mut world = Self::empty(options);
        let mut request = CreateSecret::new(NAME);
        request.token = Some(token("one"));
        request.value = Some(text("v1"));
        world.ask(Operator, request).unwrap();
        world
    }

    fn empty(options: ServiceOptions) -> Self {
        Self {
            model: Model::new(options),
            now: SystemTime::UNIX_EPOCH + HOUR,
        }
    }

    fn ask<R: Request>(&mut self, principal: Principal, request: R) -> Result<R::Response, ApiError> {
        self.model.handle(principal, request, self.now)
    }

    fn put(
        &mut self,
        who: Principal,
        name: &str,
        value: &str,
        stages: &[&str],
    ) -> Result<WrittenSecretValue, ApiError> {
        let mut request = PutSecretValue::new(NAME, &token(name), text(value));
        if !stages.is_empty() {
            request.stages = Some(stages.iter().map(|&stage| stage.to_owned()).collect());
        }
        self.ask(who, request)
    }

    fn get(&mut self, id: Option<&str>, stage: Option<&str>) -> Result<ReadSecretValue, ApiError> {
        let mut request = GetSecretValue::new(NAME);
        request.version_id = id.map(token);
        request.stage = stage.map(str::to_owned);
        self.ask(RotationFunction, request)
    }

    fn stage(&mut self, label: &str, to: Option<&str>, from: Option<&str>) -> Result<(), ApiError> {
        let (to, from) = (to.map(token), from.map(token));
        let request = UpdateSecretVersionStage::new(NAME, label, to.as_deref(), from.as_deref());
        self.ask(RotationFunction, request)
    }

    fn request(&self, name: &str) -> RotateSecret {
        let mut request = RotateSecret::new(NAME, &token(name));
        request.rotation_function = Some("arn:aws:lambda:eu-west-1:111122223333:function:f".to_owned());
        request
    }

    fn rotate(&mut self, name: &str) -> Result<(), ApiError> {
        let request = self.request(name);
        self.ask(Operator, request).map(|_| ())
    }

    fn dry_run(&mut self, name: &str) {
        let mut request = self.request(name);
        request.rotate_immediately = false;
        self.ask(Operator, request).unwrap();
    }

    fn describe(&mut self) -> DescribedSecret {
        self.ask(Operator, DescribeSecret::new(NAME)).unwrap()
    }

    /// The labels of a version, joined.
    fn labels(&mut self, name: &str) -> String {
        self.describe()
            .versions
            .get(&token(name))
            .map(|labels| labels.join("+"))
            .unwrap_or_default()
    }

    fn listed(&mut self, deprecated: bool) -> Vec<String> {
        let versions = self
            .ask(Operator, ListSecretVersionIds::new(NAME, deprecated))
            .unwrap();
        versions.into_iter().map(|version| version.version_id).collect()
    }

    fn next(&mut self) -> Invocation {
        self.model
            .next_invocation(self.now)
            .expect("an invocation is due")
    }

    fn succeed(&mut self, invocation: &Invocation) {
        self.model
            .report(invocation, InvocationResult::Succeeded, self.now);
    }

    fn fail(&mut self, invocation: &Invocation) {
        self.model
            .report(invocation, InvocationResult::Failed("boom".into()), self.now);
    }

    /// Takes the next invocation, which must be this step, and reports success.
    fn pass(&mut self, step: Step) {
        let invocation = self.next();
        assert_eq!(invocation.event.step(), step);
        self.succeed(&invocation);
    }

    fn events(&self) -> Vec<RotationEventName> {
        self.model.records().iter().map(|record| record.name).collect()
    }
}

#[track_caller]
fn refused<T>(answer: Result<T, ApiError>, code: ErrorCode, text: &str) {
    let error = answer.err().expect("a refusal");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(text), "{error}");
}

// Values.

#[test]
fn a_secret_is_known_by_its_arn_and_its_name() {
    let mut world = World::new();
    let arn = world.describe().arn;
    assert!(
        arn.starts_with("arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-"),
        "{arn}"
    );
    assert!(world.ask(Operator, GetSecretValue::new(&arn)).unwrap().value == text("v1"));
    refused(
        world.ask(Operator, GetSecretValue::new("crm2")),
        ResourceNotFoundException,
        "specified secret.",
    );
}

#[test]
fn creating_again_is_no_error_only_for_the_same_request() {
    let mut world = World::new();
    let mut request = CreateSecret::new(NAME);
    request.token = Some(token("one"));
    request.value = Some(text("v1"));
    assert_eq!(
        world.ask(Operator, request.clone()).unwrap().version_id,
        Some(token("one"))
    );
    request.value = Some(text("v2"));
    refused(
        world.ask(Operator, request.clone()),
        ResourceExistsException,
        "already exists",
    );
    request.token = None;
    refused(
        world.ask(Operator, request),
        InvalidRequestException,
        "ClientRequestToken",
    );
}

#[test]
fn a_secret_without_a_value_gets_current_with_its_first_version() {
    let mut world = World::empty(ServiceOptions::default());
    let mut request = CreateSecret::new(NAME);
    request.token = Some(token("none"));
    assert_eq!(world.ask(Operator, request).unwrap().version_id, None);
    refused(
        world.get(None, None),
        ResourceNotFoundException,
        "staging label: AWSCURRENT",
    );
    world.put(Operator, "one", "v1", &["MINE"]).unwrap();
    assert_eq!(world.labels("one"), "AWSCURRENT+MINE");
}

#[test]
fn tokens_and_values_and_labels_have_their_sizes() {
    let mut world = World::new();
    let mut put = |token: Option<&str>, value: &str, stages: Option<Vec<String>>| {
        let mut request = PutSecretValue::new(NAME, "", text(value));
        request.token = token.map(str::to_owned);
        request.stages = stages;
        world.ask(Operator, request)
    };
    let two = token("two");
    refused(
        put(None, "v", None),
        InvalidRequestException,
        "ClientRequestToken",
    );
    refused(
        put(Some(&"x".repeat(31)), "v", None),
        InvalidParameterException,
        "32-64",
    );
    refused(
        put(Some(&"x".repeat(65)), "v", None),
        InvalidParameterException,
        "32-64",
    );
    refused(put(Some(&two), "", None), InvalidParameterException, "65536");
    refused(
        put(Some(&two), &"x".repeat(65_537), None),
        InvalidParameterException,
        "65536",
    );
    refused(
        put(Some(&two), "v", Some(vec![])),
        InvalidParameterException,
        "VersionStages",
    );
    refused(
        put(Some(&two), "v", Some(vec!["x".repeat(257)])),
        InvalidParameterException,
        "256",
    );
    let many = (0..20).map(|n| format!("L{n}")).collect();
    refused(put(Some(&two), "v", Some(many)), LimitExceededException, "20");
    put(Some(&two), &"x".repeat(65_536), None).unwrap();
}

#[test]
fn a_token_keeps_its_first_value() {
    let mut world = World::new();
    world.put(Operator, "two", "v2", &[]).unwrap();
    world.put(Operator, "three", "v3", &[]).unwrap();
    // The same again moves no label.
    assert_eq!(
        world.put(Operator, "two", "v2", &[]).unwrap().stages,
        [AWSPREVIOUS]
    );
    refused(
        world.put(Operator, "two", "other", &[]),
        ResourceExistsException,
        "You can't use ClientRequestToken 00000000000000000000000000000two because that value is already in use for a \
         version of secret arn:",
    );
    assert!(world.get(Some("two"), None).unwrap().value == text("v2"));
}

#[test]
fn reading_tells_nothing_there_from_label_elsewhere() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let not_found = [
        (Some("two"), Some(AWSPENDING), "staging label: AWSPENDING"),
        (Some("two"), None, "VersionId: 00000000000000000000000000000two"),
        (None, Some(AWSPENDING), "staging label: AWSPENDING"),
        (None, Some("NOWHERE"), "staging label: NOWHERE"),
        (Some("unknown"), None, "VersionId: "),
    ];
    for (id, stage, text) in not_found {
        refused(world.get(id, stage), ResourceNotFoundException, text);
    }
    let elsewhere = world.get(Some("one"), Some(AWSPENDING)).unwrap_err();
    assert!(elsewhere.is_stage_mismatch());
    let text = "You provided a VersionStage that is not associated to the provided VersionId.";
    refused::<()>(Err(elsewhere), InvalidRequestException, text);
    assert_eq!(
        world.get(Some("one"), Some(AWSCURRENT)).unwrap().version_id,
        token("one")
    );
}

#[test]
fn versions_without_labels_are_read_by_id_and_listed_on_demand() {
    let mut world = World::new();
    for (name, value) in [("two", "v2"), ("three", "v3")] {
        world.put(Operator, name, value, &[]).unwrap();
    }
    assert!(!world.describe().versions.contains_key(&token("one")));
    assert_eq!(world.listed(false), [token("two"), token("three")]);
    assert_eq!(world.listed(true), [token("one"), token("two"), token("three")]);
    assert!(world.get(Some("one"), None).unwrap().value == text("v1"));
}

#[test]
fn old_deprecated_versions_are_purged_and_young_ones_count_to_the_quota() {
    let mut world = World::new();
    let put = |world: &mut World, n: usize| world.put(Operator, &n.to_string(), "v", &[]);
    for n in 0..99 {
        put(&mut world, n).unwrap();
    }
    world.now += 23 * HOUR;
    put(&mut world, 99).unwrap();
    assert_eq!(world.listed(true).len(), 101, "none is 24 hours old");
    world.now += HOUR;
    put(&mut world, 100).unwrap();
    assert_eq!(world.listed(true).len(), 100);
    for n in 101..251 {
        if put(&mut world, n).is_err() {
            break;
        }
    }
    refused(put(&mut world, 999), LimitExceededException, "quota");
    assert_eq!(world.listed(true).len(), 150);
    assert_eq!(world.labels("999"), "");
}

// Labels.

#[test]
fn previous_follows_current_and_other_labels_stay() {
    let mut world = World::new();
    world.stage("MINE", Some("one"), None).unwrap();
    world.put(Operator, "two", "v2", &[]).unwrap();
    world.put(RotationFunction, "three", "v3", &[AWSPENDING]).unwrap();
    world.stage(AWSCURRENT, Some("three"), Some("two")).unwrap();
    assert_eq!(
        [world.labels("one"), world.labels("two"), world.labels("three")],
        ["MINE", AWSPREVIOUS, "AWSCURRENT+AWSPENDING"]
    );
    // Back again.
    world.stage(AWSCURRENT, Some("two"), Some("three")).unwrap();
    assert_eq!(
        [world.labels("two"), world.labels("three")],
        [AWSCURRENT, "AWSPENDING+AWSPREVIOUS"]
    );
}

#[test]
fn putting_pending_takes_it_from_another_version() {
    let mut world = World::new();
    world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
    world.put(RotationFunction, "three", "v3", &[AWSPENDING]).unwrap();
    assert_eq!([world.labels("two"), world.labels("three")], ["", AWSPENDING]);
}

#[test]
fn moving_a_label_is_a_compare_and_swap() {
    let mut world = World::new();
    world.put(RotationFunction, "two", "v2", &["MINE"]).unwrap();
    let refusals = [
        (
            Some("two"),
            None,
            "RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached",
            true,
        ),
        (Some("two"), Some("two"), "RemoveFromVersionId must be", true),
        (Some("unknown"), Some("one"), "Not a valid version", false),
        (None, Some("two"), "completely removed", false),
        (None, None, "MoveToVersionId", false),
    ];
    for (to, from, text, mismatch) in refusals {
        let answer = world.stage(AWSCURRENT, to, from);
        assert_eq!(
            answer.as_ref().unwrap_err().is_stage_mismatch(),
            mismatch,
            "{text}"
        );
        refused(answer, InvalidParameterException, text);
        assert_eq!(world.labels("one"), AWSCURRENT);
    }
    refused(
        world.stage("MINE", None, Some("one")),
        InvalidParameterException,
        "RemoveFromVersionId",
    );
    refused(
        world.stage("NEW", Some("two"), Some("one")),
        InvalidParameterException,
        "RemoveFromVersionId",
    );
    world.stage("MINE", None, Some("two")).unwrap();
    world.stage(AWSCURRENT, Some("two"), Some("one")).unwrap();
    assert_eq!(
        [world.labels("two"), world.labels("one")],
        [AWSCURRENT, AWSPREVIOUS]
    );
    refused(
        world.stage(AWSCURRENT, Some("two"), Some("one")),
        InvalidParameterException,
        "RemoveFromVersionId",
    );
}

// Rotations.

#[test]
fn rotating_registers_an_empty_pending_version() {
    let mut world = World::new();
    assert_eq!(world.describe().rotation_enabled, None);
    world.rotate("two").unwrap();
    assert_eq!(world.describe().rotation_enabled, Some(true));
    assert_eq!(world.labels("two"), AWSPENDING);
    assert_eq!(world.listed(true), [token("one")]);
    let invocation = world.next();
    assert_eq!(invocation.event.secret_id(), world.describe().arn);
    assert_eq!(invocation.event.client_request_token(), token("two"));
    assert_eq!(
        invocation.event.rotation_token().unwrap().expose_secret().len(),
        36
    );
    assert_eq!((invocation.attempt, invocation.dry_run), (1, false));
}

#[test]
fn rotating_is_refused_without_token_or_function_or_while_another_is_incomplete() {
    let mut world = World::new();
    let mut request = RotateSecret::new(NAME, &token("two"));
    refused(
        world.ask(Operator, request.clone()),
        InvalidRequestException,
        "No Lambda rotation function ARN is associated with this secret.",
    );
    request.token = None;
    refused(
        world.ask(Operator, request),
        InvalidParameterException,
        "ClientRequestToken",
    );
    assert_eq!(world.describe().rotation_enabled, None);
    world.rotate("two").unwrap();
    refused(
        world.rotate("three"),
        InvalidRequestException,
        "A previous rotation isn't complete. That rotation will be reattempted.",
    );
    assert_eq!(world.labels("three"), "");
    world.rotate("two").unwrap(); // the same request again
    assert_eq!(world.events(), [RotationStarted]);
}

#[test]
fn pending_on_the_current_version_does_not_block_a_rotation() {
    let mut options = ServiceOptions::default();
    options.releases_pending_after_success = false;
    let mut world = World::with(options);
    rotate_well(&mut world, "two");
    assert_eq!(world.labels("two"), "AWSCURRENT+AWSPENDING");
    world.rotate("three").unwrap();
    assert_eq!(
        [world.labels("two"), world.labels("three")],
        [AWSCURRENT, AWSPENDING]
    );
}

/// A whole rotation to this token.
fn rotate_well(world: &mut World, name: &str) {
    let current = world.get(None, None).unwrap().version_id;
    world.rotate(name).unwrap();
    let create = world.next();
    world.put(RotationFunction, name, name, &[AWSPENDING]).unwrap();
    world.succeed(&create);
    world.pass(Step::SetSecret);
    world.pass(Step::TestSecret);
    let finish = world.next();
    assert_eq!(finish.event.step(), Step::FinishSecret);
    let request = UpdateSecretVersionStage::new(NAME, AWSCURRENT, Some(&token(name)), Some(&current));
    world.ask(RotationFunction, request).unwrap();
    world.succeed(&finish);
}

#[test]
fn a_rotation_is_four_steps_and_ends_without_pending() {
    let mut world = World::new();
    rotate_well(&mut world, "two");
    assert_eq!(
        [world.labels("two"), world.labels("one")],
        [AWSCURRENT, AWSPREVIOUS]
    );
    assert!(world.get(None, None).unwrap().value == text("two"));
    assert_eq!(world.events(), [RotationStarted, RotationSucceeded]);
    assert_eq!(world.model.next_due(), None);
}

#[test]
fn one_invocation_at_a_time_per_secret() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let create = world.next();
    assert!(world.model.next_invocation(world.now).is_none());
    world.succeed(&create);
    world.succeed(&create); // a second report of the same changes nothing
    assert_eq!(world.next().event.step(), Step::SetSecret);
}

#[test]
fn finish_without_the_move_is_a_failure() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let create = world.next();
    world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
    world.succeed(&create);
    for step in [Step::SetSecret, Step::TestSecret, Step::FinishSecret] {
        world.pass(step);
    }
    assert_eq!(world.events(), [RotationStarted, RotationFailed]);
    assert_eq!(
        [world.labels("one"), world.labels("two")],
        [AWSCURRENT, AWSPENDING]
    );
}

#[test]
fn a_failure_replays_the_whole_process_with_the_same_token_until_it_gives_up() {
    let mut options = ServiceOptions::default();
    options.replays = 2;
    let mut world = World::with(options);
    world.rotate("two").unwrap();
    for attempt in 1..=3 {
        let create = world.next();
        assert_eq!(
            (create.event.step(), create.attempt),
            (Step::CreateSecret, attempt)
        );
        assert_eq!(create.event.client_request_token(), token("two"));
        world.succeed(&create);
        let set = world.next();
        world.fail(&set);
        assert!(world.model.next_invocation(world.now).is_none());
        assert_eq!(world.labels("two"), AWSPENDING);
        world.now += HOUR;
    }
    assert_eq!(world.model.next_due(), None);
    assert_eq!(world.events(), [RotationStarted, RotationFailed].repeat(3));
    let record = world.model.records().last().unwrap().clone();
    assert!(record.message.unwrap().contains("during setSecret step"));
    assert_eq!(record.cause.as_deref(), Some("boom"));
    refused(
        world.rotate("three"),
        InvalidRequestException,
        "A previous rotation isn't complete",
    );
}

#[test]
fn what_follows_when_pending_was_released_is_an_option() {
    let rows = [
        (AfterRelease::Drop, None),
        (AfterRelease::InvokeAnyway, Some(true)),
        (AfterRelease::StartAnew, Some(false)),
    ];
    for (after_release, same_token) in rows {
        let mut options = ServiceOptions::default();
        options.after_release = after_release;
        let mut world = World::with(options);
        world.rotate("two").unwrap();
        let create = world.next();
        world.stage(AWSPENDING, None, Some("two")).unwrap();
        world.fail(&create);
        world.now += HOUR;
        let next = world.model.next_invocation(world.now);
        let got = next.map(|invocation| {
            assert_eq!(invocation.attempt, 2);
            invocation.event.client_request_token() == token("two")
        });
        assert_eq!(got, same_token, "{after_release:?}");
        let pending = world
            .describe()
            .versions
            .values()
            .flatten()
            .any(|label| label == AWSPENDING);
        assert_eq!(pending, after_release == AfterRelease::StartAnew);
    }
}

#[test]
fn a_version_of_somebody_else_abandons_the_rotation() {
    for stages in [&[][..], &["MINE"]] {
        let mut world = World::new();
        world.rotate("two").unwrap();
        let create = world.next();
        world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
        world.put(Operator, "three", "v3", stages).unwrap();
        assert_eq!(world.labels("two"), "");
        assert_eq!(world.events(), [RotationStarted, RotationAbandoned]);
        world.fail(&create);
        assert_eq!(world.model.next_due(), None);
        world.rotate("four").unwrap();
    }
}

#[test]
fn a_new_current_takes_a_stuck_pending_away() {
    let mut world = World::new();
    world.put(RotationFunction, "two", "v2", &[AWSPENDING]).unwrap();
    world.put(Operator, "three", "v3", &[]).unwrap();
    assert_eq!([world.labels("two"), world.labels("three")], ["", AWSCURRENT]);
}

#[test]
fn the_pending_value_must_be_the_functions_own() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let create = world.next();
    world.put(Operator, "two", "v2", &[AWSPENDING]).unwrap();
    world.succeed(&create);
    assert_eq!(world.events(), [RotationStarted, RotationFailed]);
    let message = world.model.records().last().unwrap().message.clone().unwrap();
    assert!(
        message.starts_with(&format!(
            "Pending secret version {} for Secret arn:",
            token("two")
        )),
        "{message}"
    );
    assert!(
        message.contains("was not created by Lambda arn:aws:lambda:"),
        "{message}"
    );
    assert!(
        message.ends_with("Remove the AWSPENDING staging label and restart rotation."),
        "{message}"
    );
}

#[test]
fn a_rotation_token_proves_ownership() {
    for (proof, expected) in [
        (true, vec![RotationStarted]),
        (false, vec![RotationStarted, RotationFailed]),
    ] {
        let mut world = World::new();
        world.rotate("two").unwrap();
        let create = world.next();
        let mut request = PutSecretValue::new(NAME, &token("two"), text("v2"));
        request.stages = Some(vec![AWSPENDING.to_owned()]);
        request.rotation_token = Some(if proof {
            create.event.rotation_token().unwrap().clone()
        } else {
            "another".into()
        });
        world.ask(Operator, request).unwrap();
        world.succeed(&create);
        assert_eq!(world.events(), expected);
    }
}

#[test]
fn cancelling_leaves_the_partial_version_pending() {
    let mut world = World::new();
    refused(
        world.ask(Operator, CancelRotateSecret::new(NAME)),
        InvalidRequestException,
        "No Lambda",
    );
    world.rotate("two").unwrap();
    let create = world.next();
    let cancelled = world.ask(Operator, CancelRotateSecret::new(NAME)).unwrap();
    assert_eq!(cancelled.version_id, Some(token("two")));
    assert_eq!(world.describe().rotation_enabled, Some(false));
    assert_eq!(world.labels("two"), AWSPENDING);
    world.fail(&create);
    assert_eq!(world.model.next_due(), None);
    refused(
        world.rotate("three"),
        InvalidRequestException,
        "A previous rotation isn't complete",
    );
    world.stage(AWSPENDING, None, Some("two")).unwrap();
    world.rotate("three").unwrap();
}

#[test]
fn a_dry_run_tests_a_copy_of_current_and_releases_it() {
    let mut world = World::new();
    world.dry_run("two");
    assert!(world.get(Some("two"), Some(AWSPENDING)).unwrap().value == text("v1"));
    let test = world.next();
    assert_eq!((test.event.step(), test.dry_run), (Step::TestSecret, true));
    world.succeed(&test);
    assert_eq!([world.labels("one"), world.labels("two")], [AWSCURRENT, ""]);
    assert_eq!(world.events(), [TestRotationStarted, TestRotationSucceeded]);
    assert_eq!(world.model.next_due(), None);
}

#[test]
fn what_a_failed_dry_run_leaves_is_an_option() {
    for (keeps, labels) in [(false, ""), (true, AWSPENDING)] {
        let mut options = ServiceOptions::default();
        options.keeps_pending_after_failed_dry_run = keeps;
        let mut world = World::with(options);
        world.dry_run("two");
        let test = world.next();
        world.fail(&test);
        assert_eq!(world.labels("two"), labels);
        assert_eq!(world.events(), [TestRotationStarted, TestRotationFailed]);
        assert_eq!(world.model.next_due(), None);
    }
}

// Who may.

#[test]
fn a_denied_action_names_itself_and_is_denied_to_one_principal() {
    let mut world = World::new();
    world.model.deny(RotationFunction, "PutSecretValue");
    refused(
        world.put(RotationFunction, "two", "v2", &[]),
        AccessDeniedException,
        "is not authorized to perform: secretsmanager:PutSecretValue on resource: crm",
    );
    world.put(Operator, "two", "v2", &[]).unwrap();
    world.model.allow(RotationFunction, "PutSecretValue");
    world.put(RotationFunction, "three", "v3", &[]).unwrap();
}

#[test]
fn managed_secrets_and_replicas_refuse_writes_and_can_be_read() {
    type Make = fn(&mut Model);
    let rows: [(Make, ErrorCode, &str); 2] = [
        (
            |m| m.set_owning_service(NAME, Some("rds")).unwrap(),
            InvalidRequestException,
            "managed by another service",
        ),
        (
            |m| m.set_primary_region(NAME, Some("us-east-1")).unwrap(),
            InvalidParameterException,
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
        ),
    ];
    for (make, code, text) in rows {
        let mut world = World::new();
        make(&mut world.model);
        refused(world.put(Operator, "two", "v2", &[]), code, text);
        refused(world.stage("MINE", Some("one"), None), code, text);
        refused(world.rotate("two"), code, text);
        refused(world.ask(Operator, CancelRotateSecret::new(NAME)), code, text);
        assert_eq!(world.labels("one"), AWSCURRENT);
        world.get(None, None).unwrap();
    }
}

#[test]
fn replicas_come_into_sync_when_the_test_says_so() {
    let mut world = World::new();
    world
        .ask(Operator, ReplicateSecretToRegions::new(NAME, "us-east-1"))
        .unwrap();
    let described = world.describe();
    assert_eq!(described.primary_region.as_deref(), Some("eu-west-1"));
    assert_eq!(described.replicas["us-east-1"], ReplicaStatus::InProgress);
    world
        .model
        .set_replica_status(NAME, "us-east-1", ReplicaStatus::InSync)
        .unwrap();
    assert_eq!(world.describe().replicas["us-east-1"], ReplicaStatus::InSync);
    world.put(Operator, "two", "v2", &[]).unwrap(); // the primary takes writes
}

#[test]
fn tags_are_set_and_removed() {
    let mut world = World::new();
    world
        .ask(Operator, TagResource::new(NAME, "rotation:grace", "none"))
        .unwrap();
    assert_eq!(world.describe().tags["rotation:grace"], "none");
    world
        .ask(Operator, UntagResource::new(NAME, "rotation:grace"))
        .unwrap();
    assert!(world.describe().tags.is_empty());
}

#[test]
fn a_stale_read_sees_the_state_of_before_the_last_write() {
    let mut world = World::new();
    let now = world.now;
    let stale = |world: &mut World| {
        world
            .model
            .handle_stale(RotationFunction, GetSecretValue::new(NAME), now)
    };
    refused(stale(&mut world), ResourceNotFoundException, "specified secret.");
    world.put(Operator, "two", "v2", &[]).unwrap();
    assert!(stale(&mut world).unwrap().value == text("v1"));
    world.put(Operator, "two", "v2", &[]).unwrap(); // writes nothing
    assert!(stale(&mut world).unwrap().value == text("v1"));
    assert!(world.get(None, None).unwrap().value == text("v2"));
}

#[test]
fn a_stale_read_misses_what_the_service_changed_by_itself() {
    let mut world = World::new();
    rotate_well(&mut world, "two");
    assert_eq!(world.labels("two"), AWSCURRENT);
    let now = world.now;
    let request = DescribeSecret::new(NAME);
    let stale = world.model.handle_stale(RotationFunction, request, now).unwrap();
    assert_eq!(stale.versions[&token("two")], [AWSCURRENT, AWSPENDING]);
}

#[test]
fn nothing_printable_holds_a_value() {
    let mut world = World::new();
    world.rotate("two").unwrap();
    let token = world
        .next()
        .event
        .rotation_token()
        .unwrap()
        .expose_secret()
        .to_owned();
    let read = world.get(None, None).unwrap();
    let printed = format!("{read:?} {:?}", world.model);
    assert!(!printed.contains("v1") && !printed.contains(&token), "{printed}");
}
