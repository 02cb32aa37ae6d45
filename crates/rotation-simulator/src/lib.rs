//! AWS Secrets Manager in your process, with faults to inject: for tests of rotation functions, which neither
//! wait nor need an account.
//!
//! ```
//! use rotation_core::{AWSPENDING, Effect, SecretStore, SecretValue};
//! use rotation_simulator::{Fault, Simulator};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::new();
//! let operator = simulator.operator();
//! let arn = operator.create_secret("crm", SecretValue::text("first"))?;
//! let token = operator.rotate(&arn)?; // AWSPENDING is now on a version without a value
//!
//! // The rotation function stores the next value, and the answer is lost.
//! simulator.faults().at_nth("PutSecretValue", 1, Fault::LoseResponse);
//! let next = SecretValue::text("second");
//! let error = simulator.store().put_pending(&arn, &token, &next, None).await.unwrap_err();
//! assert_eq!(error.effect(), Effect::Unknown);
//! assert!(operator.value(&arn, AWSPENDING).is_ok()); // it was stored all the same
//!
//! println!("{}", simulator.labels(&arn));
//! // version   labels       holds
//! // 5fd3b1c0  AWSCURRENT   value
//! // 19c2b7aa  AWSPENDING   value
//! # Ok(())
//! # }
//! ```
//!
//! A whole rotation needs a function: a `rotation_core::Rotator` over [`Simulator::store`], which
//! [`Simulator::run`] then invokes step by step, replays included. `rotation-testkit` has backends to try it with.
//!
//! # Parts
//!
//! - [`Simulator`]: the service. It has a door for the rotation function ([`store`](Simulator::store)), one for
//!   everybody else ([`operator`](Simulator::operator)), and its own side of a rotation
//!   ([`step`](Simulator::step), [`run`](Simulator::run)).
//! - [`Faults`]: crashes, lost answers, throttles, stale reads, planned by number or by name. [`FaultyStore`] puts
//!   any other store under them.
//! - [`ManualClock`], [`TravelClock`], [`SeededRandom`]: time and chance that a test holds.
//! - [`model`]: what the service tells, and what of its behaviour is unpublished and so can be chosen.
//! - `server`, behind the feature of this name: the same on a loopback socket, for any SDK, and as the program
//!   `secretsmanager-simulator`.
//!
//! # What is modelled, and how sure it is
//!
//! *Documented* is AWS's own text. *Verified* means that others pinned it by a test that they ran
//! against AWS. *Observed* was seen in logs or threads. *Inferred* follows from the others. What is
//! *unpublished* is a field of [`ServiceOptions`](model::ServiceOptions).
//!
//! | Behaviour | Source | How sure |
//! |---|---|---|
//! | The token of RotateSecret is the id of a version that is registered without a value, under `AWSPENDING`; it is described, and not listed | API reference: RotateSecret, ListSecretVersionIds | documented |
//! | Reading that version: ResourceNotFoundException | moto's tests verified against AWS (PR 8504) | verified |
//! | RotateSecret while `AWSPENDING` is on a version that is not current: InvalidRequestException, "A previous rotation isn't complete…" | aws-cdk #28539, #17288 | observed |
//! | RotateSecret without a function: InvalidRequestException; without a token: InvalidParameterException | LocalStack's validated tests | verified; the text of the second is that of other actions |
//! | RotateSecret again with the same token starts no second rotation | API reference: RotateSecret | inferred |
//! | … and has the one that is not complete go on at once | none | unpublished, so an option |
//! | Four steps, one at a time, the same token, each due at once after the one before; the event has a RotationToken | User guide: Rotation by Lambda function | documented |
//! | The pending value must come from the rotation function, or with its RotationToken; else the rotation fails | User guide: Troubleshoot rotation | documented; that the check comes after createSecret is inferred |
//! | A failed step leaves the labels; the whole process is replayed | User guide: Rotation by Lambda function | documented |
//! | … with the same token | aws-cdk #28539: "That rotation will be reattempted" | inferred |
//! | … after how long, how often, and what if `AWSPENDING` was taken away | none | unpublished, so options |
//! | The rotation succeeds if `AWSCURRENT` is on the token's version after finishSecret | User guide: Rotation by Lambda function | inferred |
//! | The service takes `AWSPENDING` off afterwards | aws-samples rotation templates #145 | observed, so an option |
//! | A version that somebody else creates meanwhile: RotationAbandoned, `AWSPENDING` removed | User guide of 2023: CloudTrail entries; LocalStack's validated tests | documented and verified |
//! | CancelRotateSecret turns rotation off, leaves `AWSPENDING` on a partial version and says which | API reference: CancelRotateSecret | documented |
//! | `RotateImmediately=false`: testSecret alone, on a version that is a copy of current, whose label is then removed | API reference: RotateSecret; moto's tests verified against AWS (PR 8547) | documented and verified |
//! | What a failed dry run leaves | none | unpublished, so an option |
//! | A label is on one version at a time; `AWSPREVIOUS` goes where `AWSCURRENT` leaves; other labels stay | API reference: UpdateSecretVersionStage; LocalStack's validated tests | documented and verified |
//! | UpdateSecretVersionStage is a compare-and-swap over RemoveFromVersionId | API reference: UpdateSecretVersionStage | documented; InvalidParameterException is observed (terraform-provider-aws #19943), its text for an id that does not match is not known |
//! | `AWSCURRENT` cannot be taken off, only moved | terraform-provider-aws, resource secret_version | observed |
//! | A version without labels is deprecated: read by id, listed on demand, purged beyond about 100 versions, not within 24 hours | API reference: PutSecretValue; User guide: Quotas | documented; the hard quota is an option |
//! | GetSecretValue: nothing there, ResourceNotFoundException; label and id apart, InvalidRequestException | LocalStack's validated tests | verified |
//! | PutSecretValue: the same token and value again is no error, another value is ResourceExistsException | moto's tests verified against AWS | verified |
//! | PutSecretValue of a first version attaches `AWSCURRENT` | API reference: PutSecretValue | documented |
//! | No token: InvalidRequestException | LocalStack's validated tests | verified |
//! | 1 to 65,536 bytes, 20 labels in all, tokens of 32 to 64 characters | User guide: Quotas; API reference | documented; which code refuses is inferred |
//! | Writes on a replica: InvalidParameterException | moto and scripts in production | observed; LocalStack answers InvalidRequestException |
//! | Writes on a secret of another service: InvalidRequestException | API reference: PutSecretValue | documented |
//! | RotationEnabled is absent until rotation is set up | API reference: DescribeSecret | documented |
//! | UpdateSecret: a new value becomes `AWSCURRENT`; it abandons a rotation as a put does | API reference: UpdateSecret; User guide of 2023: CloudTrail entries | documented |
//! | … the same token and value again is no error | moto's tests verified against AWS | verified; the API reference says that it fails |
//! | An empty `KmsKeyId` means the service's own key, which DescribeSecret leaves out | API reference: UpdateSecret, DescribeSecret | documented |
//! | ListSecrets: what each filter looks at, prefix or words, case or not, `!` for a negation | API reference: Filter; User guide: Find secrets | documented |
//! | … values of one filter are alternatives, filters add up, a negation excludes whatever else matches | API reference: Filter | inferred |
//! | … the order by creation, and its direction when none is asked for | API reference: ListSecrets | documented; ascending is a guess |
//! | Pages of 1 to 100, another token refused with InvalidNextTokenException | API reference: ListSecrets, ListSecretVersionIds | documented; the texts, and 100 as the default, are not known |
//! | GetRandomPassword: 32 characters, each included type occurs | API reference: GetRandomPassword | documented |
//! | … "Password length is too short…", "All characters of the desired type…", "All characters have been excluded…" | moto; an emulator's measurements of AWS | observed; InvalidParameterException for the last two is inferred |
//! | RotationRules: days or an expression, not both; both are described | API reference: RotationRulesType | documented; which code refuses is inferred |
//! | LastRotatedDate is absent while rotation is off; LastChangedDate is that of any change | API reference: DescribeSecret | documented |
//! | StopReplicationToReplica makes a replica a primary secret in its own Region | API reference: StopReplicationToReplica | documented; the refusal of a secret that is none is inferred |
//! | RotationStarted, RotationFailed and the others | User guide: CloudTrail entries | documented; that each replay starts with one is inferred |
//!
//! That a dry run is not replayed is unpublished. RotateSecret with nothing but rules on a secret that
//! another service manages is accepted by AWS (observed) and refused here.
//!
//! # Not modelled
//!
//! Deletion, KMS but for its refusal ("Access to KMS is not allowed": user guide, Troubleshoot rotation),
//! schedules and windows (rules are described, nothing rotates by them), resource policies,
//! BatchGetSecretValue, RemoveRegionsFromReplication, rotation by other services, cross-account
//! replicas, the keys of replicas, whether `AWSPENDING` is replicated, `LastAccessedDate`,
//! `NextRotationDate`, AccessDeniedException of RotateSecret when the function cannot be invoked, that
//! ListSecrets may lag behind by minutes.

#[cfg_attr(
    not(feature = "server"),
    allow(
        dead_code,
        unused_imports,
        reason = "only the socket has every action and tells whole answers"
    )
)]
pub mod model;
#[cfg(feature = "server")]
pub mod server;

mod clock;
mod fault;
mod faults;
mod faulty_store;
mod iso;
mod random;
mod simulator;
mod sync;

pub use clock::{ManualClock, SharedClock, TestClock, TravelClock};
pub use fault::{Fault, Interruption, Passage};
pub use faults::Faults;
pub use faulty_store::FaultyStore;
pub use random::SeededRandom;
pub use simulator::{
    Simulator, call::Call, labels::LabelTable, look::StoredValue, operator::Operator, run::StepResult,
    run::StepRun, store::SimulatorStore,
};

/// The README's example is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
