//! The processes of one function, and which of them takes an invocation.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::environment::Environment;
use crate::outcome::{Answer, Invoked};
use crate::output::Output;
use crate::process::Process;
use crate::runtime_api::Event;
use crate::settings::Settings;
use crate::sync::lock;

/// How many processes there may be at once; an account has at least as many.
const PLACES: usize = 10;

pub(crate) struct Pool {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    members: Mutex<Members>,
    places: Arc<Semaphore>,
    cold_starts: AtomicUsize,
    invocations: AtomicU64,
}

#[derive(Default)]
struct Members {
    idle: Vec<Environment>,
    busy: Vec<Arc<Process>>,
    closed: bool,
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            output: Output::new(settings.listener.clone()),
            settings,
            members: Mutex::default(),
            places: Arc::new(Semaphore::new(PLACES)),
            cold_starts: AtomicUsize::new(0),
            invocations: AtomicU64::new(0),
        }
    }

    pub(crate) fn cold_starts(&self) -> usize {
        self.cold_starts.load(Ordering::Relaxed)
    }

    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes) -> Invoked {
        let started = Instant::now();
        let answer = self.answer(payload).await;
        answer.invoked(started.elapsed())
    }

    /// The same for a caller who passes the bytes on.
    pub(crate) async fn answer(self: &Arc<Self>, payload: Bytes) -> Answer {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Answer::Throttled;
        };
        let pool = Arc::clone(self);
        // A task of its own: an invocation goes on when whoever asked for it goes away.
        let run = tokio::spawn(async move {
            let answer = pool.run(payload).await;
            drop(place);
            answer
        });
        let gone = |_| Answer::failed("Runtime.Unknown", "none", "the runtime of the test ended");
        run.await.unwrap_or_else(gone)
    }

    async fn run(&self, payload: Bytes) -> Answer {
        let event = self.event(payload);
        let environment = match self.environment().await {
            Ok(environment) => environment,
            Err(error) => {
                return Answer::failed("Runtime.InvalidEntrypoint", &event.request_id, &error.to_string());
            }
        };
        let answer = environment.invoke(&event, self.settings.timeout).await;
        self.release(environment);
        answer
    }

    fn event(&self, payload: Bytes) -> Event {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        Event {
            request_id: request_id(number),
            function_arn: self.settings.arn(),
            trace_id: format!("Root=1-6955b900-{number:024x};Parent={number:016x};Sampled=0"),
            announces: self.settings.announces.unwrap_or(self.settings.timeout),
            payload,
        }
    }

    /// One that is idle, or a new one; busy from now on.
    async fn environment(&self) -> io::Result<Environment> {
        if let Some(environment) = lock(&self.members).take() {
            return Ok(environment);
        }
        let environment = Environment::start(&self.settings, &self.output).await?;
        self.cold_starts.fetch_add(1, Ordering::Relaxed);
        lock(&self.members).add(&environment);
        Ok(environment)
    }

    fn release(&self, environment: Environment) {
        let mut members = lock(&self.members);
        members
            .busy
            .retain(|process| !Arc::ptr_eq(process, environment.process()));
        if !members.closed {
            members.idle.push(environment);
        }
    }

    /// Kills those that have an invocation.
    pub(crate) fn kill_busy(&self) {
        lock(&self.members).busy.iter().for_each(|process| process.kill());
    }

    /// Kills all, and waits until they have ended.
    pub(crate) async fn kill(&self) {
        let processes = lock(&self.members).clear();
        for process in processes {
            process.ended().await;
        }
    }

    /// Kills all, and whatever would be started from now on.
    pub(crate) fn close(&self) {
        let mut members = lock(&self.members);
        members.closed = true;
        members.clear();
    }
}

/// An id in the form of a UUID, another for each invocation of one function.
fn request_id(number: u64) -> String {
    format!("{number:08x}-1a3b-4c5d-8e6f-{number:012x}")
}

impl Members {
    /// The one that was used last, so that the others may be let go, as Lambda does.
    fn take(&mut self) -> Option<Environment> {
        self.idle.retain(Environment::is_usable);
        let environment = self.idle.pop()?;
        self.busy.push(Arc::clone(environment.process()));
        Some(environment)
    }

    fn add(&mut self, environment: &Environment) {
        let process = environment.process();
        if self.closed {
            process.kill();
        }
        self.busy.push(Arc::clone(process));
    }

    fn clear(&mut self) -> Vec<Arc<Process>> {
        let idle = self.idle.drain(..);
        let mut processes: Vec<_> = idle
            .map(|environment| Arc::clone(environment.process()))
            .collect();
        processes.extend(self.busy.iter().map(Arc::clone));
        processes.iter().for_each(|process| process.kill());
        processes
    }
}
