//! The contract of a store, clause by clause: what every [`SecretStore`](rotation_core::SecretStore) over a
//! Secrets Manager has to do with its answers.
//!
//! The simulator's own store and the one over the AWS SDK pass it; so does any other whose service is a
//! [`Simulator`](crate::Simulator), in process or behind its socket.
//!
//! ```
//! use rotation_core::async_trait;
//! use rotation_testkit::Simulator;
//! use rotation_testkit::conformance::store::{self, StagedStore, StoreSubject};
//!
//! struct InProcess;
//!
//! #[async_trait]
//! impl StoreSubject for InProcess {
//!     async fn stage(&self) -> StagedStore {
//!         let simulator = Simulator::new();
//!         StagedStore::new(simulator.clone(), simulator.store())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let report = store::check(&InProcess).await;
//! println!("{report}");
//! report.assert_holds();
//! # }
//! ```

pub use clause::{StoreClause, check_clause};
pub use report::{StoreReport, check};
pub use subject::{StagedStore, StoreSubject};

mod bench;
mod clause;
mod report;
mod subject;
