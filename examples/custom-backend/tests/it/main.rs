//! The backend with the client that is deployed, over a socket; and what the manual and the README quote of it.
//! The conformance suite and the explorer are in `tests/explore`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod http;
mod manual;
mod support;
