#![no_main]

// The target finds it here as in the crate itself.
use rotation_testkit::{Simulator, server};

#[path = "../targets/wire.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
