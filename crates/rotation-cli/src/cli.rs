//! From the command line to the exit code.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use clap::Parser;
use rotation_core::{Clock, CredentialBackend, OsRandom, RandomSource, TokioClock};

use crate::args::{Arguments, Common, Output};
use crate::backend::{Backend, Shared};
use crate::console::Console;
use crate::error::{Error, Exit};
use crate::place::Place;
use crate::service::Service;
use crate::session::Session;
use crate::{aws, commands};

/// The tool, with the backends that it can prove credentials with.
///
/// Without a backend, as the binary `rotation` is, it knows of a secret what Secrets Manager knows.
/// With one it also knows whether a credential works: `check` and `rollback` prove it, `status
/// --credentials` says which version holds which, and `resume --here` does what is left of a rotation.
pub struct Cli {
    backends: Vec<(&'static str, Box<dyn Backend>)>,
    client: Option<Client>,
    clock: Option<Arc<dyn Clock>>,
    random: Arc<dyn RandomSource>,
}

impl Cli {
    /// The tool without a backend.
    #[must_use]
    pub fn new() -> Self {
        Self {
            backends: Vec::new(),
            client: None,
            clock: None,
            random: Arc::new(OsRandom),
        }
    }

    /// With this backend, under the name of its [profile](CredentialBackend::profile). Where a tool
    /// has several, `--backend` says which one a secret belongs to.
    #[must_use]
    pub fn backend(mut self, backend: impl CredentialBackend) -> Self {
        let name = backend.profile().name();
        self.backends.push((name, Box::new(Shared::new(backend))));
        self
    }

    /// With this client, instead of one from the environment, the profile files and the options
    /// `--endpoint-url`, `--region` and `--profile`, which are then ignored.
    #[must_use]
    pub fn with_client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// With another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// With another random source for tokens than the operating system's.
    #[must_use]
    pub fn with_random(mut self, random: impl RandomSource) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Does what this process's arguments say, on its standard streams. Questions are asked only where
    /// standard input is a terminal.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let (mut out, mut err) = (io::stdout(), io::stderr());
        let mut input = io::BufReader::new(io::stdin());
        let mut console = Console::new(&mut out, &mut err);
        if io::stdin().is_terminal() {
            console = console.answered_by(&mut input);
        }
        match runtime {
            Ok(runtime) => runtime
                .block_on(self.run(std::env::args_os(), &mut console))
                .into(),
            Err(error) => {
                console.say(format_args!("rotation: no runtime: {error}"));
                Exit::Failed.into()
            }
        }
    }

    /// Does what these arguments say, the first of which is the program's name, on this console.
    pub async fn run<I, T>(&self, arguments: I, console: &mut Console<'_>) -> Exit
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let arguments = match Arguments::try_parse_from(arguments) {
            Ok(arguments) => arguments,
            Err(error) => return usage(&error, console),
        };
        let output = arguments.common.output;
        match self.command(arguments, console).await {
            Ok(exit) => exit,
            Err(error) => {
                if output == Output::Json {
                    _ = console.result(error.to_json());
                }
                console.say(format_args!("rotation: {error}"));
                error.exit()
            }
        }
    }

    async fn command(&self, arguments: Arguments, console: &mut Console<'_>) -> Result<Exit, Error> {
        let backend = self.choose(&arguments.common)?;
        let client = match &self.client {
            Some(client) => client.clone(),
            None => aws::client(&arguments.common).await?,
        };
        let clock = self.clock.clone().unwrap_or_else(|| Arc::new(TokioClock::new()));
        let output = arguments.common.output;
        let service = Service::new(client, Place::of(&arguments.common));
        let random = self.random.as_ref();
        let mut session = Session::new(service, backend, clock, random, console, output);
        commands::run(&mut session, arguments.command).await
    }

    /// The backend that was named, or the only one.
    fn choose(&self, common: &Common) -> Result<Option<&dyn Backend>, Error> {
        let names = || {
            let names: Vec<&str> = self.backends.iter().map(|(name, _)| *name).collect();
            names.join(", ")
        };
        match (&common.backend, self.backends.as_slice()) {
            (None, []) => Ok(None),
            (None, [(_, only)]) => Ok(Some(only.as_ref())),
            (None, _) => Err(Error::Configuration(format!(
                "this tool has several backends; say which by --backend: {}",
                names()
            ))),
            (Some(name), backends) => match backends.iter().find(|(it, _)| it == name) {
                Some((_, backend)) => Ok(Some(backend.as_ref())),
                None if backends.is_empty() => Err(Error::Configuration(
                    "--backend: this tool has no backends; a team makes one of its own with rotation_cli::Cli".to_owned(),
                )),
                None => Err(Error::Configuration(format!("--backend is one of {}", names()))),
            },
        }
    }
}

impl Default for Cli {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.backends.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

/// Help and the version are asked for; all else is an error.
fn usage(error: &clap::Error, console: &mut Console<'_>) -> Exit {
    let text = error.render();
    if error.use_stderr() {
        console.say(text);
        return Exit::Usage;
    }
    match console.result(text) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}
