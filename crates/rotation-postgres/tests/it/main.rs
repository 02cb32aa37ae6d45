//! The backends and the migration, on a real PostgreSQL server. What takes long is in `tests/explore`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod support;

mod alternating;
mod differences;
mod failures;
mod late_retire;
mod late_set;
mod migration;
mod owner_role;
mod refusals;
mod secrecy;
mod single_user;
mod takeover;
