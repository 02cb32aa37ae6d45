//! The contract of a backend, clause by clause, as checks that its author runs.
//!
//! ```
//! use rotation_testkit::conformance::{Clause, Conformance};
//! # use rotation_core::{SecretValue, async_trait};
//! # use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend};
//! # use rotation_testkit::{Simulator, Staged, Subject, Target};
//! # struct Keys;
//! # #[async_trait]
//! # impl Subject for Keys {
//! #     type Backend = MintingBackend;
//! #     async fn stage(&self, simulator: &Simulator) -> Staged<MintingBackend> {
//! #         let target = MintedKeys::new(simulator.faults());
//! #         let first = target.mint("made by hand").to_value();
//! #         Staged::new(MintingBackend::new(target.clone()), first, KeysTarget(target)).with_wire_faults()
//! #     }
//! # }
//! # struct KeysTarget(MintedKeys);
//! # #[async_trait]
//! # impl Target for KeysTarget {
//! #     async fn authenticates(&self, value: &SecretValue) -> bool {
//! #         value.decode::<MintedKey>().is_ok_and(|key| self.0.authenticates(&key))
//! #     }
//! #     async fn alive(&self) -> Vec<String> { self.0.alive() }
//! # }
//!
//! fn suite() -> Conformance<Keys> {
//!     Conformance::new(Keys)
//! #       .at_most(50)
//!         .not_applicable(Clause::TestProves, "every text has the form of a key of this service")
//!         .not_applicable(Clause::RetireUnknown, "every text has the form of a key of this service")
//! }
//!
//! // In one test:
//! let report = suite().run();
//! println!("{report}");
//! report.assert_holds();
//!
//! // Or one test for each clause:
//! suite().assert(Clause::DryRun);
//! ```
//!
//! A backend is staged by its [`Subject`]. A clause that cannot apply is
//! [declared](Conformance::not_applicable), with the reason; it then shows as such. One that cannot be
//! checked, for want of something that the double does not tell, fails and says what is missing.
//!
//! The suite proves clause by clause and so says what is wrong; the [explorer](crate::explore) then looks at
//! everything together. Stores have a suite of their own: [`store`].

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::runtime::runtime;
use crate::subject::Subject;

use bench::{Bench, Finding};

pub use clause::Clause;

mod bench;
mod calls;
mod clause;
mod histories;
mod interruptions;
pub mod store;

/// The suite for one backend. No method needs an async runtime, and none may be called within one.
pub struct Conformance<S: Subject> {
    subject: S,
    not_applicable: BTreeMap<Clause, String>,
    most: usize,
}

impl<S: Subject> Conformance<S> {
    /// Every clause, for this backend.
    pub fn new(subject: S) -> Self {
        Self {
            subject,
            not_applicable: BTreeMap::new(),
            most: usize::MAX,
        }
    }

    /// Declares that a clause cannot apply to this backend, and why.
    #[must_use]
    pub fn not_applicable(mut self, clause: Clause, why: impl Into<String>) -> Self {
        self.not_applicable.insert(clause, why.into());
        self
    }

    /// At most so many histories, at each number of faults and with each grace, in the clauses that take
    /// whole rotations: for a target behind a real server, where one takes its time. All, unless set.
    #[must_use]
    pub fn at_most(mut self, histories: usize) -> Self {
        self.most = histories;
        self
    }

    /// Checks every clause.
    #[must_use]
    pub fn run(&self) -> Report {
        let profile = self.profile();
        let results = Clause::ALL.map(|clause| (clause, self.check(clause))).to_vec();
        Report { profile, results }
    }

    /// Checks one clause.
    #[must_use]
    pub fn check(&self, clause: Clause) -> Verdict {
        if let Some(why) = self.not_applicable.get(&clause) {
            return Verdict::NotApplicable(why.clone());
        }
        // The message has been printed by now; here it might be one with a secret in it.
        let checked = catch_unwind(AssertUnwindSafe(|| self.find(clause)));
        checked.unwrap_or_else(|_| {
            let what = "the backend, or its double, panicked; the message stands above";
            Verdict::Broken(what.to_owned())
        })
    }

    fn find(&self, clause: Clause) -> Verdict {
        let finding = match clause {
            Clause::LiveIsNotRetired => histories::live_is_not_retired(&self.subject, self.most),
            Clause::ReplayAfterCrash => histories::replay_after_crash(&self.subject, self.most),
            Clause::ConcurrentUse => histories::concurrent_use(&self.subject, self.most),
            _ => {
                let runtime = runtime();
                if let Some(why) = runtime.block_on(self.does_not_apply(clause)) {
                    return Verdict::NotApplicable(why.to_owned());
                }
                runtime.block_on(self.finding(clause))
            }
        };
        match finding {
            Ok(()) => Verdict::Holds,
            Err(what) => Verdict::Broken(what),
        }
    }

