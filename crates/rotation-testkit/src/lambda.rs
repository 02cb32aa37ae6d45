//! A host for a built Lambda function: starts the binary as a child process, and drives it as Lambda
//! does.
//!
//! ```no_run
//! use rotation_testkit::lambda::Function;
//! use serde_json::json;
//!
//! # async fn example() -> std::io::Result<()> {
//! let function = Function::builder("target/debug/api-key-rotator")
//!     .env("RUST_LOG", "trace")
//!     .start()
//!     .await?;
//! let invoked = function.invoke(&json!({"Step": "createSecret"})).await;
//! assert!(invoked.failed, "the event has no SecretId");
//! println!("{}\n{}", invoked.payload, function.output());
//! # Ok(())
//! # }
//! ```
//!
//! # What it does as Lambda
//!
//! Any runtime client can be driven: a binary made with `lambda_runtime`, or a Python function under
//! `awslambdaric`.
//!
//! | Behaviour | Source | How sure |
//! |---|---|---|
//! | The paths, headers and statuses of the Runtime API 2018-06-01 | developer guide: Using the Lambda runtime API for custom runtimes | documented |
//! | The environment variables of an OS-only runtime | developer guide: Defined runtime environment variables | documented |
//! | A process has one invocation at a time; the next one at the same time gets another process | developer guide: Understanding Lambda function scaling | documented |
//! | The invocation is over when the runtime client asks for the next event | developer guide: Lambda execution environment | documented |
//! | A process that ended: `Runtime.ExitError`, "RequestId: … Error: Runtime exited with error: signal: killed"; the next invocation starts another | errors that functions were answered with | observed |
//! | One that does not answer in time is killed: `Sandbox.Timedout`, "RequestId: … Error: Task timed out after 3.00 seconds" | the same | observed |
//! | An error of the start is the answer of the first invocation | OpenAPI document of the Runtime API | documented |
//! | A function error is status 200 with `X-Amz-Function-Error: Unhandled` | API reference: Invoke | documented |
//!
//! Not done: a second try of a start that failed, freezing between invocations, asynchronous
//! invocations, response streaming, limits of size and memory, extensions, log lines of Lambda's
//! own. At most ten processes run at once; one invocation more is throttled.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::faults::Faults;
use crate::listen::Listening;

use builder::Settings;
use loopback::serve;
use pool::Pool;

pub(crate) use arn::function_name;
pub use builder::FunctionBuilder;
pub use outcome::Invoked;

mod arn;
mod builder;
mod environment;
mod invoke_api;
pub(crate) mod loopback;
mod outcome;
mod output;
mod pool;
mod process;
mod runtime_api;

/// A Lambda function that runs on this machine, with its invoke API on a free port of 127.0.0.1.
///
/// When it is dropped all its processes are killed. It needs the tokio runtime that it was started
/// in, and real time.
pub struct Function {
    pool: Arc<Pool>,
    invoke_api: Listening,
    _watcher: JoinSet<Infallible>,
}

impl Function {
    /// The access key id in the environment of its processes, by which a server can know their calls.
    pub const ACCESS_KEY_ID: &str = "ASIAIOSFODNN7EXAMPLE";

    /// A function whose processes are this program, by its path or its name in `PATH`.
    pub fn builder(program: impl Into<OsString>) -> FunctionBuilder {
        FunctionBuilder::new(program.into())
    }

    async fn start(settings: Settings, faults: Option<Faults>) -> io::Result<Self> {
        let pool = Arc::new(Pool::new(settings));
        let mut watcher = JoinSet::new();
        if let Some(faults) = faults {
            watcher.spawn(watch(faults, Arc::clone(&pool)));
        }
        let served = Arc::clone(&pool);
        Ok(Self {
            invoke_api: serve(move |request| invoke_api::handle(Arc::clone(&served), request)).await?,
            pool,
            _watcher: watcher,
        })
    }

    /// Invokes the function and waits for its answer. What it printed until then is in
    /// [`output`](Self::output).
    ///
    /// The invocation goes on if this future is dropped.
    pub async fn invoke(&self, event: &Value) -> Invoked {
        self.pool.invoke(Bytes::from(event.to_string())).await
    }

    /// Sets an environment variable of the processes that are started from now on, for what is not
    /// known before the function has its [`invoke_url`](Self::invoke_url).
    pub fn set_env(&self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.pool.settings.set_env(name.into(), value.into());
    }

    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.pool.settings.arn()
    }

    /// The URL of the action Invoke, with `{function}` in the place of the function's name or ARN:
    /// `http://127.0.0.1:PORT/2015-03-31/functions/{function}/invocations`.
    #[must_use]
    pub fn invoke_url(&self) -> String {
        let address = self.invoke_api.address();
        format!("http://{address}/2015-03-31/functions/{{function}}/invocations")
    }

    /// Everything that all its processes printed so far, stdout and stderr, line by line.
    #[must_use]
    pub fn output(&self) -> String {
        self.pool.output.text()
    }

    /// How many processes were started so far.
    #[must_use]
    pub fn cold_starts(&self) -> usize {
        self.pool.cold_starts()
    }

    /// Kills all its processes (SIGKILL), and waits until they have ended. Invocations under way are
    /// answered with `Runtime.ExitError`; the next one starts another process.
    pub async fn kill(&self) {
        self.pool.kill().await;
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.pool.close();
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("arn", &self.arn())
            .field("invoke_url", &self.invoke_url())
            .field("cold_starts", &self.cold_starts())
            .finish_non_exhaustive()
    }
}

async fn watch(faults: Faults, pool: Arc<Pool>) -> Infallible {
    loop {
        poll_fn(|cx| faults.poll_crashed(cx)).await;
        pool.kill_busy();
        // Only now: whoever hears of the crash's end may rely on the processes being dead.
        _ = faults.take_crash();
    }
}
