//! Tags and replicas.

use super::world::*;
use crate::model::ErrorCode::{InvalidParameterException, InvalidRequestException};
use crate::model::Principal::Operator;
use crate::model::{
    ReplicaStatus, ReplicateSecretToRegions, StopReplicationToReplica, TagResource, UntagResource,
};

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
fn a_replica_that_is_stopped_is_a_secret_of_its_own() {
    let mut world = World::new();
    refused(
        world.ask(Operator, StopReplicationToReplica::new(NAME)),
        InvalidRequestException,
        "not a replica",
    );
    world.model.set_primary_region(NAME, Some("us-east-1")).unwrap();
    refused(
        world.put(Operator, "two", "v2", &[]),
        InvalidParameterException,
        "replica",
    );
    world.ask(Operator, StopReplicationToReplica::new(NAME)).unwrap();
    assert_eq!(world.describe().primary_region, None);
    world.put(Operator, "two", "v2", &[]).unwrap();
}
