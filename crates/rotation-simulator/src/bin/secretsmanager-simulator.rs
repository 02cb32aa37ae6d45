//! Secrets Manager on this machine, for rotation functions under development.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use rotation_lambda_host::Function;
use rotation_simulator::server::{Seed, SimulatorServer};
use rotation_simulator::{Simulator, TravelClock};

const AFTER_HELP: &str = r#"Example:
  secretsmanager-simulator --seed seed.json
  export AWS_ENDPOINT_URL_SECRETS_MANAGER=http://127.0.0.1:4580
  export AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any

  aws secretsmanager create-secret --name crm --secret-string '{"api_key": "first"}'
  aws secretsmanager rotate-secret --secret-id crm \
      --rotation-lambda-arn arn:aws:lambda:eu-west-1:111122223333:function:rotate-crm
  aws secretsmanager describe-secret --secret-id crm

  python3 -c 'import boto3; print(boto3.client("secretsmanager").list_secrets()["SecretList"])'
  curl http://127.0.0.1:4580/_simulator/events      # what CloudTrail would have

Have it run the function, too:
  secretsmanager-simulator --seed seed.json --function target/debug/rotate-crm --function-env ADMIN_TOKEN=any
or run the function beside it, with the same variables: `cargo lambda watch`, or any Lambda emulator with an
invoke URL.

Seed file; all but the name may be left out:
  {"secrets": [{"name": "crm", "value": {"api_key": "first"}, "description": "key of the CRM",
    "tags": {"team": "sales"},
    "rotation_lambda_arn": "arn:aws:lambda:eu-west-1:111122223333:function:rotate-crm"}]}
A value is a text or an object; "binary" in its place is base64.

It keeps everything in memory, speaks plain HTTP and checks no signature: for tests only."#;

/// AWS Secrets Manager on this machine: versions, labels and rotations as the service has them, for
/// any AWS SDK and the AWS CLI.
#[derive(Parser)]
#[command(name = "secretsmanager-simulator", version, after_help = AFTER_HELP)]
struct Arguments {
    /// Where to listen; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4580")]
    address: SocketAddr,

    /// Secrets to begin with, a JSON file
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,

    /// Where rotation functions are invoked; {function} is the name in the secret's rotation ARN
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9000/2015-03-31/functions/{function}/invocations"
    )]
    invoke_url: String,

    /// A built function to run, as Lambda does; its ARN is
    /// arn:aws:lambda:eu-west-1:111122223333:function: and the program's name
    #[arg(long, value_name = "PROGRAM", conflicts_with = "invoke_url")]
    function: Option<PathBuf>,

    /// A variable for that function; it inherits none but PATH, and gets the simulator's address by itself
    #[arg(long, value_name = "NAME=VALUE", requires = "function")]
    function_env: Vec<String>,

    /// The access key id that the rotation function signs with, to tell its calls from all others.
    /// Without it, a write that names the version of the rotation under way is the function's
    #[arg(long, value_name = "ID")]
    function_access_key: Option<String>,

    /// How long an invocation may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    function_timeout: u64,

    /// How long after a failed step the whole rotation is replayed; AWS does not publish its own
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    replay_after: u64,

    /// How many replays follow the first try
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    replays: u32,

    /// Do not say what happens to which label, nor what the function prints
    #[arg(long)]
    quiet: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            _ = writeln!(io::stderr(), "secretsmanager-simulator: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let simulator = Simulator::with_clock(TravelClock::new());
    simulator.configure(|options| {
        options.replay_interval = Duration::from_secs(arguments.replay_after);
        options.replays = arguments.replays;
    });
    if let Some(file) = &arguments.seed {
        plant(file, &simulator).map_err(|problem| format!("{}: {problem}", file.display()))?;
    }
    if !arguments.quiet {
        simulator.observe(|activity| say(activity));
    }
    let function = match &arguments.function {
        Some(program) => Some(host(program, &arguments).await?),
        None => None,
    };
    let invoke_url = function.as_ref().map(Function::invoke_url);
    let mut builder = SimulatorServer::builder(simulator)
        .address(arguments.address)
        .invoke_url(invoke_url.unwrap_or(arguments.invoke_url))
        .function_timeout(Duration::from_secs(arguments.function_timeout));
    let hosted = function.as_ref().map(|_| Function::ACCESS_KEY_ID.to_owned());
    if let Some(key) = arguments.function_access_key.or(hosted) {
        builder = builder.function_access_key(key);
    }
    let server = builder.start().await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => error.to_string(),
        _ => format!("cannot listen on {}: {error}", arguments.address),
    })?;
    if let Some(function) = &function {
        function.set_env("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.endpoint_url());
    }
    say(format_args!(
        "Secrets Manager is at {url}\n\n  export AWS_ENDPOINT_URL_SECRETS_MANAGER={url}\n  export \
         AWS_DEFAULT_REGION=eu-west-1\n\nAny credentials will do. Ctrl-C stops it.\n",
        url = server.endpoint_url()
    ));
    stopped()
        .await
        .map_err(|error| format!("cannot wait for Ctrl-C: {error}"))
}

/// The function that is to be run here. Its lines go where ours go.
async fn host(program: &Path, arguments: &Arguments) -> Result<Function, String> {
    let problem = |text: &str| format!("--function {}: {text}", program.display());
    if !program.is_file() {
        return Err(problem("no such file; build the function first"));
    }
    let name = program.file_stem().and_then(|name| name.to_str());
    let mut builder = Function::builder(program)
        .name(name.unwrap_or_default())
        .timeout(Duration::from_secs(arguments.function_timeout));
    for variable in &arguments.function_env {
        // What is wrong with it is not quoted: it may be a secret.
        let (name, value) = variable
            .split_once('=')
            .ok_or("--function-env is NAME=VALUE, and one of them has no =")?;
        builder = builder.env(name, value);
    }
    if !arguments.quiet {
        builder = builder.on_output(|line| say(line.trim_end_matches('\n')));
    }
    builder.start().await.map_err(|error| problem(&error.to_string()))
}

fn plant(file: &Path, simulator: &Simulator) -> Result<(), String> {
    let json = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let seed = Seed::parse(&json).map_err(|error| error.to_string())?;
    seed.plant(simulator).map_err(|error| error.to_string())
}

/// One line or more on standard output, whoever still reads it.
fn say(text: impl fmt::Display) {
    let mut output = io::stdout().lock();
    _ = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// Until somebody wants it to stop.
#[cfg(unix)]
async fn stopped() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped,
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stopped() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
