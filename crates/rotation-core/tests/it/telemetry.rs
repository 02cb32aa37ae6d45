//! One span and one closing event per step, and no secret in anything that is printed.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::OnceLock;

use crate::common::{Bench, SENTINEL};
use rotation_core::{Applied, BackendError, Grace, Profile, RotationErrorKind, SecretValue, Step, chain};
use rotation_testkit::Fault;

thread_local! {
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What this thread logs from now on, in the form of `tracing_subscriber`, spans included: `LogCapture` of
/// the test kit has no spans, which are asserted here. The subscriber is the process's: tracing caches for each call
/// site, for all threads, whether anybody listens, so that a thread without one could silence others.
struct Captured(());

impl Captured {
    fn start() -> Self {
        static SUBSCRIBED: OnceLock<()> = OnceLock::new();
        SUBSCRIBED.get_or_init(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(|| Captured(()))
                .init();
        });
        TEXT.take();
        Self(())
    }

    fn text(&self) -> String {
        String::from_utf8(TEXT.with_borrow(Clone::clone)).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TEXT.with_borrow_mut(|text| text.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_step_prints() {
    a_step_is_one_span_and_ends_in_one_event().await;
    no_secret_is_printed_on_success_or_on_any_failure().await;
}

async fn a_step_is_one_span_and_ends_in_one_event() {
    let captured = Captured::start();
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
    let captured = Captured::start();
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
