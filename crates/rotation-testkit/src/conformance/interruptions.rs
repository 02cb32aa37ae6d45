//! The clauses about calls that are cut short or fail.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use rotation_core::{BackendError, Clock, CredentialBackend};
use rotation_simulator::{Fault, Faults, TestClock};

use super::bench::{Bench, Finding, LONG_AFTER, TIME, TOKEN, list};
use super::calls;
use super::check::on;
use crate::log_capture::LogCapture;
use crate::secret_texts;
use crate::subject::Subject;
use crate::sync::lock;

/// A call of the backend, to be tried at each of its effects.
#[derive(Clone, Copy, Debug)]
enum Method {
    Create,
    Set,
    Test,
    Retire,
}

impl Method {
    const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Retire];

    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Set => "set",
            Self::Test => "test",
            Self::Retire => "retire",
        }
    }
}

/// A stage that is ready for one call of this method: its effects count from 1 from here.
struct Ready<B: CredentialBackend> {
    bench: Bench<B>,
    current: B::Credential,
    pending: Option<B::Credential>,
}

impl<B: CredentialBackend> Ready<B> {
    /// `None` where the framework does not call the method.
    async fn stage<S: Subject<Backend = B>>(subject: &S, method: Method) -> Finding<Option<Self>> {
        let bench = Bench::stage(subject).await?;
        let current = bench.current()?;
        let pending = match method {
            Method::Create => None,
            Method::Set if !bench.profile().calls_set() => return Ok(None),
            Method::Set => Some(bench.made().await?),
            Method::Test | Method::Retire => Some(bench.made_and_set().await?),
        };
        bench.simulator.faults().clear();
        Ok(Some(Self {
            bench,
            current,
            pending,
        }))
    }

    /// Calls it; nothing is made of what `create` returns.
    async fn call(&self, method: Method, time: Duration) -> Result<(), BackendError> {
        match (method, &self.pending) {
            (Method::Create, _) => {
                let made = self.bench.create_among(TOKEN, &[&self.current], time).await;
                made.map(|_| ())
            }
            (Method::Set, Some(pending)) => self.bench.set(pending, &self.current, time).await,
            (Method::Test, Some(pending)) => self.bench.test(pending, time).await,
            (Method::Retire, Some(_)) => self.bench.retire(&self.current, time).await.map(|_| ()),
            (Method::Set | Method::Test | Method::Retire, None) => Ok(()),
        }
    }
}

/// How many effects one undisturbed call has.
async fn effects<S: Subject>(subject: &S, method: Method) -> Finding<usize> {
    let Some(ready) = Ready::stage(subject, method).await? else {
        return Ok(0);
    };
    let called = ready.call(method, TIME).await;
    called.map_err(|error| {
        ready
            .bench
            .hidden(&format!("{} failed: {error:?}", method.name()))
    })?;
    Ok(ready.bench.simulator.faults().passages().len())
}

/// No call of the backend may wait for longer than this by itself.
const LIMIT: Duration = Duration::from_secs(20);
/// The same where time is real, and each of a call's requests hangs once.
const REAL_LIMIT: Duration = Duration::from_millis(700);
/// How much later a call may end where time is real.
const TOLERANCE: Duration = Duration::from_millis(1200);

