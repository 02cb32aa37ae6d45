//! What the suite and the explorer say of a backend that is not right, as `docs/writing-a-backend.md` shows it.

use custom_backend::{AccessKey, ForgeKeys};
use rotation_core::{
    BackendError, CredentialBackend, Grace, Live, LiveIds, Profile, Retire, Retirement, StepContext,
    async_trait,
};
use rotation_testkit::conformance::{Clause, Conformance};
use rotation_testkit::explore::{Explorer, Gap};
use rotation_testkit::{Simulator, Staged, Subject};

use crate::support::manual;
use crate::support::{KEYS, Keys};

/// Takes whatever account AWSPENDING names.
struct Trusting(ForgeKeys);

#[async_trait]
impl CredentialBackend for Trusting {
    type Credential = AccessKey;

    fn profile(&self) -> Profile {
        self.0.profile()
    }

    fn id(&self, key: &AccessKey) -> Option<String> {
        self.0.id(key)
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, AccessKey>,
    ) -> Result<AccessKey, BackendError> {
        self.0.create(ctx, live).await
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &AccessKey,
        _: Live<'_, AccessKey>,
    ) -> Result<(), BackendError> {
        let ids = LiveIds::new([]).incomplete();
        self.0.set(ctx, pending, Live::new(pending, None, &ids)).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &AccessKey) -> Result<(), BackendError> {
        self.0.test(ctx, pending).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        key: &AccessKey,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        self.0.retire(ctx, key, why).await
    }
}

struct TrustingKeys;

#[async_trait]
impl Subject for TrustingKeys {
    type Backend = Trusting;

    async fn stage(&self, simulator: &Simulator) -> Staged<Trusting> {
        KEYS.stage_with(simulator, Trusting)
    }

    fn replays(&self) -> u32 {
        KEYS.replays()
    }
}

#[test]
fn a_backend_that_takes_any_account_breaks_a_clause() {
    let report = Conformance::new(TrustingKeys)
        .not_applicable(Clause::CreateSparesTheLive, "not looked at here")
        .run();
    assert_eq!(report.broken(), [Clause::SetRefusesAnotherTarget]);
    let printed = report.to_string();
    manual::has(&printed[printed.find("BROKEN set").unwrap()..]);
}

/// A Forge that cuts `created_by` off, unlike what its documentation says: no orphan is recognised.
#[test]
fn an_api_that_cuts_labels_leaves_an_orphan() {
    let cutting = Keys { noted: 20, limit: 9 };
    let report = Explorer::new(&cutting).faults(0).threads(1).quiet().run();
    let violation = report.violation().expect("an orphan");
    manual::has(&violation.to_string());
    let again = Explorer::new(&cutting).replay(&violation.replay).unwrap();
    assert_eq!(again.violation().unwrap().history, violation.history);
}

/// What no client can close.
#[test]
fn the_gaps_of_the_services_api() {
    let until_next = Grace::UntilNextRotation;
    for (gap, grace, history) in [
        (Gap::LatePut, until_next, "operator@12/start-anew"),
        (Gap::WentBack, until_next, "operator@3/go-back"),
        (Gap::LatePromotion, Grace::None, "straggler@26/11 12:CrashBefore"),
    ] {
        let report = Explorer::new(KEYS).grace(grace).replay(history).unwrap();
        assert!(report.violation().is_none(), "{report}");
        manual::has(report.gap_history(gap).unwrap());
    }
}
