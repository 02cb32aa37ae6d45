//! The host, with the test binary itself as the function.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests, which clippy does not see as such"
)]

mod acting;
mod bench;
mod function;
