//! One execution environment: a process, and the Runtime API that it talks to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::loopback::Loopback;
use crate::outcome::Answer;
use crate::output::Output;
use crate::process::Process;
use crate::runtime_api::{Event, RuntimeApi};
use crate::settings::Settings;

/// Takes one invocation at a time. Its process is killed when it is dropped.
pub(crate) struct Environment {
    process: Arc<Process>,
    api: Arc<RuntimeApi>,
    _server: Loopback,
}

/// How an invocation ended that the function did not answer.
enum Death {
    Exited(String),
    TimedOut,
}

impl Environment {
    pub(crate) async fn start(settings: &Settings, output: &Output) -> io::Result<Self> {
        let api = Arc::new(RuntimeApi::default());
        let handler = Arc::clone(&api);
        // Each process has a listener of its own, so that it is known who asks.
        let server = Loopback::serve(move |request| Arc::clone(&handler).handle(request)).await?;
        Ok(Self {
            process: Process::spawn(settings.command(server.address()), output)?,
            api,
            _server: server,
        })
    }

    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Whether it can take another invocation.
    pub(crate) fn is_usable(&self) -> bool {
        self.process.is_alive()
    }

    /// Invokes the function and waits until it asks for more, or ended. `limit` is for its start
    /// and, anew, for the invocation.
    pub(crate) async fn invoke(&self, event: &Event, limit: Duration) -> Answer {
        let answer = match self.run(event, limit).await {
            Ok(answer) => answer,
            Err(death) => death.answer(&event.request_id, limit),
        };
        self.process.drain().await;
        answer
    }

    async fn run(&self, event: &Event, limit: Duration) -> Result<Answer, Death> {
        let started = self.until(after(limit), self.api.hand_out(event)).await?;
        if let Err(init_error) = started {
            self.end().await;
            return Ok(Answer::Failed(init_error));
        }
        let deadline = after(limit);
        let answer = self.until(deadline, self.api.answered()).await?;
        // Whatever becomes of the process now, the invocation has its answer.
        _ = self.until(deadline, self.api.free()).await;
        Ok(answer)
    }

    async fn until<T>(&self, deadline: Instant, work: impl Future<Output = T>) -> Result<T, Death> {
        tokio::select! {
            // What the function said before it ended counts.
            biased;
            done = work => Ok(done),
            end = self.process.ended() => Err(Death::Exited(end)),
            () = sleep_until(deadline) => {
                self.end().await;
                Err(Death::TimedOut)
            }
        }
    }

    async fn end(&self) {
        self.process.kill();
        self.process.ended().await;
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.process.kill();
    }
}

impl Death {
    fn answer(self, request_id: &str, limit: Duration) -> Answer {
        match self {
            Self::Exited(how) => Answer::failed("Runtime.ExitError", request_id, &how),
            Self::TimedOut => {
                let message = format!("Task timed out after {:.2} seconds", limit.as_secs_f64());
                Answer::failed("Sandbox.Timedout", request_id, &message)
            }
        }
    }
}

/// A day, if the limit is longer than an instant can say.
fn after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit)
        .unwrap_or(now + Duration::from_secs(24 * 3600))
}
