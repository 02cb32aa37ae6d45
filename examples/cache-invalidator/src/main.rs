//! A Lambda function that tells the consumers of a secret that it has a new version. What an event means is
//! in [`event`], where the news goes in [`target`], how it is deployed in the README.

#[cfg(test)]
mod corpus;
mod event;
mod target;

use std::fmt;
use std::io::Write;

use event::Heard;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use target::{Address, Target};

/// The news was not sent. Lambda tries again, twice.
#[derive(Debug)]
struct NotSent(String);

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the news was not sent: {}", self.0)
    }
}

impl From<NotSent> for Diagnostic {
    fn from(error: NotSent) -> Self {
        Self {
            error_type: "CacheInvalidator.NotSent".to_owned(),
            error_message: error.to_string(),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let address = Address::parse(std::env::var("TARGET").ok().as_deref())?;
    let target = Target::new(address).await;
    lambda_runtime::run(service_fn(async |event| handle(&target, event).await)).await
}

/// One event. What is not understood is logged and done with: it would not be understood the next time.
async fn handle(target: &Target, event: LambdaEvent<Value>) -> Result<Value, NotSent> {
    let (level, mut line) = match event::read(&event.payload) {
        Heard::News(news) => {
            let sent = target
                .send(&news)
                .await
                .map(|id| ("INFO", json!({"outcome": "sent", "message_id": id})));
            let (level, mut line) =
                sent.unwrap_or_else(|error| ("ERROR", json!({"outcome": "not_sent", "error": error})));
            if let Some(fields) = line.as_object_mut() {
                fields.insert("secret".to_owned(), json!(news.secret_arn));
                fields.insert("version".to_owned(), json!(news.version_id));
                fields.insert("event".to_owned(), json!(news.event));
                fields.insert("event_id".to_owned(), json!(news.event_id));
            }
            (level, line)
        }
        Heard::Other(what) => ("INFO", json!({"outcome": "ignored", "why": what})),
        Heard::NotUnderstood(why) => ("WARN", json!({"outcome": "not_understood", "why": why})),
    };
    let answer = line.clone();
    if let Some(fields) = line.as_object_mut() {
        fields.insert("level".to_owned(), json!(level));
        fields.insert("request_id".to_owned(), json!(event.context.request_id));
    }
    // Without a log the work goes on.
    _ = writeln!(std::io::stdout(), "{line}");
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(NotSent(error.to_owned())),
        None => Ok(answer),
    }
}
