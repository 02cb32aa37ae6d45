//! The entry point over a real rotator: what the handler answers, where the router sends a secret.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test")]

mod error;
mod handler;
mod router;
