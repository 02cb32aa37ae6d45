//! The templates beside this package, read as text: that they grant what the code calls, that their rules fire,
//! that what has to come first does. What Terraform itself makes of them is looked at by `.ci/templates`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod alarms;
mod cloudformation;
mod patterns;
mod rights;
mod shape;
mod terraform;

/// A path inside this package.
fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
