//! A page of the manual whose blocks of output are made by a test.

use std::fmt::Write as _;
use std::path::PathBuf;

/// The variable that has the tests write the pages anew instead of comparing them.
const UPDATE: &str = "UPDATE_DOCS";

fn path(page: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(page)
}

/// The page's text.
pub(crate) fn read(page: &str) -> String {
    std::fs::read_to_string(path(page)).unwrap()
}

/// The blocks of commands that a test runs, by name: `<!-- run: NAME -->`, then an `sh` block.
pub(crate) fn runs(text: &str) -> Vec<(&str, &str)> {
    marked(text, "run", "sh")
}

/// Compares the page with what `made` says its blocks are: `<!-- output: NAME -->`, then a fenced block.
/// With `UPDATE_DOCS=1` in the environment the page is written instead.
pub(crate) fn compare(page: &str, made: &[(&str, String)]) {
    let text = read(page);
    let names: Vec<&str> = blocks(&text).into_iter().map(|(name, _)| name).collect();
    let expected: Vec<&str> = made.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected, "the outputs that {page} quotes, in order");
    let anew = rewritten(&text, made);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path(page), anew).unwrap();
        return;
    }
    for ((name, quoted), (_, made)) in blocks(&text).into_iter().zip(made) {
        assert_eq!(
            quoted,
            made.trim_end(),
            "docs/{page} quotes another output as {name}; after a look, write it anew: \
             UPDATE_DOCS=1 cargo test -p rotation-cli"
        );
    }
}

fn blocks(text: &str) -> Vec<(&str, &str)> {
    marked(text, "output", "console")
}

/// The name and the content of each block that is marked so, in order.
fn marked<'a>(text: &'a str, mark: &str, language: &str) -> Vec<(&'a str, &'a str)> {
    let (mark, fence) = (format!("<!-- {mark}: "), format!(" -->\n```{language}\n"));
    let parts = text.split(mark.as_str()).skip(1);
    parts
        .map(|part| {
            let (name, rest) = part.split_once(fence.as_str()).unwrap();
            (name, rest.split_once("\n```").unwrap().0)
        })
        .collect()
}

fn rewritten(text: &str, made: &[(&str, String)]) -> String {
    let mut parts = text.split("<!-- output: ");
    let mut anew = parts.next().unwrap_or_default().to_owned();
    for (part, (name, made)) in parts.zip(made) {
        let (_, rest) = part.split_once("\n```console\n").unwrap();
        let (_, rest) = rest.split_once("\n```").unwrap();
        write!(
            anew,
            "<!-- output: {name} -->\n```console\n{}\n```{rest}",
            made.trim_end()
        )
        .unwrap();
    }
    anew
}
