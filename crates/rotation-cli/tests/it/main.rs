//! The operator's tool against the simulator's socket.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod binary;
mod changes;
mod leftovers;
mod looks;
mod meanwhile;
mod runbook;
mod support;
mod transcripts;
