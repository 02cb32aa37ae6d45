//! What the fuzz target `provider` was given, replayed.

#[path = "../../../../.fuzz/targets/provider.rs"]
mod provider;
#[path = "../../../../.fuzz/targets/replay.rs"]
mod replay;

#[test]
fn descriptions_of_the_corpus_pass() {
    replay::replay(env!("CARGO_MANIFEST_DIR"), "provider", provider::run);
}