pub(super) async fn deadline_is_kept<S: Subject>(subject: &S) -> Finding {
    let mut hung = 0;
    for method in Method::ALL {
        for number in 1..=effects(subject, method).await? {
            let Some(ready) = Ready::stage(subject, method).await? else {
                continue;
            };
            if !ready.bench.wire {
                return Err(NOT_WITHIN.to_owned());
            }
            hung += 1;
            let simulator = &ready.bench.simulator;
            simulator.faults().at(number, Fault::Hang);
            let clock = simulator.clock();
            let (limit, tolerance) = match clock.is_real() {
                true => (REAL_LIMIT, TOLERANCE),
                false => (LIMIT, Duration::ZERO),
            };
            let began = clock.elapsed();
            let mut call = pin!(ready.call(method, limit));
            // A backend that does not look at its deadline never ends; this timer does.
            let mut cut_off = clock.sleep(limit * 3);
            let ended = poll_fn(|cx| match call.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending => cut_off.as_mut().poll(cx).map(|()| None),
            })
            .await;
            let (took, name) = (
                clock.elapsed().saturating_sub(began),
                at(&simulator.faults(), number),
            );
            let said = method.name();
            match ended {
                None => {
                    return Err(format!(
                        "{said} had {limit:?}, {name} got no answer, and {said} was still waiting after {took:?}; await \
                         it through ctx.timeout"
                    ));
                }
                Some(_) if took > limit + tolerance => {
                    return Err(format!(
                        "{said} had {limit:?}, {name} got no answer, and {said} took {took:?}"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    match hung {
        0 => Err("no call of the backend has an effect that could hang".to_owned()),
        _ => Ok(()),
    }
}

/// Around a whole call nothing can be cut short.
const NOT_WITHIN: &str = "faults strike whole calls (Staged::with_faults_around_calls), so no call can \
                          be stopped within; declare this clause, and test it in your own way";

pub(super) async fn cancellation_is_safe<S: Subject>(subject: &S) -> Finding {
    let mut dropped = 0;
    for method in Method::ALL {
        for done in 0..effects(subject, method).await? {
            let Some(ready) = Ready::stage(subject, method).await? else {
                continue;
            };
            if !ready.bench.wire {
                return Err(NOT_WITHIN.to_owned());
            }
            dropped += 1;
            let (simulator, said) = (&ready.bench.simulator, method.name());
            let faults = simulator.faults();
            let before = faults.count();
            faults.set_gated(true);
            drop_after(&ready, method, done).await;
            faults.set_gated(false);
            let name = match done {
                0 => "before its first request".to_owned(),
                _ => format!("after {}", at(&faults, before + done)),
            };
            simulator.skip(LONG_AFTER);
            let again = ready.call(method, TIME).await;
            again.map_err(|error| {
                let what =
                    format!("{said} was dropped {name}, and when it was called again it failed: {error:?}");
                ready.bench.hidden(&what)
            })?;
            let kept = match method {
                Method::Create | Method::Test | Method::Set => {
                    ready.bench.in_place || ready.bench.works(&ready.current).await?
                }
                Method::Retire => true,
            };
            if !kept {
                return Err(format!(
                    "{said} was dropped {name} and called again, and the current credential does not work any more"
                ));
            }
        }
    }
    match dropped {
        0 => Err("no call of the backend has an effect to be dropped at".to_owned()),
        _ => Ok(()),
    }
}

/// Polls a call until it has done so many effects and wants to do the next; then drops it.
async fn drop_after<B: CredentialBackend>(ready: &Ready<B>, method: Method, effects: usize) {
    let simulator = &ready.bench.simulator;
    let (faults, clock) = (simulator.faults(), simulator.clock());
    let mut call: Pin<Box<_>> = Box::pin(ready.call(method, TIME));
    for done in 0..=effects {
        if done > 0 {
            faults.grant();
        }
        clock.hold(true);
        let ended = poll_fn(|cx| {
            let polled = call.as_mut().poll(cx).is_ready();
            clock.hold(false);
            match polled || faults.poll_waiting(cx).is_ready() {
                true => Poll::Ready(polled),
                false => Poll::Pending,
            }
        })
        .await;
        if ended {
            return;
        }
    }
}

/// Faults whose answer the backend makes an error of.
const TOLD: [Fault; 6] = [
    Fault::LoseRequest,
    Fault::LoseResponse,
    Fault::Throttle,
    Fault::Deny,
    Fault::InternalError,
    Fault::Refuse,
];

pub(super) async fn errors_hide_secrets<S: Subject>(subject: &S) -> Finding {
    let Some(logs) = LogCapture::start() else {
        return Err(
            "the process has a tracing subscriber of its own, so log lines cannot be looked at; run the suite in a \
             test file of its own"
                .to_owned(),
        );
    };
    let mut failures = 0;
    for method in Method::ALL {
        for number in 1..=effects(subject, method).await? {
            for fault in TOLD {
                let Some(ready) = Ready::stage(subject, method).await? else {
                    continue;
                };
                ready.bench.simulator.faults().at(number, fault);
                let result = ready.call(method, TIME).await;
                failures += usize::from(result.is_err());
                let when = || {
                    let name = at(&ready.bench.simulator.faults(), number);
                    format!("{}, when {name} met {fault:?}", method.name())
                };
                look(&ready, result.err(), &logs, when)?;
            }
        }
    }
    other_failures(subject, &logs).await?;
    match failures {
        0 => Err("no fault led to an error; the double's requests do not pass the faults".to_owned()),
        _ => Ok(()),
    }
}

/// A credential that nobody knows, and pending ones that aim elsewhere.
async fn other_failures<S: Subject>(subject: &S, logs: &LogCapture) -> Finding {
    let Some(ready) = Ready::stage(subject, Method::Test).await? else {
        return Ok(());
    };
    let bench = &ready.bench;
    if let Some(unknown) = bench.target.unknown(&bench.value) {
        let unknown = bench.credential(&unknown)?;
        let tested = bench.test(&unknown, TIME).await;
        keep(bench, &bench.document(&unknown)?)?;
        look(&ready, tested.err(), logs, || {
            "test of a credential that nobody knows".to_owned()
        })?;
    }
    if let (true, Some(pending)) = (bench.profile().calls_set(), &ready.pending) {
        for (field, value) in bench.target.misdirected(&bench.document(pending)?) {
            let set = bench.set(&bench.credential(&value)?, &ready.current, TIME).await;
            look(&ready, set.err(), logs, || {
                format!("set of a pending with another {field}")
            })?;
        }
    }
    Ok(())
}

/// Stores a value in the simulator, so that its secrets count.
fn keep<B: CredentialBackend>(bench: &Bench<B>, value: &rotation_core::SecretValue) -> Finding {
    let put = bench.simulator.operator().put(&bench.arn, value.clone());
    put.map(|_| ()).map_err(|error| error.to_string())
}

/// Looks for a secret in an error, its causes, and what was logged.
fn look<B: CredentialBackend>(
    ready: &Ready<B>,
    error: Option<BackendError>,
    logs: &LogCapture,
    when: impl Fn() -> String,
) -> Finding {
    let bench = &ready.bench;
    if let Some(pending) = &ready.pending {
        keep(bench, &bench.document(pending)?)?;
    }
    let stored = bench.simulator.stored_values().into_iter();
    let ids = stored
        .filter(|stored| stored.secret_arn == bench.arn)
        .filter_map(|stored| bench.backend.id(&stored.value.decode().ok()?))
        .collect();
    let secrets = secret_texts::needles(&bench.simulator, &bench.arn, &lock(&bench.backend.made()), &ids);
    let mut texts = Vec::new();
    if let Some(error) = &error {
        texts.push(("Display of the error", error.to_string()));
        texts.push(("Debug of the error", format!("{error:?}")));
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            texts.push(("a cause of the error", format!("{cause}")));
            source = cause.source();
        }
    }
    texts.push(("a log line", logs.take()));
    for (what, text) in texts {
        if let Some(line) = secret_texts::find(&secrets, &text) {
            return Err(format!("{}: {what} holds a secret: {line}", when()));
        }
    }
    Ok(())
}

/// `create` makes one credential, by one call and by two.
pub(super) async fn create_again<S: Subject>(subject: &S) -> Finding {
    mints_once(subject).await?;
    on(Bench::stage(subject).await?, calls::create_again).await
}

/// `create` sends the request that mints once, even if its answer is lost.
async fn mints_once<S: Subject>(subject: &S) -> Finding {
    for number in 1..=effects(subject, Method::Create).await? {
        let Some(ready) = Ready::stage(subject, Method::Create).await? else {
            continue;
        };
        let before = ready.bench.alive().await;
        let faults = ready.bench.simulator.faults();
        faults.at(number, Fault::LoseResponse);
        // Whether it fails then is its own business.
        _ = ready.call(Method::Create, TIME).await;
        let fresh = &ready.bench.alive().await - &before;
        if fresh.len() > 1 {
            let name = at(&faults, number);
            return Err(format!(
                "the answer to {name} was lost, and one call of create made more than one credential: {}; the \
                 request that mints is sent once, and the replay finds what it made",
                list(&fresh)
            ));
        }
    }
    Ok(())
}

fn at(faults: &Faults, number: usize) -> String {
    let passage = faults.passages().into_iter().nth(number - 1);
    passage.map_or_else(|| format!("effect {number}"), |passage| passage.name)
}
