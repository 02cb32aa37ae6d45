//! The contract and the promise of the backend: the conformance suite and the explorer.
//!
//! Both disturb rotations by the thousand. So this is a test binary of its own, and a profile of its own
//! optimises it:
//!
//! ```sh
//! cargo test -p custom-backend --profile explore --test explore
//! ```
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod broken;
mod conformance;
mod histories;
mod readme;
#[path = "../it/support/mod.rs"]
mod support;
