//! What a function is started with.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fmt, io};

use tokio::process::Command;

use super::Function;
use super::arn::is_name;
use super::output::Listener;
use crate::faults::Faults;
use crate::model::{ACCOUNT, REGION};
use crate::sync::lock;

/// What a [`Function`] is started with; made by [`Function::builder`].
pub struct FunctionBuilder {
    settings: Settings,
    faults: Option<Faults>,
}

pub(super) struct Settings {
    program: OsString,
    args: Vec<OsString>,
    env: Mutex<Vec<(OsString, OsString)>>,
    pub(super) name: String,
    pub(super) timeout: Duration,
    pub(super) announces: Option<Duration>,
    pub(super) listener: Option<Listener>,
}

impl FunctionBuilder {
    pub(super) fn new(program: OsString) -> Self {
        Self {
            settings: Settings {
                program,
                args: Vec::new(),
                env: Mutex::default(),
                name: "rotation".to_owned(),
                timeout: Duration::from_secs(30),
                announces: None,
                listener: None,
            },
            faults: None,
        }
    }

    /// An argument for the program, after those before. A deployed function has none.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.settings.args.push(arg.into());
        self
    }

    /// An environment variable, instead of Lambda's own of that name if there is one.
    ///
    /// The process inherits nothing but `PATH`. It has what Lambda sets for an OS-only runtime
    /// (the developer guide's "Defined runtime environment variables"), with credentials that are
    /// good for nothing, and without X-Ray, which would reach out of the machine.
    #[must_use]
    pub fn env(self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.settings.set_env(name.into(), value.into());
        self
    }

    /// The function's name, `rotation` if it is not set: letters, digits, `-` and `_`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// After how much real time an invocation is cut off, and the process killed. 30 seconds if it is
    /// not set, as AWS gives its own rotation functions. The start of a process has the same time
    /// again.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How much time the function is told that it has, if not the timeout; with zero its deadline
    /// has passed when it hears of it.
    #[must_use]
    pub fn announces(mut self, remaining: Duration) -> Self {
        self.settings.announces = Some(remaining);
        self
    }

    /// Hands each line that a process prints to `listener` as it comes, on a thread of its own; the line
    /// keeps its end. All of it is in [`output`](Function::output), too.
    #[must_use]
    pub fn on_output(mut self, listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.settings.listener = Some(Arc::new(listener));
        self
    }

    /// Kills every process that has an invocation (SIGKILL) when one of these faults is a crash.
    ///
    /// Each plan of faults can kill one [`Function`], and only if no
    /// [in-process driver](crate::Simulator::step) is at work with it.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Begins to listen. The first process is started by the first invocation.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): the name is none that a function can have.
    /// Any other: no socket to listen on.
    pub async fn start(self) -> io::Result<Function> {
        if !is_name(&self.settings.name) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a Lambda function's name consists of letters, digits, - and _",
            ));
        }
        Function::start(self.settings, self.faults).await
    }
}

impl fmt::Debug for FunctionBuilder {
    /// Leaves out the environment and the arguments, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionBuilder")
            .field("program", &self.settings.program)
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.name)
    }

    /// For the commands from now on.
    pub(super) fn set_env(&self, name: OsString, value: OsString) {
        lock(&self.env).push((name, value));
    }

    /// The command of a process whose Runtime API is at this address.
    pub(super) fn command(&self, runtime_api: SocketAddr) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env(
                "LAMBDA_TASK_ROOT",
                Path::new(&self.program).parent().unwrap_or(Path::new("")),
            )
            .envs(self.lambda_env(runtime_api))
            .envs(lock(&self.env).iter().map(|(name, value)| (name, value)));
        command
    }

    fn lambda_env(&self, runtime_api: SocketAddr) -> [(&'static str, String); 15] {
        let fixed = str::to_owned;
        let name = &self.name;
        [
            ("_HANDLER", fixed("bootstrap")),
            ("AWS_ACCESS_KEY_ID", fixed(Function::ACCESS_KEY_ID)),
            ("AWS_SECRET_ACCESS_KEY", fixed("secret-key-of-no-use")),
            ("AWS_SESSION_TOKEN", fixed("session-token-of-no-use")),
            ("AWS_REGION", fixed(REGION)),
            ("AWS_DEFAULT_REGION", fixed(REGION)),
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", fixed("$LATEST")),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", fixed("128")),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", fixed("on-demand")),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            (
                "AWS_LAMBDA_LOG_STREAM_NAME",
                format!("2026/01/01/[$LATEST]{:032x}", runtime_api.port()),
            ),
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
            ("LANG", fixed("en_US.UTF-8")),
            ("TZ", fixed(":UTC")),
        ]
    }
}
