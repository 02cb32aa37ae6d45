//! The built function under a Lambda Runtime API, with everything that it talks to on loopback.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod description;
mod failures;
mod rotation;
mod support;

/// Shared with `rotation-http`'s own tests: the vendors, and a server that stands in for them.
#[path = "../../../../crates/rotation-http/tests/it/support/server.rs"]
mod server;
#[path = "../../../../crates/rotation-http/tests/it/support/shop.rs"]
mod shop;
