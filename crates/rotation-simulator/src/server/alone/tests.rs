//! What the fuzz target `wire` was given, replayed.

#[path = "../../../../../.fuzz/targets/replay.rs"]
mod replay;
#[path = "../../../../../.fuzz/targets/wire.rs"]
mod target;

#[test]
fn requests_of_the_corpus_pass() {
    replay::replay(env!("CARGO_MANIFEST_DIR"), "wire", target::run);
}
