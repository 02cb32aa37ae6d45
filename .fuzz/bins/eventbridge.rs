#![no_main]

// The file itself: its package would bring the AWS SDK, built for fuzzing.
#[path = "../../examples/cache-invalidator/src/event.rs"]
mod event;
#[path = "../targets/eventbridge.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
