//! Gives a pair of alternating users a shared owner role: prints the plan, and runs it with `--apply`.
//!
//! `cargo run -p postgres-lambda --bin postgres-migrate -- SECRET OWNER_ROLE [--apply]`

use std::io::{self, Write};
use std::process::ExitCode;

use postgres_lambda::{connections, environment, superuser_hosts};
use rotation_lambda::{Error, SecretsManagerStore};
use rotation_postgres::Migration;

const HELP: &str = "\
Gives the two users of a secret that alternates a shared owner role.

Usage: postgres-migrate SECRET OWNER_ROLE [--apply]

  SECRET       name or ARN of the secret
  OWNER_ROLE   the role that will own what both users own; created if it does not exist
  --apply      run the plan after printing it; without it nothing is changed

Reads AWS_REGION and credentials from the environment, and POSTGRES_CA_BUNDLE, ALLOW_PLAINTEXT and
ALLOW_SUPERUSER_WITHOUT_HOST as the function does.
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [secret, owner] if !owner.starts_with("--") => migrate(secret, owner, false).await,
        [secret, owner, "--apply"] => migrate(secret, owner, true).await,
        ["--help" | "-h"] => io::stdout().write_all(HELP.as_bytes()).map_err(Error::from),
        _ => Err(Error::new(HELP)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn migrate(secret: &str, owner: &str, apply: bool) -> Result<(), Error> {
    let store = SecretsManagerStore::new(rotation_lambda::client().await?);
    let migration =
        Migration::new(connections(environment)?, owner).with_superuser_at(superuser_hosts(environment)?);
    let plan = migration.plan(&store, secret).await?;
    write!(io::stdout(), "{plan}")?;
    if apply {
        migration.apply(&store, secret, &plan).await?;
        writeln!(
            io::stdout(),
            "-- done; now set OWNER_ROLE={owner} in the function"
        )?;
    } else if !plan.steps().is_empty() {
        writeln!(io::stdout(), "-- nothing was changed; run it with --apply")?;
    }
    Ok(())
}
