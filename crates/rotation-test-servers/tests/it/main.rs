//! The servers through their doors.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as such"
)]

#[cfg(feature = "http")]
mod http;
