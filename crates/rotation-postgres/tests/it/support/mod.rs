//! A world for tests: a real server that all tests of the binary share, each with roles of its own, and a
//! simulated Secrets Manager for each test.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

mod gate;
mod servers;
mod step;
mod world;

pub(crate) use gate::{Gate, Held};
pub(crate) use servers::{
    alternating, alternating_in_clear, connections, login, proxy, rows, server, sharing, sharing_in_clear,
    single, start,
};
pub(crate) use step::{failure, retire, retire_within, test_within};
pub(crate) use world::{TIME, World, behind_a_gate, errors};
