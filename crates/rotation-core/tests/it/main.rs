//! The state machine, against the simulator.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;
mod corpus;
mod cost;
mod create;
mod edges;
mod finish;
mod races;
mod refusals;
mod regions;
mod set;
mod telemetry;
