//! The tests that explore histories: many faults, at every effect. They need an optimised build, so plain
//! `cargo test` leaves them out:
//!
//! ```sh
//! cargo test -p rotation-http --config .cargo/explore.toml --test explore --all-features
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod conformance;
mod crashes;
mod explorer;
mod history;
mod lacking_crashes;
mod subject;
#[path = "../it/support/mod.rs"]
mod support;
