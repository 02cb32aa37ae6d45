//! What is wrong with a document that is no description, without quoting it.

use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::error::ProviderError;

/// Names the field. Of serde's message only what it took from the description's types is kept: the rest
/// may quote a value.
pub(super) fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> ProviderError {
    let cause = error.inner();
    let message = cause.to_string();
    // What is expected is the end of the message: a value that holds the same words stands before it.
    let expected = message.rsplit_once(", expected ");
    let problem = match (cause.classify(), expected) {
        // About the form of the text, and of serde_json's own words.
        (Category::Syntax | Category::Eof | Category::Io, _) => message,
        (Category::Data, Some((what, expected))) if what.starts_with("unknown field `") => {
            format!("is no field; there are {expected}")
        }
        (Category::Data, Some((_, expected))) => format!("is not {expected}"),
        // These two quote the names of the description's own fields.
        (Category::Data, None) if is_of_types(&message) => message,
        (Category::Data, None) => {
            let (line, column) = (cause.line(), cause.column());
            format!("cannot be read at line {line} column {column}")
        }
    };
    ProviderError::new(part(error.path()), format!("{problem}; correct it"))
}

fn is_of_types(message: &str) -> bool {
    ["missing field `", "duplicate field `"]
        .iter()
        .any(|start| message.starts_with(start))
}

/// The path of the part: `create.expect[1]`.
fn part(path: &serde_path_to_error::Path) -> String {
    let mut shown = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => {
                shown.push_str(&format!("[{index}]"));
                continue;
            }
            Segment::Map { key: name } | Segment::Enum { variant: name } => name,
            // What could not be read.
            Segment::Unknown => continue,
        };
        if !shown.is_empty() {
            shown.push('.');
        }
        shown.push_str(if is_plain(name) { name } else { "?" });
    }
    match shown.as_str() {
        "" => "description".to_owned(),
        _ => shown,
    }
}

/// Whether it looks like the name of a field or a header, and not like a value that strayed.
fn is_plain(name: &str) -> bool {
    const LONGEST: usize = 40;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(is_word)
}
