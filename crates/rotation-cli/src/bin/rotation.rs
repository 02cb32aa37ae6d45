//! The operator's tool without a backend: it knows of a secret what Secrets Manager knows.

use std::process::ExitCode;

fn main() -> ExitCode {
    rotation_cli::Cli::new().main()
}
