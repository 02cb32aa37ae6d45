//! Where a PostgreSQL server may be installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::PostgresError;

/// Names the folder of `postgres` and `initdb` to use.
const BIN: &str = "ROTATION_POSTGRES_BIN";

/// Where packages put each major version in a folder of its own.
const BY_MAJOR: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr", "bin"), // pgsql-17, as PostgreSQL's own RPMs have it
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
];

/// The folder of the newest server that is installed.
pub(super) fn bin_dir() -> Result<PathBuf, PostgresError> {
    if let Some(named) = env::var_os(BIN).filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        return match is_server(&named) {
            true => Ok(named),
            false => Err(PostgresError::NoServerIn(named)),
        };
    }
    let mut found: Vec<(u32, PathBuf)> = BY_MAJOR
        .iter()
        .flat_map(|(parent, bin)| by_major(Path::new(parent), bin))
        .collect();
    found.sort();
    let on_path = || env::split_paths(&env::var_os("PATH").unwrap_or_default()).find(|dir| is_server(dir));
    let newest = found.pop().map(|(_, bin)| bin);
    newest.or_else(on_path).ok_or(PostgresError::NotFound)
}

fn by_major(parent: &Path, bin: &str) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let server = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let major = ["postgresql@", "pgsql-", ""]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix)?.parse().ok())?;
        let bin = entry.path().join(bin);
        is_server(&bin).then_some((major, bin))
    };
    entries.flatten().filter_map(server).collect()
}

fn is_server(bin: &Path) -> bool {
    bin.join("postgres").is_file() && bin.join("initdb").is_file()
}
