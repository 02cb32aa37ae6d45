//! The suite and the explorer on the reference backends, and on those that are broken on purpose. It takes minutes
//! of CPU: `cargo test -p rotation-testkit --config .cargo/explore.toml --test explore --all-features`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not see as such"
)]

mod broken_core;
mod conformance;
mod flawed;
mod mutated;
mod mutations;
#[path = "../it/odd.rs"]
#[allow(dead_code, reason = "a part of it is for the other tests")]
mod odd;
mod pair;
mod panics;
mod references;
mod subjects;
