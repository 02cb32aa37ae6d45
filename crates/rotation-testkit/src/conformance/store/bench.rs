//! The clauses, on a secret with a rotation under way.

use std::fmt;

use rotation_core::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, Effect, SecretStore, SecretValue, Step, StoreError, StoreErrorKind,
    VersionRef,
};
use rotation_simulator::Fault;
use rotation_simulator::model::{InvocationResult, ReplicaStatus};

use super::subject::{StagedStore, StoreSubject};

const TOKEN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const FIRST: &str = "the-first-secret-value";
const NEXT: &str = "the-next-secret-value";

/// Far more tries than any SDK makes of one call.
const TRIES: usize = 12;

pub(super) struct Bench {
    stage: StagedStore,
    arn: String,
    first: String,
}

type Finding = Result<(), String>;

/// Whether two things are the same, or a sentence.
fn same<T: PartialEq + fmt::Debug>(what: &str, seen: T, expected: T) -> Finding {
    match seen == expected {
        true => Ok(()),
        false => Err(format!("{what} is {seen:?}, and should be {expected:?}")),
    }
}

fn holds(holds: bool, what: &str) -> Finding {
    holds.then_some(()).ok_or_else(|| what.to_owned())
}

/// The error of a call that must fail.
fn refused<T>(what: &str, result: Result<T, StoreError>) -> Result<StoreError, String> {
    result.err().ok_or_else(|| format!("{what} succeeded"))
}

fn worked<T>(what: &str, result: Result<T, StoreError>) -> Result<T, String> {
    result.map_err(|error| format!("{what} failed: {error:?}"))
}

impl Bench {
    /// A secret with a first value, and a rotation of it under way.
    pub(super) async fn stage(subject: &impl StoreSubject) -> Result<Self, String> {
        let stage = subject.stage().await;
        let operator = stage.simulator.operator();
        let created = operator.create_secret("crm", SecretValue::text(FIRST));
        let arn = created.map_err(|error| error.to_string())?;
        let first = stage.simulator.labels(&arn);
        let first = first.version_with(AWSCURRENT).unwrap_or_default().to_owned();
        let started = operator.rotate_with_token(&arn, TOKEN);
        started.map_err(|error| error.to_string())?;
        Ok(Self { stage, arn, first })
    }

    fn store(&self) -> &dyn SecretStore {
        &*self.stage.store
    }

    fn labels(&self, version: &str) -> Vec<String> {
        self.stage.simulator.labels(&self.arn).of(version).to_vec()
    }

    pub(super) async fn put(&self, value: &str) -> Result<(), StoreError> {
        let value = SecretValue::text(value);
        self.store().put_pending(&self.arn, TOKEN, &value, None).await
    }

    pub(super) async fn describes_whole(&self) -> Finding {
        let operator = self.stage.simulator.operator();
        let prepared = operator
            .tag(&self.arn, "rotation:grace", "none")
            .and_then(|()| operator.replicate(&self.arn, "us-east-1"))
            .and_then(|()| operator.replicate(&self.arn, "us-east-2"))
            .and_then(|()| operator.set_replica_status(&self.arn, "us-east-2", ReplicaStatus::InSync));
        prepared.map_err(|error| error.to_string())?;
        let secret = worked("describe by name", self.store().describe("crm").await)?;
        same("the ARN", secret.arn.as_str(), self.arn.as_str())?;
        same("rotation_enabled", secret.rotation_enabled, Some(true))?;
        same("AWSPENDING", secret.version_with(AWSPENDING), Some(TOKEN))?;
        same(
            "AWSCURRENT",
            secret.version_with(AWSCURRENT),
            Some(self.first.as_str()),
        )?;
        let tag = secret.tags.get("rotation:grace").map(String::as_str);
        same("the tag", tag, Some("none"))?;
        same(
            "primary_region",
            secret.primary_region.as_deref(),
            self.arn.split(':').nth(3),
        )?;
        let replicas: Vec<_> = secret
            .replicas
            .iter()
            .map(|replica| (replica.region.as_str(), replica.status))
            .collect();
        let expected = vec![
            ("us-east-1", rotation_core::ReplicaStatus::Behind),
            ("us-east-2", rotation_core::ReplicaStatus::InSync),
        ];
        same("the replicas", replicas, expected)?;
        let managed = operator
            .create_secret("rds", SecretValue::text(FIRST))
            .and_then(|arn| operator.make_managed(&arn, "rds").map(|()| arn))
            .map_err(|error| error.to_string())?;
        let managed = worked("describe", self.store().describe(&managed).await)?;
        same("owning_service", managed.owning_service.as_deref(), Some("rds"))?;
        let never = operator.create_secret("never", SecretValue::text(FIRST));
        let never = never.map_err(|error| error.to_string())?;
        let never = worked("describe", self.store().describe(&never).await)?;
        same("rotation_enabled, never set up,", never.rotation_enabled, None)
    }

