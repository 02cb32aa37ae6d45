//! What you add to the tests of your rotation backend: it proves the contract clause by clause, and explores every
//! history of a rotation. All of it runs in process, on a simulated Secrets Manager; nothing waits.
//!
//! You say once how your backend and a double of its target are set up. That is a [`Subject`]. Two tests then do
//! the rest:
//!
//! ```
//! use rotation_core::{SecretValue, async_trait};
//! use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend}; // in the place of yours
//! use rotation_testkit::conformance::{Clause, Conformance};
//! use rotation_testkit::explore::{Explorer, Gap};
//! use rotation_testkit::{Simulator, Staged, Subject, Target};
//!
//! struct Keys;
//!
//! #[async_trait]
//! impl Subject for Keys {
//!     type Backend = MintingBackend;
//!
//!     async fn stage(&self, simulator: &Simulator) -> Staged<MintingBackend> {
//!         let double = MintedKeys::new(simulator.faults()); // faults strike its requests
//!         let first = double.mint("made by hand").to_value(); // the secret's first value
//!         Staged::new(MintingBackend::new(double.clone()), first, Seen(double))
//!     }
//!
//!     // How often the service's own gaps may show. Nothing changes a key, so no change can be late.
//!     fn gaps(&self, gap: Gap) -> usize {
//!         if gap == Gap::LateSet { 0 } else { usize::MAX }
//!     }
//! }
//!
//! /// What can be seen at the target beside the backend.
//! struct Seen(MintedKeys);
//!
//! #[async_trait]
//! impl Target for Seen {
//!     async fn authenticates(&self, value: &SecretValue) -> bool {
//!         value.decode::<MintedKey>().is_ok_and(|key| self.0.authenticates(&key))
//!     }
//!
//!     async fn alive(&self) -> Vec<String> {
//!         self.0.alive()
//!     }
//! }
//!
//! // One test: each clause of the contract.
//! Conformance::new(Keys).assert(Clause::CreateAgain); // or `.run().assert_holds()` for all of them
//!
//! // Another: faults, replays, overlaps, operators. An ordinary test takes more of them than these.
//! Explorer::new(Keys).faults(1).at_most(200).run().assert_holds();
//! ```
//!
//! # Parts
//!
//! - [`Subject`], [`Target`], [`Staged`]: your backend and its double, for both tools.
//! - [`conformance`]: the contract of a backend, and of a store, clause by clause.
//! - [`explore`]: every history of a rotation, to a stated depth; a violation prints the shortest history in words.
//! - [`FaultyBackend`]: faults around the calls of any backend, for a target whose double counts no requests.
//! - [`LogCapture`]: what a test logs, to look for secrets in.
//! - [`backends`]: two targets in memory and their backends, to read and to try.
//! - All of `rotation-simulator` that these tests need is here, too, so that this crate is your one
//!   dev-dependency: [`Simulator`], [`Faults`], [`ManualClock`], [`TravelClock`], [`SeededRandom`], [`FaultyStore`],
//!   [`model`]; and, behind the feature `server`, the socket for any SDK.
//!
//! # One rotation, step by step
//!
//! A test of your own that wants to see one rotation runs it on a [`Simulator`]:
//!
//! ```
//! use std::time::Duration;
//! use rotation_core::{AWSCURRENT, Rotator};
//! use rotation_testkit::Simulator;
//! use rotation_testkit::backends::{Login, PasswordBackend, PasswordTarget};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::new();
//! let operator = simulator.operator();
//! let first = Login::new("app", "first-password");
//! let target = PasswordTarget::new(first.clone(), simulator.faults());
//! let arn = operator.create_secret("crm", first.to_value())?;
//!
//! let backend = PasswordBackend::new(target.clone());
//! let rotator = Rotator::new(backend, simulator.store()).with_clock(simulator.clock());
//! operator.rotate(&arn)?;
//! let runs = simulator.run(&rotator, Duration::from_secs(30)).await;
//!
//! assert_eq!(runs.len(), 4);
//! assert!(runs.iter().all(|run| run.result.is_done()));
//! let current: Login = operator.value(&arn, AWSCURRENT)?.decode()?;
//! assert!(target.authenticates(&current) && !target.authenticates(&first));
//! println!("{}", simulator.labels(&arn));
//! // version   labels       holds
//! // 5fd3b1c0  AWSCURRENT   value
//! // 19c2b7aa  AWSPREVIOUS  value
//! # Ok(())
//! # }
//! ```

pub mod backends;
pub mod conformance;
pub mod explore;

mod faulty_backend;
mod log_capture;
mod runtime;
mod secret_texts;
mod subject;
mod sync;

#[cfg(feature = "server")]
pub use rotation_simulator::server;
pub use rotation_simulator::{
    Call, Fault, Faults, FaultyStore, Interruption, LabelTable, ManualClock, Operator, Passage, SeededRandom,
    SharedClock, Simulator, SimulatorStore, StepResult, StepRun, TestClock, TravelClock, model,
};

pub use faulty_backend::FaultyBackend;
pub use log_capture::LogCapture;
pub use subject::{Staged, Subject, Target};

/// The README's example is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
