//! The store over the real SDK: against canned answers, and against the simulator on a socket.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod conformance;
mod mapping;
mod socket;
