//! The cache and the pool: with paused time, on a real PostgreSQL server, and over the real SDK.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod cache;
mod pool;
mod service;
mod support;
