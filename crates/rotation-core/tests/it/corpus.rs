//! What the fuzz targets `event` and `document` were given, replayed.

#[path = "../../../../.fuzz/targets/document.rs"]
mod document;
#[path = "../../../../.fuzz/targets/event.rs"]
mod event;
#[path = "../../../../.fuzz/targets/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn events_of_the_corpus_pass() {
    replay(env!("CARGO_MANIFEST_DIR"), "event", event::run);
}

#[test]
fn documents_of_the_corpus_pass() {
    replay(env!("CARGO_MANIFEST_DIR"), "document", document::run);
}
