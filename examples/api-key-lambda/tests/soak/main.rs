//! Thousands of rotations, to see what does not show in a few: what grows, and what two functions do to each other.
//! Run it with `--nocapture` to watch. The tests are done one after the other, since one counts the descriptors of
//! this process.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod client;
mod clients;
mod many;
mod measure;
mod overlap;
mod rounds;
mod warm;

/// Held by the test that runs.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