    /// Checks one clause, for a test of its own.
    ///
    /// # Panics
    ///
    /// With what was seen, if the clause is broken.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert(&self, clause: Clause) {
        if let Verdict::Broken(what) = self.check(clause) {
            let (asks, section) = (clause.asks(), clause.section());
            panic!("{clause} is broken: {asks}\n{what}\nThe contract: {section}.");
        }
    }

    /// What follows from the profile.
    async fn does_not_apply(&self, clause: Clause) -> Option<&'static str> {
        let of_set = [
            Clause::SetAgain,
            Clause::SetKeepsCurrent,
            Clause::SetRefusesAnotherTarget,
        ];
        if !of_set.contains(&clause) {
            return None;
        }
        let bench = Bench::stage(&self.subject).await.ok()?;
        (!bench.profile().calls_set()).then_some("set is not called, by the profile")
    }

    fn profile(&self) -> &'static str {
        let bench = runtime().block_on(Bench::stage(&self.subject));
        bench.map_or("a backend whose stage is broken", |bench| bench.profile().name())
    }

    async fn finding(&self, clause: Clause) -> Finding {
        let subject = &self.subject;
        match clause {
            Clause::DryRun => return histories::dry_run(subject).await,
            Clause::DeadlineIsKept => return interruptions::deadline_is_kept(subject).await,
            Clause::CancellationIsSafe => return interruptions::cancellation_is_safe(subject).await,
            Clause::ErrorsHideSecrets => return interruptions::errors_hide_secrets(subject).await,
            Clause::CreateAgain => interruptions::mints_once(subject).await?,
            _ => {}
        }
        let bench = Bench::stage(subject).await?;
        let hidden = bench.hider();
        let finding = match clause {
            Clause::IdIsStable => calls::id_is_stable(bench).await,
            Clause::DocumentReadsBack => calls::document_reads_back(bench).await,
            Clause::CreateMakesAnother => calls::create_makes_another(bench).await,
            Clause::CreateAgain => calls::create_again(bench).await,
            Clause::CreateSparesTheLive => calls::create_spares_the_live(bench).await,
            Clause::SetAgain => calls::set_again(bench).await,
            Clause::SetKeepsCurrent => calls::set_keeps_current(bench).await,
            Clause::SetRefusesAnotherTarget => calls::set_refuses_another_target(bench).await,
            Clause::TestProves => calls::test_proves(bench).await,
            Clause::TestAgain => calls::test_again(bench).await,
            Clause::RetireEndsOne => calls::retire_ends_one(bench).await,
            Clause::RetireAgain => calls::retire_again(bench).await,
            Clause::RetireUnknown => calls::retire_unknown(bench).await,
            Clause::DryRun
            | Clause::LiveIsNotRetired
            | Clause::ReplayAfterCrash
            | Clause::DeadlineIsKept
            | Clause::CancellationIsSafe
            | Clause::ErrorsHideSecrets
            | Clause::ConcurrentUse => Ok(()),
        };
        finding.map_err(|what| hidden(&what))
    }
}

impl<S: Subject> fmt::Debug for Conformance<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conformance")
            .field("not_applicable", &self.not_applicable)
            .finish_non_exhaustive()
    }
}

/// What became of one clause.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not: what was seen.
    Broken(String),
    /// It cannot apply: why.
    NotApplicable(String),
}

/// What became of every clause. `Display` is for people; [`assert_holds`](Self::assert_holds) for tests.
#[derive(Clone, Debug)]
pub struct Report {
    profile: &'static str,
    results: Vec<(Clause, Verdict)>,
}

impl Report {
    /// Each clause and its verdict, in the order of [`Clause::ALL`].
    #[must_use]
    pub fn results(&self) -> &[(Clause, Verdict)] {
        &self.results
    }

    /// The clauses that are broken.
    #[must_use]
    pub fn broken(&self) -> Vec<Clause> {
        let broken = self.results.iter();
        broken
            .filter(|(_, verdict)| matches!(verdict, Verdict::Broken(_)))
            .map(|(clause, _)| *clause)
            .collect()
    }

    /// Fails a test whose backend breaks a clause.
    ///
    /// # Panics
    ///
    /// With the report as the message, if a clause is broken.
    #[track_caller]
    #[allow(clippy::panic, reason = "it is an assertion")]
    pub fn assert_holds(&self) {
        if !self.broken().is_empty() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for Report {
    /// The broken clauses stand at the end, where a terminal shows them first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} clauses", self.profile, self.results.len())?;
        for (clause, verdict) in &self.results {
            let word = match verdict {
                Verdict::Holds => "ok",
                Verdict::Broken(_) => "BROKEN",
                Verdict::NotApplicable(_) => "n/a",
            };
            match verdict {
                Verdict::NotApplicable(why) => writeln!(f, "  {word:6}  {clause:26}  {why}")?,
                Verdict::Holds | Verdict::Broken(_) => {
                    writeln!(f, "  {word:6}  {clause:26}  {}", clause.asks())?;
                }
            }
        }
        for (clause, verdict) in &self.results {
            if let Verdict::Broken(what) = verdict {
                writeln!(f, "\nBROKEN {clause}: {}", clause.asks())?;
                for line in what.lines() {
                    writeln!(f, "  {line}")?;
                }
                writeln!(f, "  The contract: {}.", clause.section())?;
            }
        }
        Ok(())
    }
}