    pub(super) async fn reads_by_label_and_id(&self) -> Finding {
        worked("put_pending", self.put(NEXT).await)?;
        let cases = [
            (VersionRef::Stage(AWSCURRENT), self.first.as_str(), FIRST),
            (VersionRef::Id(&self.first), self.first.as_str(), FIRST),
            (VersionRef::IdAndStage(TOKEN, AWSPENDING), TOKEN, NEXT),
            (VersionRef::Stage(AWSPENDING), TOKEN, NEXT),
        ];
        for (version, id, value) in cases {
            let read = worked("read", self.store().read(&self.arn, version).await)?;
            same("the version read", read.version_id.as_str(), id)?;
            holds(
                read.value == SecretValue::text(value),
                "another value was read than stands there",
            )?;
        }
        Ok(())
    }

    pub(super) async fn tells_absent_from_moved(&self) -> Finding {
        let read = |version| self.store().read(&self.arn, version);
        let empty = refused("a read of no value", read(VersionRef::Id(TOKEN)).await)?;
        same("of no value", empty.kind(), StoreErrorKind::NotFound)?;
        let absent = refused("a read of no label", read(VersionRef::Stage(AWSPREVIOUS)).await)?;
        same("of no label", absent.kind(), StoreErrorKind::NotFound)?;
        let elsewhere = VersionRef::IdAndStage(&self.first, AWSPENDING);
        let moved = refused("a read by a label that is elsewhere", read(elsewhere).await)?;
        same(
            "of a label elsewhere",
            moved.kind(),
            StoreErrorKind::StageMismatch,
        )?;
        let missing = refused(
            "describe of no secret",
            self.store().describe("no-such-secret").await,
        )?;
        same("of no secret", missing.kind(), StoreErrorKind::NotFound)
    }

    pub(super) async fn puts_pending(&self) -> Finding {
        worked("put_pending", self.put(NEXT).await)?;
        same(
            "the labels of the token",
            self.labels(TOKEN),
            vec![AWSPENDING.to_owned()],
        )?;
        same(
            "the labels of the first version",
            self.labels(&self.first),
            vec![AWSCURRENT.to_owned()],
        )
    }

    pub(super) async fn puts_once(&self) -> Finding {
        worked("put_pending", self.put(NEXT).await)?;
        worked("put_pending of the same", self.put(NEXT).await)?;
        let conflict = refused("put_pending of another value", self.put("another").await)?;
        same("of another value", conflict.kind(), StoreErrorKind::Conflict)?;
        same("its effect", conflict.effect(), Effect::NotApplied)?;
        let stored = self.stage.simulator.operator().value(&self.arn, AWSPENDING);
        holds(
            stored.is_ok_and(|value| value == SecretValue::text(NEXT)),
            "the stored value was replaced",
        )
    }

    pub(super) async fn sends_the_rotation_token(&self) -> Finding {
        let simulator = &self.stage.simulator;
        simulator.configure(|options| options.function_assumes_role = true);
        let invocation = simulator.next_invocation().ok_or("nothing is due")?;
        let value = SecretValue::text(NEXT);
        let proof = invocation.event.rotation_token();
        let put = self.store().put_pending(&self.arn, TOKEN, &value, proof).await;
        worked("put_pending", put)?;
        simulator.report(&invocation, InvocationResult::Succeeded);
        let next = simulator.next_invocation();
        let next = next.map(|invocation| invocation.event.step());
        same("the step after createSecret", next, Some(Step::SetSecret))
    }

    pub(super) async fn keeps_the_kind(&self) -> Finding {
        let bytes = SecretValue::binary(vec![0, 255, 7, b'{']);
        let put = self.store().put_pending(&self.arn, TOKEN, &bytes, None).await;
        worked("put_pending of a binary value", put)?;
        let read = self.store().read(&self.arn, VersionRef::Id(TOKEN)).await;
        let read = worked("read of a binary value", read)?;
        holds(read.value == bytes, "a binary value was read back as another")
    }

    pub(super) async fn promotes(&self) -> Finding {
        worked("put_pending", self.put(NEXT).await)?;
        let wrong = self.store().promote(&self.arn, TOKEN, TOKEN).await;
        let wrong = refused("promote from a version that is not current", wrong)?;
        same("its kind", wrong.kind(), StoreErrorKind::StageMismatch)?;
        same("its effect", wrong.effect(), Effect::NotApplied)?;
        worked(
            "promote",
            self.store().promote(&self.arn, TOKEN, &self.first).await,
        )?;
        holds(
            self.labels(TOKEN).iter().any(|label| label == AWSCURRENT),
            "AWSCURRENT was not moved",
        )?;
        same(
            "the labels of the version before",
            self.labels(&self.first),
            vec![AWSPREVIOUS.to_owned()],
        )
    }

