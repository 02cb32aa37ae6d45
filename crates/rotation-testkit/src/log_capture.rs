//! What a thread logs, to look for secrets in.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::OnceLock;

use tracing::field::{Field, Visit};
use tracing::span;

thread_local! {
    static TEXT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Everything that this thread logs, at every level, from [`start`](Self::start) until it is dropped: one line for
/// each event, which ends with its target. Spans stand in the line of the next event.
///
/// The subscriber is the process's, and each thread has its own text. With a subscriber per thread, tracing may ask
/// another thread's, which has none, whether an event is of interest.
///
/// ```
/// use rotation_testkit::LogCapture;
///
/// let log = LogCapture::start().unwrap();
/// tracing::info!(key = "the-secret-key", "stored");
/// assert!(log.text().contains("the-secret-key")); // a test of yours asserts that it does not
/// ```
#[derive(Debug)]
pub struct LogCapture(());

impl LogCapture {
    /// Starts anew. `None` if the process has a subscriber of its own.
    #[must_use]
    pub fn start() -> Option<Self> {
        static OURS: OnceLock<bool> = OnceLock::new();
        let ours = *OURS.get_or_init(|| tracing::subscriber::set_global_default(Subscriber).is_ok());
        ours.then(|| {
            TEXT.set(Some(String::new()));
            Self(())
        })
    }

    /// What was logged so far.
    #[must_use]
    pub fn text(&self) -> String {
        TEXT.with_borrow(|text| text.clone().unwrap_or_default())
    }

    /// What was logged so far, and forgets it.
    pub(crate) fn take(&self) -> String {
        TEXT.with_borrow_mut(|text| text.as_mut().map(std::mem::take).unwrap_or_default())
    }
}

impl Drop for LogCapture {
    fn drop(&mut self) {
        TEXT.set(None);
    }
}

struct Subscriber;

/// Writes to the thread's text.
struct Fields;

impl Visit for Fields {
    /// As it is, not as `Debug` escapes it.
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        TEXT.with_borrow_mut(|text| {
            if let Some(text) = text {
                // Writing to a text does not fail.
                _ = write!(text, "{field}={value:?} ");
            }
        });
    }
}

fn end_of_line(target: &str) {
    TEXT.with_borrow_mut(|text| {
        if let Some(text) = text {
            // Writing to a text does not fail.
            _ = writeln!(text, "[{target}]");
        }
    });
}

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut Fields);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Fields);
        end_of_line(event.metadata().target());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
