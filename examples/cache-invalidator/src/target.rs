//! Where the news goes: a topic or a queue.

use std::error::Error;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use serde_json::json;

use crate::event::News;

const VARIABLE: &str = "TARGET";

/// A topic's ARN or a queue's URL, as the environment names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    Topic(String),
    Queue(String),
}

impl Address {
    /// From the value of `TARGET`.
    pub(crate) fn parse(value: Option<&str>) -> Result<Self, String> {
        let wrong = |why: &str| {
            Err(format!(
                "{VARIABLE} {why}; set it to the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME, or the URL of an SQS queue, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
            ))
        };
        match value.unwrap_or_default() {
            "" => wrong("is not set"),
            fifo if fifo.ends_with(".fifo") => {
                wrong("names a FIFO topic or queue, whose order and deduplication are of no use here")
            }
            arn if arn.starts_with("arn:") && arn.split(':').nth(2) == Some("sns") => {
                Ok(Self::Topic(arn.to_owned()))
            }
            url if url.starts_with("https://") || url.starts_with("http://") => {
                Ok(Self::Queue(url.to_owned()))
            }
            _ => wrong("is neither"),
        }
    }
}

/// The client of one of the two.
pub(crate) enum Target {
    Topic(aws_sdk_sns::Client, String),
    Queue(aws_sdk_sqs::Client, String),
}

impl Target {
    /// Region, credentials and endpoints come from the environment, as Lambda sets it.
    pub(crate) async fn new(address: Address) -> Self {
        let config = config().await;
        match address {
            Address::Topic(arn) => Self::Topic(aws_sdk_sns::Client::new(&config), arn),
            Address::Queue(url) => Self::Queue(aws_sdk_sqs::Client::new(&config), url),
        }
    }

    /// Sends the news; the id of the message. Of an error the text is the service's own.
    pub(crate) async fn send(&self, news: &News) -> Result<String, String> {
        let body = body(news);
        let id = match self {
            Self::Topic(client, arn) => {
                let sent = client.publish().topic_arn(arn).message(body).send().await;
                sent.map_err(|error| said(&error))?.message_id
            }
            Self::Queue(client, url) => {
                let sent = client
                    .send_message()
                    .queue_url(url)
                    .message_body(body)
                    .send()
                    .await;
                sent.map_err(|error| said(&error))?.message_id
            }
        };
        Ok(id.unwrap_or_default())
    }
}

fn said<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E>) -> String {
    match (error.code(), error.message()) {
        (Some(code), message) => format!("{code}: {}", message.unwrap_or("no message")),
        _ => rotation_core::chain(error),
    }
}

/// The message: no value, and nothing that would be worth hiding.
fn body(news: &News) -> String {
    let News {
        secret_arn,
        version_id,
        event,
        event_id,
    } = news;
    json!({
        "secret_arn": secret_arn, "version_id": version_id, "event": event, "event_id": event_id,
    })
    .to_string()
}

async fn config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .build();
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12());
    config.http_client(http).timeout_config(timeouts).load().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_and_a_queue_are_told_apart() {
        let topic = "arn:aws:sns:eu-west-1:111122223333:rotated";
        let queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/rotated";
        assert_eq!(Address::parse(Some(topic)), Ok(Address::Topic(topic.to_owned())));
        assert_eq!(Address::parse(Some(queue)), Ok(Address::Queue(queue.to_owned())));
    }

    #[test]
    fn anything_else_is_an_error_that_names_the_variable_and_the_remedy() {
        for (value, part) in [
            (None, "is not set"),
            (Some(""), "is not set"),
            (Some("arn:aws:sqs:eu-west-1:111122223333:rotated"), "is neither"),
            (Some("rotated"), "is neither"),
            (Some("arn:aws:sns:eu-west-1:111122223333:rotated.fifo"), "FIFO"),
        ] {
            let error = Address::parse(value).unwrap_err();
            assert!(
                error.starts_with("TARGET ") && error.contains(part) && error.contains("set it to"),
                "{error}"
            );
        }
    }
}
