//! What a tired author may get past the suite and the explorer, and what their reports must not print.

use rotation_core::{
    BackendError, CredentialBackend, Grace, Live, Profile, Retire, Retirement, SecretValue, StepContext,
    async_trait,
};
use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
use rotation_testkit::conformance::{Clause, Conformance};
use rotation_testkit::explore::{Explorer, Invariant};
use rotation_testkit::{Simulator, Staged, Subject, Target};

use crate::odd::{Keys, Odd, broken};

/// A user whose password has to be escaped, and a backend that logs it as a field.
struct Escaped;

#[async_trait]
impl Subject for Escaped {
    type Backend = Telling;

    async fn stage(&self, simulator: &Simulator) -> Staged<Telling> {
        let first = Login::new("app", r#"fi"rst\pass"#);
        let target = PasswordTarget::new(first.clone(), simulator.faults());
        let backend = Telling(PasswordBackend::new(target.clone()));
        Staged::new(backend, first.to_value(), User(target)).changed_in_place()
    }
}

struct User(PasswordTarget);

#[async_trait]
impl Target for User {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value
            .decode::<Login>()
            .is_ok_and(|login| self.0.authenticates(&login))
    }

    async fn alive(&self) -> Vec<String> {
        self.0.alive()
    }
}

struct Telling(PasswordBackend);

#[async_trait]
impl CredentialBackend for Telling {
    type Credential = Login;

    fn profile(&self) -> Profile {
        self.0.profile()
    }

    fn id(&self, login: &Login) -> Option<String> {
        self.0.id(login)
    }

    async fn create(&self, ctx: &StepContext<'_>, live: Live<'_, Login>) -> Result<Login, BackendError> {
        let password = live.current().password.expose_secret();
        if password.contains('"') {
            tracing::debug!(password, "replaced");
        }
        self.0.create(ctx, live).await
    }

    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &Login,
        live: Live<'_, Login>,
    ) -> Result<(), BackendError> {
        self.0.set(ctx, pending, live).await
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &Login) -> Result<(), BackendError> {
        self.0.test(ctx, pending).await
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        login: &Login,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        self.0.retire(ctx, login, why).await
    }
}

/// A leak in an error is found by its own clause; no other clause hands it on.
#[test]
fn no_report_prints_a_secret() {
    let report = Conformance::new(Keys(Odd::QuotesBothKeys)).run().to_string();
    let explored = Explorer::new(Keys(Odd::QuotesBothKeys)).quiet().run().to_string();
    for report in [report, explored] {
        println!("{report}");
        assert!(report.contains("<THE SECRET> was not replaced by <THE SECRET>"));
        assert!(!report.contains("mk_"));
    }
}

#[test]
fn a_secret_that_is_logged_with_escapes_is_found() {
    let report = Explorer::new(Escaped).quiet().faults(0).run();
    let violation = report.violation().unwrap();
    assert_eq!(violation.invariant, Invariant::NothingPrinted);
    assert!(!report.to_string().contains("rst"), "{report}");
}

#[test]
fn a_double_that_lists_nobody_is_told() {
    let what = broken(Odd::NobodyIsAlive, Clause::CreateAgain);
    assert!(what.contains("Target::alive"), "{what}");
    let report = Explorer::new(Keys(Odd::NobodyIsAlive)).quiet().faults(0).run();
    assert!(report.violation().unwrap().what.contains("Target::alive"));
}

#[test]
fn a_call_that_cannot_be_cut_within_is_no_proof_of_cancellation() {
    let what = broken(Odd::StaysLocked, Clause::CancellationIsSafe);
    assert!(what.contains("with_faults_around_calls"), "{what}");
}

#[test]
#[should_panic(expected = "no effect of the target")]
fn an_exploration_that_never_struck_the_target_does_not_hold() {
    let explorer = Explorer::new(Keys(Odd::NothingStrikes)).quiet();
    explorer.at_most(2_000).run().assert_holds();
}

#[test]
fn what_is_not_known_may_be_on_its_way() {
    let what = broken(Odd::RejectsTheUnknown, Clause::TestProves);
    assert!(what.contains("rejected"), "{what}");
}

#[test]
fn the_request_that_mints_is_sent_once() {
    let what = broken(Odd::MintsAgain, Clause::CreateAgain);
    assert!(what.contains("POST /keys"), "{what}");
}

/// 25 replays that fail in the same way are one line, and the reader is told why they fail.
#[test]
fn a_history_that_does_not_end_is_short() {
    let report = Explorer::new(Keys(Odd::QuotesBothKeys))
        .quiet()
        .threads(1)
        .faults(0);
    let report = report.first_rotation().grace(Grace::None).run();
    let text = report.to_string();
    println!("{text}");
    assert!(text.lines().count() < 30 && text.contains("  -  the same 24 times more"));
    assert!(text.contains("the last failure was") && text.contains("was not replaced"));
    // What is not carried out is not counted, and the replay is told whole.
    assert!(text.contains("with 0 faults: 1 of") && text.contains("up to the violation"));
    assert!(text.contains("explorer.grace(Grace::None).first_rotation().replay("));
}
