//! What the fuzz target `eventbridge` was given, replayed.

#[path = "../../../.fuzz/targets/replay.rs"]
mod replay;
#[path = "../../../.fuzz/targets/eventbridge.rs"]
mod target;

#[test]
fn events_of_the_corpus_pass() {
    replay::replay(env!("CARGO_MANIFEST_DIR"), "eventbridge", target::run);
}
