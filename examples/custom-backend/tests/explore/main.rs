//! The contract and the promise of the backend: the conformance suite and the explorer.
//!
//! Both disturb rotations by the thousand. So this is a test binary of its own, and settings of its own
//! optimise it:
//!
//! ```sh
//! cargo test -p custom-backend --config .cargo/explore.toml --test explore
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
