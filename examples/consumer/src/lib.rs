//! What an application needs to read a credential that is rotated under it: to be copied, file by file.
//!
//! ```no_run
//! use consumer::{Attempt, SecretCache, SecretsManager};
//! use rotation_core::SecretString;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Vendor { api_key: SecretString } // a type that redacts; other keys of the document are ignored
//!
//! # async fn example(http: &reqwest::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let client = aws_sdk_secretsmanager::Client::new(&consumer::aws_config().load().await);
//! let vendor = SecretCache::<Vendor>::new(SecretsManager::new(client, "crm/api-key"));
//!
//! let orders = vendor.call(|credential| async move {
//!     let request = http.get("https://api.vendor.com/orders").bearer_auth(credential.api_key.expose_secret());
//!     let reply = request.send().await.map_err(Attempt::Failed)?;
//!     match reply.status().as_u16() {
//!         401 => reply.error_for_status().map_err(Attempt::Refused),
//!         _ => reply.error_for_status().map_err(Attempt::Failed),
//!     }
//! }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Parts
//!
//! | file | what | needs |
//! |---|---|---|
//! | `cache.rs`, `state.rs`, `call.rs` | [`SecretCache`]: one secret, a time to live, one read at a time; [`call`](SecretCache::call): a refusal is answered by one read and one more try | `rotation-core`, tokio |
//! | `source.rs` | [`SecretsManager`]: the value from the AWS SDK, into a type that redacts and wipes | `aws-sdk-secretsmanager` |
//! | `pool.rs` | [`PostgresManager`]: a pool's connections, which follow the credential | `deadpool`, `tokio-postgres` |
//! | `announcement.rs`, `queue.rs` | [`Announcement`]: what a push says; [`Queue`]: from SQS | `aws-sdk-sqs` |
//!
//! # What holds
//!
//! - A request that is refused is tried again only with a version that was not refused yet. The version that
//!   was refused is not sent again but by one probe, a minute later and then ever less often: a secret that is
//!   wrong for good locks no account.
//! - However many requests are refused at once, the secret is read once.
//! - A version that has not worked yet is tried by one request before the others follow.
//! - When Secrets Manager is slow or away, the credential that is held goes on being used.
//! - No type here prints a secret, and no error quotes one.
//!
//! No function of this library panics, but where no tokio runtime is.

mod announcement;
mod cache;
mod call;
mod pool;
mod queue;
mod source;
mod state;

pub use announcement::{Announcement, NotUnderstood};
pub use cache::{Current, SecretCache, Settings, Stats};
pub use call::{Attempt, CallError};
pub use pool::{Connection, Login, PostgresManager};
pub use queue::{Queue, QueueError};
pub use source::{ReadError, SecretsManager, Source, Version, aws_config};
