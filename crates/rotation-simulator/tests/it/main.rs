//! The simulator through its doors.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not see as such"
)]

#[cfg(feature = "server")]
#[path = "../../../rotation-lambda-host/tests/it/acting.rs"]
mod acting;
#[cfg(feature = "server")]
mod client;
mod faults;
#[cfg(feature = "server")]
mod killed;
#[cfg(feature = "server")]
mod program;
#[cfg(feature = "server")]
mod server_protocol;
