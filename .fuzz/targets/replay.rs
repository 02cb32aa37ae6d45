//! Replays a corpus as a plain test.

use std::fs;
use std::path::Path;

/// Runs the target on every file of `.fuzz/corpus/NAME`. `package` is a package's folder.
#[allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]
pub(crate) fn replay(package: &str, name: &str, run: impl Fn(&[u8])) {
    let corpus = Path::new(package).join("../../.fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", corpus.display());
    for file in files {
        // Shown if the test fails: the last one is the one that fails it.
        println!("{}", file.display());
        run(&fs::read(file).unwrap());
    }
}
