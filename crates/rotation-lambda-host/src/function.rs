//! The function, and who may call it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::invoke_api;
use crate::kill_switch::{KillSwitch, watch};
use crate::loopback::Loopback;
use crate::outcome::Invoked;
use crate::pool::Pool;
use crate::settings::{self, Settings};

/// A Lambda function that runs on this machine, with its invoke API on a free port of 127.0.0.1.
///
/// When it is dropped all its processes are killed. It needs the tokio runtime that it was started
/// in, and real time.
pub struct Function {
    pool: Arc<Pool>,
    invoke_api: Loopback,
    _watcher: JoinSet<Infallible>,
}

impl Function {
    /// The access key id in the environment of its processes, by which a server can know their calls.
    pub const ACCESS_KEY_ID: &str = settings::ACCESS_KEY_ID;

    pub(crate) async fn start(
        settings: Settings,
        kill_switch: Option<Box<dyn KillSwitch>>,
    ) -> io::Result<Self> {
        let pool = Arc::new(Pool::new(settings));
        let mut watcher = JoinSet::new();
        if let Some(kill_switch) = kill_switch {
            watcher.spawn(watch(kill_switch, Arc::clone(&pool)));
        }
        let served = Arc::clone(&pool);
        Ok(Self {
            invoke_api: Loopback::serve(move |request| invoke_api::handle(Arc::clone(&served), request))
                .await?,
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
