//! What this machine has for a server: an account, a folder, a port, a version.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::{PostgresError, io_error};

/// PostgreSQL refuses to run as root: another account of this machine, if that is who we are.
pub(super) fn account() -> Result<Option<(u32, u32)>, PostgresError> {
    let id = Command::new("id").arg("-u").output().map_err(io_error("id"))?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(io_error("/etc/passwd"))?;
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let found = fields.next() == Some(name);
            let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            found.then_some((user, group))
        })
    };
    match find("postgres").or_else(|| find("nobody")) {
        Some(account) => Ok(Some(account)),
        None => Err(PostgresError::NotStarted(
            "PostgreSQL does not run as root, and there is neither a user postgres nor nobody".to_owned(),
        )),
    }
}

pub(super) fn folder(account: Option<(u32, u32)>) -> Result<PathBuf, PostgresError> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("rotation-postgres-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    // Left by a process of the same id that had no time to tidy up.
    _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).map_err(io_error(format!("{}", folder.display())))?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(io_error("the folder"))?;
    if let Some((user, group)) = account {
        chown(&folder, Some(user), Some(group)).map_err(io_error("the folder"))?;
    }
    Ok(folder)
}

pub(super) fn free_port() -> Result<u16, PostgresError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io_error("a free port"))?;
    let address = listener.local_addr().map_err(io_error("a free port"))?;
    Ok(address.port())
}

/// Of `postgres (PostgreSQL) 15.18 (Debian …)`.
pub(super) fn major(bin: &Path) -> Result<u32, PostgresError> {
    let output = Command::new(bin.join("postgres")).arg("--version").output();
    let output = output.map_err(io_error("postgres --version"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let digits = |word: &str| {
        word.split(|c: char| !c.is_ascii_digit())
            .next()
            .map(str::to_owned)
    };
    let version = text.split_whitespace().nth(2).and_then(digits);
    version
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| PostgresError::NotStarted(format!("its version is not understood: {text}")))
}
