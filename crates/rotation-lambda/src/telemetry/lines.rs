//! Events as JSON lines.

use std::time::SystemTime;

use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};
use rotation_secretsmanager::aws_sdk_secretsmanager;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::line::Line;
use super::metrics;

/// Writes each event as one line, with the fields of the spans that it is in.
pub(super) struct Lines<W> {
    write: W,
}

impl<W: Fn(&str)> Lines<W> {
    /// Each line is handed to `write` whole, its line break included.
    pub(super) fn new(write: W) -> Self {
        Self { write }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Line::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Line>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let now = SystemTime::now();
        let mut line = Line::default();
        line.set("timestamp", timestamp(now));
        line.set("level", event.metadata().level().as_str());
        line.set("message", "");
        line.set("target", event.metadata().target());
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<Line>() {
                line.extend(fields);
            }
        }
        event.record(&mut line);
        metrics::add(&mut line, now);
        // Texts, numbers and truth values are always JSON.
        if let Ok(mut text) = serde_json::to_string(&line) {
            text.push('\n');
            (self.write)(&text);
        }
    }
}

/// `2026-11-23T10:20:30.123Z`; of a time that the calendar does not have, nothing.
fn timestamp(now: SystemTime) -> String {
    DateTime::from(now)
        .fmt(DateTimeFormat::DateTime)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What is written while `log` runs, as JSON.
    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let layer = Lines::new(move |line: &str| sink.lock().unwrap().push(line.to_owned()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let written = written.lock().unwrap();
        written
            .iter()
            .map(|line| {
                assert!(
                    line.ends_with("}\n") && line.matches('\n').count() == 1,
                    "{line:?}"
                );
                assert!(line.starts_with(r#"{"timestamp":""#), "{line}");
                serde_json::from_str(line).unwrap()
            })
            .collect()
    }

    #[test]
    fn an_event_is_one_line_with_the_fields_of_its_spans() {
        let lines = lines(|| {
            let outer = tracing::info_span!("outer", request_id = "r", step = "outer's").entered();
            let inner =
                tracing::info_span!("inner", step = "createSecret", late = tracing::field::Empty).entered();
            inner.record("late", 7);
            tracing::warn!(truth = true, ratio = 0.5, below = -1, debug = ?Some("x"), "two\nlines \u{1b}[31m");
            drop((inner, outer));
            tracing::info!("alone");
        });
        let [first, second] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        let expected = serde_json::json!({
            "level": "WARN", "message": "two\nlines \u{1b}[31m", "target": module_path!(), "request_id": "r",
            "step": "createSecret", "late": 7, "truth": true, "ratio": 0.5, "below": -1, "debug": "Some(\"x\")",
            "timestamp": first["timestamp"],
        });
        assert_eq!(*first, expected);
        assert!(second.get("request_id").is_none() && second["message"] == "alone");
        assert!(
            second.get("_aws").is_none(),
            "an event that ends no step is no metric"
        );
        let timestamp = second["timestamp"].as_str().unwrap();
        assert!(
            timestamp.starts_with("20") && timestamp.ends_with('Z') && timestamp.len() >= 20,
            "{timestamp}"
        );
    }
}
