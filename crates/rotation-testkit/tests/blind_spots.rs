//! What a tired author may get past the suite and the explorer, and what their reports must not print.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use rotation_core::{
    Applied, BackendError, CredentialBackend, Grace, Live, Profile, Retire, Retirement, SecretValue,
    StepContext, async_trait,
};
use rotation_testkit::backends::{
    Login, MintedKey, MintedKeys, MintingBackend, PasswordBackend, PasswordTarget,
};
use rotation_testkit::conformance::{Clause, Conformance, Verdict};
use rotation_testkit::explore::{Explorer, Invariant};
use rotation_testkit::{Faults, Simulator, Staged, Subject, Target};

/// What is odd about a backend or its double.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Odd {
    /// setSecret's error quotes the current key and the pending one.
    QuotesBothKeys,
    /// `alive` is left for later.
    NobodyIsAlive,
    /// Faults strike around its calls, and a call that was dropped leaves it locked.
    StaysLocked,
    /// Its double has a plan of faults of its own.
    NothingStrikes,
    /// A key that is not known is rejected for good.
    RejectsTheUnknown,
    /// No answer is a reason to panic.
    Panics,
    /// A request that mints is sent again when its answer is lost.
    MintsAgain,
}

struct Keys(Odd);

#[async_trait]
impl Subject for Keys {
    type Backend = Backend;

    async fn stage(&self, simulator: &Simulator) -> Staged<Backend> {
        let faults = match self.0 {
            Odd::NothingStrikes => Faults::new(),
            _ => simulator.faults(),
        };
        let target = MintedKeys::new(faults);
        let first = target.mint("made by hand").to_value();
        let backend = Backend {
            backend: MintingBackend::new(target.clone()),
            odd: self.0,
            busy: AtomicBool::new(false),
        };
        let odd = self.0;
        match odd {
            Odd::StaysLocked => Staged::new(backend, first, Double { target, odd }),
            _ => Staged::new(backend, first, Double { target, odd }).with_wire_faults(),
        }
    }
}

struct Double {
    target: MintedKeys,
    odd: Odd,
}

#[async_trait]
impl Target for Double {
    async fn authenticates(&self, value: &SecretValue) -> bool {
        value
            .decode::<MintedKey>()
            .is_ok_and(|key| self.target.authenticates(&key))
    }

    async fn alive(&self) -> Vec<String> {
        match self.odd {
            Odd::NobodyIsAlive => Vec::new(),
            _ => self.target.alive(),
        }
    }

    fn unknown(&self, _: &SecretValue) -> Option<SecretValue> {
        Some(SecretValue::text(r#"{"key_id":"key-9999","key":"mk_of-nobody"}"#))
    }
}

struct Backend {
    backend: MintingBackend,
    odd: Odd,
    busy: AtomicBool,
}

#[async_trait]
impl CredentialBackend for Backend {
    type Credential = MintedKey;

    fn profile(&self) -> Profile {
        match self.odd {
            Odd::QuotesBothKeys => Profile::minted("odd").activated_in_set(),
            _ => Profile::minted("odd"),
        }
    }

    fn id(&self, key: &MintedKey) -> Option<String> {
        self.backend.id(key)
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, MintedKey>,
    ) -> Result<MintedKey, BackendError> {
        if self.odd == Odd::StaysLocked && self.busy.swap(true, Ordering::SeqCst) {
            return Err(BackendError::misconfigured("another call is under way"));
        }
        let made = match self.backend.create(ctx, live).await {
            Err(_) if self.odd == Odd::MintsAgain => self.backend.create(ctx, live).await,
            made => made,
        };
        self.busy.store(false, Ordering::SeqCst);
        assert!(made.is_ok() || self.odd != Odd::Panics, "no answer");
        made
    }

    async fn set(
        &self,
        _: &StepContext<'_>,
        pending: &MintedKey,
        live: Live<'_, MintedKey>,
    ) -> Result<(), BackendError> {
        Err(BackendError::unavailable(format!(
            "{} was not replaced by {}",
            live.current().key.expose_secret(),
            pending.key.expose_secret()
        )))
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &MintedKey) -> Result<(), BackendError> {
        match self.backend.test(ctx, pending).await {
            Err(error) if self.odd == Odd::RejectsTheUnknown && error.to_string().contains("not know") => {
                Err(BackendError::rejected("401", Applied::Nothing))
            }
            tested => tested,
        }
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        key: &MintedKey,
        why: Retire,
    ) -> Result<Retirement, BackendError> {
        self.backend.retire(ctx, key, why).await
    }
}

#[track_caller]
fn broken(odd: Odd, clause: Clause) -> String {
    match Conformance::new(Keys(odd)).check(clause) {
        Verdict::Broken(what) => what,
        other => panic!("{clause} of {odd:?}: {other:?}"),
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

/// A user whose password has to be escaped, and a backend that logs it as a field.
struct Escaped;

#[async_trait]
impl Subject for Escaped {
    type Backend = Telling;

    async fn stage(&self, simulator: &Simulator) -> Staged<Telling> {
        let first = Login::new("app", r#"fi"rst\pass"#);
        let target = PasswordTarget::new(first.clone(), simulator.faults());
        let backend = Telling(PasswordBackend::new(target.clone()));
        Staged::new(backend, first.to_value(), User(target))
            .with_wire_faults()
            .changed_in_place()
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
    assert!(what.contains("with_wire_faults"), "{what}");
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

/// However many threads, the first violation by number is the one that is shown.
#[test]
fn the_same_violation_is_found_each_time() {
    let replay = |threads| {
        let explorer = Explorer::new(Keys(Odd::Panics)).quiet().threads(threads);
        explorer.run().violation().unwrap().replay.clone()
    };
    let alone = replay(1);
    assert!((0..5).all(|_| replay(4) == alone));
}

#[test]
fn a_panic_is_a_history_too() {
    let report = Explorer::new(Keys(Odd::Panics)).quiet().run();
    let violation = report.violation().unwrap();
    assert!(violation.what.contains("panicked: no answer"), "{violation}");
    let again = Explorer::new(Keys(Odd::Panics)).quiet().replay(&violation.replay);
    assert_eq!(again.unwrap().violation().unwrap().what, violation.what);
    let what = broken(Odd::Panics, Clause::ErrorsHideSecrets);
    assert!(what.contains("panicked"), "{what}");
}
