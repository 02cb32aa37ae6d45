//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

const AFTER_HELP: &str = "\
Exit codes: 0 done, or all in order; 1 the call failed or had no answer; 2 wrong arguments; 3 somebody has to act, \
or the state of the secret does not allow it; 4 not finished within --timeout; 5 not confirmed.

Region and credentials come from the environment and the profile files, as for the AWS CLI; \
AWS_ENDPOINT_URL_SECRETS_MANAGER and AWS_ENDPOINT_URL name another endpoint. Values are never printed.";

/// Looks at the rotation of a secret in AWS Secrets Manager, and mends it.
#[derive(Debug, Parser)]
#[command(name = "rotation", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug)]
pub(crate) struct Common {
    /// Another endpoint of Secrets Manager than the Region's
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,

    /// The Region, instead of that of the environment or the profile
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,

    /// The profile in ~/.aws/config and ~/.aws/credentials
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,

    /// Text for people, or one JSON object on standard output
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,

    /// Which of this tool's backends the secret's credential belongs to, if it has several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) backend: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says what state a secret is in, and what to do next
    Status(Status),
    /// Looks for what would make a rotation fail, before the first one or in CI; changes nothing
    Check(Target),
    /// Starts a rotation
    Rotate(Rotate),
    /// Has a rotation that is not complete go on with the same version
    Resume(Resume),
    /// Gives up the version that is pending: its label is taken off, AWSCURRENT stays where it is
    Abandon(Abandon),
    /// Makes the previous version AWSCURRENT again, once it is proved to work
    Rollback(Rollback),
}

#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The secret's name or ARN
    #[arg(value_name = "SECRET")]
    pub(crate) secret: String,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Also say which credential each version holds, by its public id; reads the values, and needs a backend
    #[arg(long)]
    pub(crate) credentials: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Wait {
    /// Wait until the version is AWSCURRENT, and say how far it has come
    #[arg(long)]
    pub(crate) wait: bool,

    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) timeout: u64,
}

impl Wait {
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

#[derive(Args, Debug)]
pub(crate) struct Confirmed {
    /// Do not ask
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) wait: Wait,
    #[command(flatten)]
    pub(crate) confirmed: Confirmed,
}

#[derive(Args, Debug)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) wait: Wait,

    /// Do what is left of the rotation in this process, with this tool's backend: for a service that has given up
    #[arg(long)]
    pub(crate) here: bool,

    #[command(flatten)]
    pub(crate) confirmed: Confirmed,
}

#[derive(Args, Debug)]
pub(crate) struct Abandon {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Give up a version that holds a value without proof that AWSCURRENT works
    #[arg(long)]
    pub(crate) without_proof: bool,

    /// Turn rotation on afterwards, without rotating now, even if it was off
    #[arg(long, conflicts_with = "leave_off")]
    pub(crate) turn_on: bool,

    /// Leave rotation off afterwards, even if it was on
    #[arg(long)]
    pub(crate) leave_off: bool,

    /// How long to wait for the test that turning rotation on runs
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) timeout: u64,

    #[command(flatten)]
    pub(crate) confirmed: Confirmed,
}

#[derive(Args, Debug)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Go back without proof that the previous version works
    #[arg(long)]
    pub(crate) without_proof: bool,

    #[command(flatten)]
    pub(crate) confirmed: Confirmed,
}
