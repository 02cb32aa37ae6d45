//! Announcements from an SQS queue.

use std::fmt;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Builder, timeout::TimeoutConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::Message;
use rotation_core::{Clock, TokioClock};

use crate::announcement::Announcement;

/// How long SQS holds a request until a message comes: its longest.
const WAIT: Duration = Duration::from_secs(20);

/// After a failure, so that a queue that is gone is not asked without end.
const PAUSE: Duration = Duration::from_secs(5);

/// A queue of announcements. It needs `sqs:ReceiveMessage` and `sqs:DeleteMessage`.
///
/// **One queue for each process**, subscribed to one topic: a message in a queue goes to one receiver, and
/// each process has a cache of its own.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue of this URL.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        let url = url.into();
        Self { client, url }
    }

    /// Tells `heard` of every announcement, for ever. What is not understood is logged and deleted, for it
    /// would come again; a failure to receive is logged, and tried again a little later: the cache's time to
    /// live goes on working. May be dropped at any time; what was received and not deleted comes again.
    ///
    /// Run it as a task of its own, and give it every cache: `|news| if news.is_of("crm/api-key")
    /// { news.tell(&cache) }`.
    pub async fn listen(&self, heard: impl Fn(&Announcement) + Send + Sync) {
        loop {
            if let Err(error) = self.receive(WAIT, &heard).await {
                tracing::warn!(%error, queue = self.url, "no announcements received");
                TokioClock::new().sleep(PAUSE).await;
            }
        }
    }

    /// Receives once, waiting so long for a message: at most 20 seconds, cut to whole seconds. Says how many
    /// messages there were.
    ///
    /// # Errors
    ///
    /// [`QueueError`]: what the service said. What was heard by then was heard, and may come again.
    pub async fn receive(
        &self,
        wait: Duration,
        heard: impl Fn(&Announcement) + Send + Sync,
    ) -> Result<usize, QueueError> {
        let wait = wait.min(WAIT);
        // Longer than SQS waits, which an application's other calls are not to.
        let timeout = TimeoutConfig::builder().operation_attempt_timeout(wait + Duration::from_secs(5));
        let request = self.client.receive_message().queue_url(&self.url);
        let request = request
            .max_number_of_messages(10)
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or_default())
            .customize()
            .config_override(Builder::new().timeout_config(timeout.build()));
        let received = request.send().await.map_err(|error| said(&error))?;
        let messages = received.messages.unwrap_or_default();
        for message in &messages {
            match Announcement::parse(message.body().unwrap_or_default()) {
                Ok(news) => heard(&news),
                Err(error) => tracing::warn!(%error, message = message.message_id(), "message dropped"),
            }
            self.delete(message).await?;
        }
        Ok(messages.len())
    }

    async fn delete(&self, message: &Message) -> Result<(), QueueError> {
        let delete = self.client.delete_message().queue_url(&self.url);
        let delete = delete.set_receipt_handle(message.receipt_handle.clone()).send();
        delete.await.map(drop).map_err(|error| said(&error))
    }
}

/// A call of SQS failed.
#[derive(Debug)]
pub struct QueueError(String);

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the queue cannot be used: {}", self.0)
    }
}

impl std::error::Error for QueueError {}

fn said<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> QueueError {
    QueueError(match (error.code(), error.message()) {
        (Some(code), message) => format!("{code}: {}", message.unwrap_or("no message")),
        _ => rotation_core::chain(error),
    })
}
