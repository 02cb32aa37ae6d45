//! A replica of the secret, which follows some time after a promotion.

use rotation_core::AWSCURRENT;
use rotation_simulator::model::ReplicaStatus;
use rotation_simulator::{Passage, Simulator};

const REGION: &str = "eu-central-1";

/// How many looks at the secret find the replica behind.
const LOOKS: usize = 2;

pub(super) struct Replica {
    simulator: Simulator,
    arn: String,
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
        let mut replica = Self {
            simulator: simulator.clone(),
            arn: arn.to_owned(),
            version: None,
            since: 0,
        };
        replica.catches_up();
        replica
    }

    /// Whether a promotion has left it behind now.
    pub(super) fn falls_behind(&mut self, effects: usize) -> bool {
        let current = self.current();
        let falls = self.version != current;
        if falls {
            (self.version, self.since) = (current, effects);
            self.set(ReplicaStatus::InProgress);
        }
        falls
    }

    /// Whether the secret has been looked at often enough since then.
    pub(super) fn is_due(&self, effects: &[Passage]) -> bool {
        let since = effects.iter().skip(self.since);
        since.filter(|it| it.name == "DescribeSecret").count() >= LOOKS
    }

    pub(super) fn catches_up(&mut self) {
        self.version = self.current();
        self.set(ReplicaStatus::InSync);
    }

    fn current(&self) -> Option<String> {
        Some(self.simulator.holding(&self.arn, AWSCURRENT)?.0)
    }

    fn set(&self, status: ReplicaStatus) {
        // Fails only where there is no such secret.
        _ = self
            .simulator
            .operator()
            .set_replica_status(&self.arn, REGION, status);
    }
}
