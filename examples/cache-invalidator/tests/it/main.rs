//! From a rotation to what the application does next, with the built function between them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod chain;
mod pool;
mod support;