    pub(super) async fn releases_its_own(&self) -> Finding {
        worked("put_pending", self.put(NEXT).await)?;
        let other = self.store().release_pending(&self.arn, &self.first).await;
        let other = refused("release of a label that is elsewhere", other)?;
        same("its kind", other.kind(), StoreErrorKind::StageMismatch)?;
        same("the labels", self.labels(TOKEN), vec![AWSPENDING.to_owned()])?;
        worked(
            "release_pending",
            self.store().release_pending(&self.arn, TOKEN).await,
        )?;
        same("the labels", self.labels(TOKEN), Vec::new())
    }

    /// Every try of these writes meets the fault.
    fn strike(&self, action: &str, fault: Fault) {
        for occurrence in 1..=TRIES {
            self.stage.simulator.faults().at_nth(action, occurrence, fault);
        }
    }

    /// Puts the pending value, so that the other writes have something to move.
    pub(super) async fn prepared(subject: &impl StoreSubject) -> Result<Self, String> {
        let bench = Self::stage(subject).await?;
        worked("put_pending", bench.put(NEXT).await)?;
        bench.stage.simulator.faults().clear();
        Ok(bench)
    }

    async fn write(&self, write: Write) -> Result<(), StoreError> {
        match write {
            Write::Put => self.put(NEXT).await,
            Write::Promote => self.store().promote(&self.arn, TOKEN, &self.first).await,
            Write::Release => self.store().release_pending(&self.arn, TOKEN).await,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Write {
    Put,
    Promote,
    Release,
}

impl Write {
    const ALL: [Self; 3] = [Self::Put, Self::Promote, Self::Release];

    fn action(self) -> &'static str {
        match self {
            Self::Put => "PutSecretValue",
            Self::Promote | Self::Release => "UpdateSecretVersionStage",
        }
    }

    pub(super) async fn stage(self, subject: &impl StoreSubject) -> Result<Bench, String> {
        match self {
            Self::Put => Bench::stage(subject).await,
            Self::Promote | Self::Release => Bench::prepared(subject).await,
        }
    }
}

pub(super) async fn lost_answers_are_uncertain(subject: &impl StoreSubject) -> Finding {
    for write in Write::ALL {
        for fault in [Fault::LoseRequest, Fault::LoseResponse, Fault::InternalError] {
            let bench = write.stage(subject).await?;
            bench.strike(write.action(), fault);
            let what = format!("{write:?}, {fault:?} at every try,");
            let error = refused(&what, bench.write(write).await)?;
            same(&format!("the effect of {what}"), error.effect(), Effect::Unknown)?;
            same(
                &format!("the kind of {what}"),
                error.kind(),
                StoreErrorKind::Unavailable,
            )?;
        }
    }
    Ok(())
}

pub(super) async fn refusals_are_certain(subject: &impl StoreSubject) -> Finding {
    let kinds = [
        (Fault::Throttle, StoreErrorKind::Unavailable),
        (Fault::Deny, StoreErrorKind::Denied),
        (Fault::Refuse, StoreErrorKind::Invalid),
    ];
    for write in Write::ALL {
        for (fault, kind) in kinds {
            let bench = write.stage(subject).await?;
            bench.strike(write.action(), fault);
            let what = format!("{write:?}, {fault:?} at every try,");
            let error = refused(&what, bench.write(write).await)?;
            same(&format!("the kind of {what}"), error.kind(), kind)?;
            same(
                &format!("the effect of {what}"),
                error.effect(),
                Effect::NotApplied,
            )?;
        }
    }
    Ok(())
}

pub(super) async fn errors_hide_values(subject: &impl StoreSubject) -> Finding {
    for fault in [
        Fault::LoseResponse,
        Fault::Throttle,
        Fault::Deny,
        Fault::InternalError,
        Fault::Refuse,
    ] {
        let bench = Bench::stage(subject).await?;
        bench.strike("PutSecretValue", fault);
        let put = refused("put_pending", bench.put(NEXT).await)?;
        hides(&put)?;
        let bench = Bench::stage(subject).await?;
        bench.strike("GetSecretValue", fault);
        let read = bench
            .store()
            .read(&bench.arn, VersionRef::Stage(AWSCURRENT))
            .await;
        hides(&refused("read", read)?)?;
    }
    let bench = Bench::prepared(subject).await?;
    hides(&refused("put_pending of another", bench.put(FIRST).await)?)
}

/// Neither value stands in the error or in its causes.
fn hides(error: &StoreError) -> Finding {
    let mut texts = vec![error.to_string(), format!("{error:?}")];
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    let tells = |text: &String| text.contains(FIRST) || text.contains(NEXT);
    holds(!texts.iter().any(tells), "an error holds a value")
}
