//! A replica of the secret, which follows some time after a promotion.

use rotation_core::AWSCURRENT;
use rotation_simulator::Simulator;
use rotation_simulator::model::ReplicaStatus;

use super::Run;

const REGION: &str = "eu-central-1";

/// How many looks at the secret find the replica behind.
const LOOKS: usize = 2;

pub(super) struct Replica {
    /// The version that it has, or is about to have.
    version: Option<String>,
    /// How many effects there were when it fell behind.
    since: usize,
}

impl Replica {
    /// Adds one, which has the first value.
    #[allow(
        clippy::expect_used,
        reason = "the secret was created, and the Region is another"
    )]
    pub(super) fn add(simulator: &Simulator, arn: &str) -> Self {
        let operator = simulator.operator();
        operator.replicate(arn, REGION).expect("a secret takes a replica");
        let replica = Self {
            version: simulator.holding(arn, AWSCURRENT).map(|(version, _)| version),
            since: 0,
        };
        set(simulator, arn, ReplicaStatus::InSync);
        replica
    }
}

fn set(simulator: &Simulator, arn: &str, status: ReplicaStatus) {
    // Fails only where there is no such secret.
    _ = simulator.operator().set_replica_status(arn, REGION, status);
}

impl Run {
    /// A promotion leaves the replica behind; it has caught up when the secret has been looked at a few times.
    pub(super) fn replica_follows(&mut self) {
        let current = self.watch.version_with(AWSCURRENT);
        let Some(replica) = &mut self.replica else {
            return;
        };
        let passed = self.simulator.faults().passages();
        if replica.version != current {
            (replica.version, replica.since) = (current, passed.len());
            self.watch.replica_is_behind = true;
            set(&self.simulator, &self.watch.arn, ReplicaStatus::InProgress);
            return;
        }
        let since = passed.iter().skip(replica.since);
        if self.watch.replica_is_behind && since.filter(|it| it.name == "DescribeSecret").count() >= LOOKS {
            self.replica_catches_up();
        }
    }

    pub(super) fn replica_catches_up(&mut self) {
        if let Some(replica) = &mut self.replica {
            replica.version = self.watch.version_with(AWSCURRENT);
            self.watch.replica_is_behind = false;
            set(&self.simulator, &self.watch.arn, ReplicaStatus::InSync);
        }
    }

    /// Another rotation is started at once, and ends what falls off: from now on nothing is asked of the replica.
    pub(super) fn replica_is_forgotten(&mut self) {
        self.replica_catches_up();
        self.replica = None;
    }
}
