//! What a function is started with.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::arn::is_name;
use crate::function::Function;
use crate::kill_switch::KillSwitch;
use crate::settings::Settings;

/// What a [`Function`] is started with; made by [`Function::builder`].
pub struct FunctionBuilder {
    settings: Settings,
    kill_switch: Option<Box<dyn KillSwitch>>,
}

impl Function {
    /// A function whose processes are this program, by its path or its name in `PATH`.
    pub fn builder(program: impl Into<OsString>) -> FunctionBuilder {
        FunctionBuilder {
            settings: Settings::new(program.into()),
            kill_switch: None,
        }
    }
}

impl FunctionBuilder {
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

    /// Kills every process that has an invocation (SIGKILL) when this plan of faults wants a crash: the faults of
    /// a simulator, or any [`KillSwitch`].
    ///
    /// One plan can kill one [`Function`], and only if nothing else waits for its crashes.
    #[must_use]
    pub fn faults(mut self, faults: impl KillSwitch) -> Self {
        self.kill_switch = Some(Box::new(faults));
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
        Function::start(self.settings, self.kill_switch).await
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
