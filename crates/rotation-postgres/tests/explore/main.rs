//! Many rotations on a real PostgreSQL server: the conformance suite, a crash at each message, histories, and an
//! application that never stops.
//! `cargo test` leaves them out; run them with
//! `cargo test -p rotation-postgres --config .cargo/explore.toml --test explore`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

#[path = "../it/support/mod.rs"]
mod support;

mod conformance;
mod crashes;
mod histories;
mod subject;
mod uptime;
