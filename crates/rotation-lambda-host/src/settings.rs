//! What a process of a function is started with.

use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tokio::process::Command;

use crate::output::Listener;
use crate::sync::lock;

/// The Region that a function is in.
const REGION: &str = "eu-west-1";
/// The account that a function is in: one of those in AWS's own examples.
const ACCOUNT: &str = "111122223333";
/// The access key id in the environment of a process.
pub(crate) const ACCESS_KEY_ID: &str = "ASIAIOSFODNN7EXAMPLE";

pub(crate) struct Settings {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    env: Mutex<Vec<(OsString, OsString)>>,
    pub(crate) name: String,
    pub(crate) timeout: Duration,
    pub(crate) announces: Option<Duration>,
    pub(crate) listener: Option<Listener>,
}

impl Settings {
    pub(crate) fn new(program: OsString) -> Self {
        Self {
            program,
            args: Vec::new(),
            env: Mutex::default(),
            name: "rotation".to_owned(),
            timeout: Duration::from_secs(30),
            announces: None,
            listener: None,
        }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.name)
    }

    /// For the commands from now on.
    pub(crate) fn set_env(&self, name: OsString, value: OsString) {
        lock(&self.env).push((name, value));
    }

    /// The command of a process whose Runtime API is at this address.
    pub(crate) fn command(&self, runtime_api: SocketAddr) -> Command {
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
            ("AWS_ACCESS_KEY_ID", fixed(ACCESS_KEY_ID)),
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
