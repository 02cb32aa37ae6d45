//! What Secrets Manager tells: refusals, invocations, events, activities; and what of it is unpublished.
//!
//! Beneath is the service's contract of rotations as a synchronous state machine: no I/O, no clock within. Every
//! behaviour stands in the table of the [crate's documentation](crate) with its source.

pub use activity::{Activity, ActivityKind, LabelChange};
pub use describe::DescribedSecret;
pub use error::{ApiError, ErrorCode};
pub use invocation::{Invocation, InvocationResult};
pub use options::{AfterRelease, ServiceOptions};
pub use principal::Principal;
pub use record::{RotationEventName, RotationEventRecord};
pub use replica::ReplicaStatus;
pub use rules::RotationRules;
pub use state::VersionRow;

pub(crate) use account::{ACCOUNT, REGION};
pub(crate) use create::{CreateSecret, CreatedSecret};
pub(crate) use describe::{DescribeSecret, ListSecretVersionIds, ListedVersion, ListedVersions};
pub(crate) use get::{GetSecretValue, ReadSecretValue};
pub(crate) use list::{FilterKey, ListSecrets, ListedSecrets, SecretFilter, SortBy, SortOrder};
pub(crate) use password::GetRandomPassword;
pub(crate) use put::{PutSecretValue, WrittenSecretValue};
pub(crate) use replicate::{ReplicateSecretToRegions, ReplicatedSecret, StopReplicationToReplica};
pub(crate) use request::Request;
pub(crate) use rotate::{CancelRotateSecret, RotateSecret, RotatedSecret};
pub(crate) use stage::{RestagedSecret, UpdateSecretVersionStage};
pub(crate) use state::Model;
pub(crate) use tags::{TagResource, UntagResource};
pub(crate) use update::{UpdateSecret, UpdatedSecret};

mod access;
mod account;
mod activity;
mod arrange;
mod caller;
mod change;
mod cloudtrail;
mod create;
mod describe;
mod error;
mod get;
mod invocation;
mod limits;
mod list;
mod observe;
mod options;
mod page;
mod password;
mod principal;
mod put;
mod queue;
mod record;
mod replica;
mod replicate;
mod request;
mod rotate;
mod rotation;
mod rules;
mod scrub;
mod secret;
mod stage;
mod start;
mod state;
mod tags;
#[cfg(test)]
mod tests;
mod update;
