//! The simulator's socket, as a client of the raw protocol sees it.

#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as such"
)]

mod actions;
mod callers;
mod client;
mod events;
mod faults;
mod refusals;
mod rotation;
mod seed;
