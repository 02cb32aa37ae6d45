//! Logging: JSON lines on stdout, with the metrics of each step in them.
//!
//! The [crate's documentation](crate#what-is-logged) has the fields. [`init`] sets it up whole;
//! [`layer`] is for a subscriber of your own.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use lines::Lines;

mod filter;
mod line;
mod lines;
mod metrics;

/// Sets up logging for the process, and withholds the messages of panics, which may hold a secret:
/// the place of a panic is logged. Does nothing when a subscriber is set already.
pub fn init() {
    let (filter, complaint) = filter::from_variables(|name| std::env::var(name).ok());
    let subscriber = tracing_subscriber::registry().with(layer().with_filter(filter));
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(
            place,
            "panicked; the message is withheld, as it may hold a secret"
        );
    }));
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
    }
}

/// The layer that writes the lines, without a filter: for a subscriber of your own.
///
/// Other crates may print requests at DEBUG and TRACE, and with them secrets: filter them.
#[must_use]
pub fn layer<S>() -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Lines::new(|line: &str| {
        // Nobody is left to be told that stdout is gone.
        _ = io::stdout().lock().write_all(line.as_bytes());
    })
}
