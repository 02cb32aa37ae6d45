//! How a history is set up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rotation_core::Grace;

use super::{Run, Setting};
use crate::explore::panics::{Caught, Panics};
use crate::explore::parts::{MakeRotate, Parts};
use crate::explore::plan::Plan;
use crate::explore::replica::Replica;
use crate::explore::trace::Trace;
use crate::explore::twist::Twist;
use crate::explore::watch::Watch;
use crate::faulty_backend::FaultyBackend;
use crate::subject::Subject;

impl Run {
    pub(super) async fn stage<S: Subject>(
        subject: &S,
        setting: Setting,
        plan: Plan,
        rotate: &MakeRotate<S::Backend>,
    ) -> Self {
        let simulator = subject.simulator();
        let staged = subject.stage(&simulator).await;
        let faults = simulator.faults();
        let backend = FaultyBackend::staged(staged.backend, faults, staged.coarse);
        let value = staged.value;
        // A secret that Secrets Manager refuses is a mistake in the test that staged it.
        #[allow(clippy::expect_used, reason = "the name is free and allowed")]
        let arn = simulator
            .operator()
            .create_secret("explored", value)
            .expect("Secrets Manager takes the staged value");
        let watch = Watch::new(&simulator, &backend, staged.target, &arn, staged.in_place).await;
        simulator.configure(|options| {
            options.replays = subject.replays();
            for twist in plan.twists() {
                match twist {
                    Twist::Rejecting(after) => options.after_release = after,
                    Twist::ReplayAtOnce => options.replay_interval = Duration::from_secs(1),
                    _ => {}
                }
            }
        });
        let replica = setting.replica.then(|| Replica::add(&simulator, &arn));
        let panics = Panics::default();
        let rotate = Caught::new(
            rotate(Parts {
                backend,
                simulator: simulator.clone(),
                grace: setting.grace,
            }),
            simulator.faults(),
            panics.clone(),
        );
        Self {
            rotate: Arc::new(rotate),
            watch,
            plan,
            coarse: staged.coarse,
            grace: setting.grace == Grace::UntilNextRotation,
            trace: Trace::default(),
            traced: 0,
            token: String::new(),
            old: None,
            beside: None,
            straggler: None,
            stood_still: None,
            twisted: Vec::new(),
            pinned: None,
            went_back: Vec::new(),
            rejecting: false,
            replica,
            gaps: BTreeSet::new(),
            printed: String::new(),
            failed: None,
            panics,
            simulator,
        }
    }
}
