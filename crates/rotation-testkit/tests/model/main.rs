//! Each modelled behaviour of the service, with the codes of its refusals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as such"
)]

mod access;
mod activity;
mod endings;
mod labels;
mod list;
mod manage;
mod password;
mod rotations;
mod update;
mod values;
mod world;
