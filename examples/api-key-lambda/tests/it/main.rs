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
mod soak;
mod support;

// The vendors and the server that stands in for them are those of the tests of `rotation-http`.
#[allow(dead_code, unreachable_pub, reason = "the tests here use a part")]
#[path = "../../../../crates/rotation-http/tests/it/support/server.rs"]
mod server;
#[allow(dead_code, unreachable_pub, reason = "the tests here use a part")]
#[path = "../../../../crates/rotation-http/tests/it/support/shop.rs"]
mod shop;
