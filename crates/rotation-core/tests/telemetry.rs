//! One span and one closing event per step, and no secret in anything that is printed.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use common::{Bench, SENTINEL};
use rotation_core::{Applied, BackendError, Grace, Profile, RotationErrorKind, SecretValue, Step, chain};
use rotation_testkit::Fault;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let captured = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(captured.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        (captured, guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// One test: tracing caches per call site, for all threads, who listens.
#[tokio::test]
async fn what_a_step_prints() {
    a_step_is_one_span_and_ends_in_one_event().await;
    no_secret_is_printed_on_success_or_on_any_failure().await;
}

async fn a_step_is_one_span_and_ends_in_one_event() {
    let (captured, _guard) = Captured::start();
    let bench = Bench::with_previous(Profile::minted("api-key"));
    let token = bench.rotate().await;
    bench
        .step("00000000-0000-0000-0000-000000000000", Step::SetSecret)
        .await
        .unwrap_err();
    let log = captured.text();
    for step in Step::ALL {
        let span = format!(
            r#"rotation_step{{secret="{}" version="{token}" step="{step}" backend="api-key"}}"#,
            bench.arn
        );
        let closing: Vec<_> = log
            .lines()
            .filter(|l| l.contains(&span) && l.contains("step done"))
            .collect();
        let [closing] = closing.as_slice() else {
            panic!("{step}: {closing:?} in\n{log}")
        };
        assert!(
            closing.contains("outcome=") && closing.contains("duration_ms="),
            "{closing}"
        );
    }
    assert_eq!(log.matches("step failed").count(), 1, "{log}");
    assert!(
        log.contains(r#"class="rejected""#) && log.contains("no version with this token"),
        "{log}"
    );
}

/// Runs a step that must fail and gives all that it said.
async fn failed(bench: &Bench, token: &str, step: Step) -> String {
    let error = bench.step(token, step).await.unwrap_err();
    let kind: &RotationErrorKind = error.kind();
    format!("{error} {error:?} {error:#?} {kind} {kind:?} {}", chain(&error))
}

async fn no_secret_is_printed_on_success_or_on_any_failure() {
    let (captured, _guard) = Captured::start();
    let mut said = String::new();

    for fault in Fault::ALL {
        if matches!(fault, Fault::CrashBefore | Fault::CrashAfter) {
            continue; // nobody is left to say anything
        }
        for effect in 1..=12 {
            let mut bench = Bench::with_previous(Profile::minted("minted").activated_in_set());
            bench.rotator = bench.rotator.with_grace(Grace::None);
            bench.simulator.faults().at(effect, fault);
            let token = bench.start();
            for step in Step::ALL {
                match bench.step(&token, step).await {
                    Ok(report) => said += &format!("{report:?}"),
                    Err(error) => {
                        said += &format!("{error} {error:?} {}", chain(&error));
                        break;
                    }
                }
            }
            said += &format!("{:?} {:?}", bench.simulator, bench.rotator);
            assert!(
                bench.value("AWSCURRENT").contains(SENTINEL),
                "the sentinel was there to be printed"
            );
        }
    }

    for method in ["create", "test", "set", "retire"] {
        let bench = Bench::with_previous(Profile::minted("minted").activated_in_set());
        bench
            .target
            .fail(method, || BackendError::rejected("no", Applied::Nothing));
        let token = bench.start();
        for step in Step::ALL {
            if bench.step(&token, step).await.is_err() {
                said += &failed(&bench, &token, step).await;
                break;
            }
        }
    }

    for malformed in [
        format!("{{{SENTINEL}"),
        format!(r#"{{"id":7,"key":"{SENTINEL}"}}"#),
        SENTINEL.to_owned(),
    ] {
        let bench = Bench::starting_with(Profile::minted("minted"), &[SecretValue::text(malformed)]);
        said += &failed(&bench, &bench.start(), Step::CreateSecret).await;
    }

    let log = captured.text();
    assert!(log.lines().count() > 100, "the log was captured");
    for text in [&said, &log] {
        assert!(
            !text.contains(SENTINEL),
            "{}",
            text.lines().find(|l| l.contains(SENTINEL)).unwrap_or_default()
        );
    }
}
