//! Three rotations of an API key in one process, for a person to watch: `cargo run -p quickstart`.
//!
//! A real HTTP key provider listens on loopback; Secrets Manager is simulated. In the second
//! rotation the function dies between "the provider made the key" and "the value is stored".

mod breakage;
mod report;
mod scenario;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use report::Paper;

const HELP: &str = "\
Three rotations of an API key in one process, with a crash at the worst moment of the second.

Usage: cargo run -p quickstart [-- --break=reconcile]

  --break=reconcile   rotate with a backend that does not look for orphans: see the key that is lost
  --help              print this

Exit code: 0 if the promise held, 1 if it did not, 2 if it could not be tried.
";

enum Command {
    Run { reconcile: bool },
    Help,
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut command = Command::Run { reconcile: true };
    for argument in arguments {
        command = match argument.as_str() {
            "--break=reconcile" => Command::Run { reconcile: false },
            "--help" | "-h" => Command::Help,
            _ => {
                return Err(format!(
                    "unknown argument {argument:?}; the only one is --break=reconcile\n\n{HELP}"
                ));
            }
        };
    }
    Ok(command)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut paper = Paper::new(stdout.lock(), colour);
    let outcome = match parse(std::env::args().skip(1)) {
        Ok(Command::Help) => paper.line(HELP.trim_end()).map(|()| true),
        Ok(Command::Run { reconcile }) => scenario::run(&mut paper, reconcile).await,
        Err(usage) => Err(io::Error::other(usage)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // A reader that went away, as in `quickstart | head`, is no failure worth a word.
            if error.kind() != io::ErrorKind::BrokenPipe {
                _ = io::Write::write_all(&mut io::stderr(), format!("{error}\n").as_bytes());
            }
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(reconcile: bool) -> (bool, String) {
        let mut text = Vec::new();
        let held = scenario::run(&mut Paper::new(&mut text, false), reconcile)
            .await
            .unwrap();
        (held, String::from_utf8(text).unwrap())
    }

    #[tokio::test]
    async fn the_promise_holds_through_the_crash() {
        let (held, text) = run(true).await;
        assert!(held, "{text}");
        for part in [
            "died between \"the provider made the key\" and \"the value is stored\"",
            "key-3 (nobody knows of it)",
            "at the provider: revoked key-3, made key-4",
            "worked, 13 of 13 times",
            "key-3, made by the try that died, was found by its label and revoked",
            "The promise held.",
        ] {
            assert!(text.contains(part), "{part:?} is missing from\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "colour only on a terminal");
    }

    #[tokio::test]
    async fn without_the_look_for_orphans_one_is_left_and_named() {
        let (held, text) = run(false).await;
        assert!(!held, "{text}");
        assert!(text.contains("key-3 is alive, and no version holds it"), "{text}");
    }

    #[test]
    fn an_unknown_argument_is_refused() {
        for argument in ["--break", "--break=all", "reconcile"] {
            assert!(parse([argument.to_owned()].into_iter()).is_err());
        }
        assert!(matches!(parse(["-h".to_owned()].into_iter()), Ok(Command::Help)));
    }
}
