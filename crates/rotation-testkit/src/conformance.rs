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
//! #         Staged::new(MintingBackend::new(target.clone()), first, KeysTarget(target))
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

use bench::Bench;

pub use clause::Clause;
pub use report::Report;
pub use verdict::Verdict;

mod bench;
mod calls;
mod check;
mod clause;
mod histories;
mod interruptions;
mod report;
pub mod store;
mod verdict;

const PANICKED: &str = "the backend, or its double, panicked; the message stands above";

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
        let stage = catch_unwind(AssertUnwindSafe(|| {
            runtime().block_on(Bench::stage(&self.subject))
        }));
        let stage = stage.unwrap_or_else(|_| Err(PANICKED.to_owned()));
        match stage {
            // Every clause would say the same.
            Err(what) => Report::of_setup(what),
            Ok(bench) => {
                let coarse = !bench.wire;
                let results = Clause::ALL.map(|clause| (clause, self.check(clause))).to_vec();
                Report::of_clauses(bench.profile().name(), coarse, results)
            }
        }
    }

    /// Checks one clause.
    #[must_use]
    pub fn check(&self, clause: Clause) -> Verdict {
        if let Some(why) = self.not_applicable.get(&clause) {
            return Verdict::NotApplicable(why.clone());
        }
        // The message has been printed by now; here it might be one with a secret in it.
        let checked = catch_unwind(AssertUnwindSafe(|| clause.check(&self.subject, self.most)));
        checked.unwrap_or_else(|_| Verdict::Broken(PANICKED.to_owned()))
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
}

impl<S: Subject> fmt::Debug for Conformance<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conformance")
            .field("not_applicable", &self.not_applicable)
            .finish_non_exhaustive()
    }
}
