//! The doubles in whole rotations, the contract of stores, and what gets past neither the suite nor the explorer.
//! What explores by the thousand stands in `tests/explore`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not see as such"
)]

#[cfg(feature = "server")]
#[path = "../../../rotation-lambda-host/tests/it/acting.rs"]
mod acting;
mod blind_spots;
#[cfg(feature = "server")]
mod driver;
mod odd;
mod rotations;
mod stores;
