//! The tests of this crate that take seconds. Those that explore histories are in `tests/explore`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod admin;
#[cfg(feature = "oauth2")]
mod corpus;
mod description;
#[cfg(feature = "oauth2")]
mod hostile;
mod lacking;
mod limits;
mod loopback;
mod misdescribed;
#[cfg(feature = "oauth2")]
mod oauth2;
mod overlap;
mod pages;
mod reconcile;
mod retries;
mod rotation;
mod safety;
mod support;
mod transport;
mod uploading;
#[cfg(feature = "oauth2")]
mod vendors;
