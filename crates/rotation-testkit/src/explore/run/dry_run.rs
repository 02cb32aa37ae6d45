//! A history whose dry run is disturbed.

use super::Run;
use crate::explore::invariant::{Checked, Invariant, broken};
use crate::explore::trace::Entry;

impl Run {
    /// A dry run under the faults, replays and all, and then a rotation: an operator starts it once more if the dry
    /// run has left its copy of the current value behind.
    pub(super) async fn dry_run(&mut self) -> Checked {
        let before = self.watch.state().await;
        self.trace.push(Entry::Happens("a dry run"));
        if let Ok(token) = self.simulator.operator().dry_run(&self.watch.arn) {
            self.token = token;
        }
        self.simulator.faults().set_gated(true);
        self.rotation().await?;
        if self.watch.state().await != before {
            let what = "after a dry run a label, a stored value or a credential at the target is another than before";
            return Err(broken(Invariant::DryRunChangesNothing, what));
        }
        self.trace.push(Entry::Happens("a rotation after the dry run"));
        self.rotate_now().await;
        self.rotation().await?;
        self.recover().await
    }
}
