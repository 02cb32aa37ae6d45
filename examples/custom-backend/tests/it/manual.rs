//! What `docs/writing-a-backend.md` and the project's README quote stands in the example.

use crate::support::manual;

/// Lines without what indents them and ends them.
fn lines(text: &str) -> String {
    let trimmed: Vec<_> = text.lines().map(str::trim).collect();
    trimmed.join("\n")
}

#[test]
fn every_quote_stands_in_its_file() {
    let page = manual::page();
    assert_eq!(
        page.matches("```rust").count(),
        page.matches("-->\n```rust\n").count(),
        "a block without its file"
    );
    let mut quotes = 0;
    for (before, rest) in page
        .match_indices(" -->\n```rust\n")
        .map(|(at, mark)| (&page[..at], &page[at + mark.len()..]))
    {
        let (_, path) = before.rsplit_once("<!-- ").unwrap();
        let (quote, _) = rest.split_once("```").unwrap();
        let file = lines(&manual::read(path));
        assert!(
            file.contains(lines(quote).trim()),
            "{path} does not have this:\n{quote}"
        );
        quotes += 1;
    }
    assert!(quotes > 5);
}

#[test]
fn the_readme_has_this_backend() {
    assert!(manual::read("README.md").contains(include_str!("support/readme/backend.rs").trim()));
}
