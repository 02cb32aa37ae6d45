//! One process of the function.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::output::{Output, Tap};
use crate::sync::lock;

/// A child process, killed when the last one who knows it forgets it.
pub(crate) struct Process {
    child: Mutex<Child>,
    /// How it ended, in Lambda's words.
    end: watch::Receiver<Option<String>>,
    tap: Tap,
}

impl Process {
    pub(crate) fn spawn(mut command: Command, output: &Output) -> io::Result<Arc<Self>> {
        let tap = output.tap()?;
        command
            .stdin(Stdio::null())
            .stdout(tap.writer()?)
            .stderr(tap.writer()?)
            .kill_on_drop(true);
        let (ended, end) = watch::channel(None);
        let process = Arc::new(Self {
            child: Mutex::new(command.spawn()?),
            end,
            tap,
        });
        tokio::spawn(reap(Arc::clone(&process), ended));
        Ok(process)
    }

    /// SIGKILL, at once; harmless when it has ended already.
    pub(crate) fn kill(&self) {
        _ = lock(&self.child).start_kill();
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.end.borrow().is_none()
    }

    /// Waits for its end, and says it in Lambda's words.
    pub(crate) async fn ended(&self) -> String {
        let mut end = self.end.clone();
        let end = end.wait_for(Option::is_some).await;
        end.ok().and_then(|end| end.clone()).unwrap_or_else(no_reason)
    }

    /// Waits until everything that it printed so far stands in the output.
    pub(crate) async fn drain(&self) {
        self.tap.drain().await;
    }
}

/// The only one who waits for the child itself, which wakes only the last who asked.
async fn reap(process: Arc<Process>, ended: watch::Sender<Option<String>>) {
    let status = poll_fn(|cx| {
        let mut child = lock(&process.child);
        pin!(child.wait()).poll(cx)
    })
    .await;
    ended.send_replace(Some(status.map_or_else(|_| no_reason(), in_words)));
}

fn no_reason() -> String {
    "Runtime exited without providing a reason".to_owned()
}

/// As Lambda words it, which is how Go words the end of a process.
fn in_words(status: ExitStatus) -> String {
    match (status.code(), signal(status)) {
        (Some(0), _) => no_reason(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(signal)) => format!("Runtime exited with error: signal: {signal}"),
        (None, None) => no_reason(),
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt;

    let name = match status.signal()? {
        4 => "illegal instruction",
        6 => "aborted",
        9 => "killed",
        11 => "segmentation fault",
        15 => "terminated",
        other => return Some(format!("signal {other}")),
    };
    Some(name.to_owned())
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<String> {
    None
}
