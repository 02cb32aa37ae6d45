//! The two programs of this example, built, on a real PostgreSQL server.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod support;

mod killed;
mod migrate;
mod rotation;
