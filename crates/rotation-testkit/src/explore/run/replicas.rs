//! What becomes of the secret's replica in a history.

use super::Run;

impl Run {
    /// A promotion leaves the replica behind; it has caught up when the secret has been looked at a few times.
    pub(super) fn replica_follows(&mut self) {
        let Some(replica) = &mut self.replica else {
            return;
        };
        let passed = self.simulator.faults().passages();
        if replica.falls_behind(passed.len()) {
            self.watch.replica_is_behind = true;
        } else if self.watch.replica_is_behind && replica.is_due(&passed) {
            self.replica_catches_up();
        }
    }

    pub(super) fn replica_catches_up(&mut self) {
        if let Some(replica) = &mut self.replica {
            replica.catches_up();
            self.watch.replica_is_behind = false;
        }
    }

    /// Another rotation is started at once, and ends what falls off: from now on nothing is asked of the replica.
    pub(super) fn replica_is_forgotten(&mut self) {
        self.replica_catches_up();
        self.replica = None;
    }
}
