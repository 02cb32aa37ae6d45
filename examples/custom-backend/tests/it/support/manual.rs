//! The manual's page on this example, to hold against what is true.

/// `docs/writing-a-backend.md`.
pub(crate) fn page() -> String {
    read("docs/writing-a-backend.md")
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The page has this text as it is printed.
pub(crate) fn has(text: &str) {
    let lines: Vec<_> = text.trim_matches('\n').lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    println!("{text}\n\u{1}");
    assert!(
        page().contains(&text),
        "docs/writing-a-backend.md does not have this:\n{text}"
    );
}
