//! A model with one secret, and short names for what can be asked of it.

use std::time::{Duration, SystemTime};

use rotation_core::{AWSCURRENT, AWSPENDING, SecretValue, Step};

use crate::model::Principal::{Operator, RotationFunction};
use crate::model::{
    ApiError, CreateSecret, DescribeSecret, DescribedSecret, ErrorCode, GetSecretValue, Invocation,
    InvocationResult, ListSecretVersionIds, Model, Principal, PutSecretValue, ReadSecretValue, Request,
    RotateSecret, RotationEventName, ServiceOptions, UpdateSecretVersionStage, WrittenSecretValue,
};

pub(crate) const NAME: &str = "crm";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A token: 32 characters that end in `name`.
pub(crate) fn token(name: &str) -> String {
    format!("{name:0>32}")
}

pub(crate) fn text(value: &str) -> SecretValue {
    SecretValue::text(value)
}

/// A model with one secret whose version `token("one")` is current, and a time to move.
pub(crate) struct World {
    pub(crate) model: Model,
    pub(crate) now: SystemTime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(ServiceOptions::default())
    }

    pub(crate) fn with(options: ServiceOptions) -> Self {
        let mut world = Self::empty(options);
        let mut request = CreateSecret::new(NAME);
        request.token = Some(token("one"));
        request.value = Some(text("v1"));
        world.ask(Operator, request).unwrap();
        world
    }

    pub(crate) fn empty(options: ServiceOptions) -> Self {
        Self {
            model: Model {
                options,
                ..Model::default()
            },
            now: SystemTime::UNIX_EPOCH + HOUR,
        }
    }

    pub(crate) fn ask<R: Request>(
        &mut self,
        principal: Principal,
        request: R,
    ) -> Result<R::Response, ApiError> {
        self.model.handle(principal, request, self.now)
    }

    pub(crate) fn put(
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

    pub(crate) fn get(&mut self, id: Option<&str>, stage: Option<&str>) -> Result<ReadSecretValue, ApiError> {
        let mut request = GetSecretValue::new(NAME);
        request.version_id = id.map(token);
        request.stage = stage.map(str::to_owned);
        self.ask(RotationFunction, request)
    }

    pub(crate) fn stage(
        &mut self,
        label: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), ApiError> {
        let (to, from) = (to.map(token), from.map(token));
        let request = UpdateSecretVersionStage::new(NAME, label, to.as_deref(), from.as_deref());
        self.ask(RotationFunction, request).map(|_| ())
    }

    pub(crate) fn request(&self, name: &str) -> RotateSecret {
        let mut request = RotateSecret::new(NAME, &token(name));
        request.rotation_function = Some("arn:aws:lambda:eu-west-1:111122223333:function:f".to_owned());
        request
    }

    pub(crate) fn rotate(&mut self, name: &str) -> Result<(), ApiError> {
        let request = self.request(name);
        self.ask(Operator, request).map(|_| ())
    }

    pub(crate) fn dry_run(&mut self, name: &str) {
        let mut request = self.request(name);
        request.rotate_immediately = false;
        self.ask(Operator, request).unwrap();
    }

    pub(crate) fn describe(&mut self) -> DescribedSecret {
        self.ask(Operator, DescribeSecret::new(NAME)).unwrap()
    }

    /// The labels of a version, joined.
    pub(crate) fn labels(&mut self, name: &str) -> String {
        self.describe()
            .versions
            .get(&token(name))
            .map(|labels| labels.join("+"))
            .unwrap_or_default()
    }

    /// The ids of the versions, of every page.
    pub(crate) fn listed(&mut self, deprecated: bool) -> Vec<String> {
        let mut request = ListSecretVersionIds::new(NAME, deprecated);
        let mut ids = Vec::new();
        loop {
            let page = self.ask(Operator, request.clone()).unwrap();
            ids.extend(page.versions.into_iter().map(|version| version.version_id));
            request.next_token = page.next_token;
            if request.next_token.is_none() {
                return ids;
            }
        }
    }

    pub(crate) fn next(&mut self) -> Invocation {
        self.model
            .next_invocation(self.now)
            .expect("an invocation is due")
    }

    pub(crate) fn succeed(&mut self, invocation: &Invocation) {
        self.model
            .report(invocation, InvocationResult::Succeeded, self.now);
    }

    pub(crate) fn fail(&mut self, invocation: &Invocation) {
        self.model
            .report(invocation, InvocationResult::Failed("boom".into()), self.now);
    }

    /// Takes the next invocation, which must be this step, and reports success.
    pub(crate) fn pass(&mut self, step: Step) {
        let invocation = self.next();
        assert_eq!(invocation.event.step(), step);
        self.succeed(&invocation);
    }

    pub(crate) fn events(&self) -> Vec<RotationEventName> {
        self.model.records().iter().map(|record| record.name).collect()
    }
}

#[track_caller]
pub(crate) fn refused<T>(answer: Result<T, ApiError>, code: ErrorCode, text: &str) {
    let error = answer.err().expect("a refusal");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(text), "{error}");
}

/// A whole rotation to this token.
pub(crate) fn rotate_well(world: &mut World, name: &str) {
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
