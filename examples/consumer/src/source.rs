//! Where the value comes from.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use rotation_core::{SecretValue, async_trait};

/// Where a secret is read: Secrets Manager, or a double in a test.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// The version under `AWSCURRENT`, as it is now. Never one under `AWSPENDING`, which may not work yet.
    ///
    /// May be dropped at any await. It need not limit its own time: the cache does.
    ///
    /// # Errors
    ///
    /// [`ReadError`], whose text is safe to print.
    async fn current(&self) -> Result<Version, ReadError>;
}

/// A version of a secret, as it was read.
#[derive(Debug)]
pub struct Version {
    /// Its id, which changes with every rotation and every value that a person puts.
    pub id: String,
    /// Its value; redacted in `Debug`, wiped when dropped.
    pub value: SecretValue,
}

/// The secret could not be read. Quotes nothing of it.
#[derive(Clone, Debug)]
pub struct ReadError(Arc<str>);

impl ReadError {
    /// An error with this text, which is printed and must hold nothing secret.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret could not be read: {}", self.0)
    }
}

impl Error for ReadError {}

/// A secret of AWS Secrets Manager, read with `GetSecretValue`; needs `secretsmanager:GetSecretValue` on it
/// and, where it has a key of yours, `kms:Decrypt` on that.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// The secret of this name or ARN. In another Region than the secret's own, that is its replica.
    pub fn new(client: Client, secret_id: impl Into<String>) -> Self {
        Self {
            client,
            secret_id: secret_id.into(),
        }
    }
}

#[async_trait]
impl Source for SecretsManager {
    async fn current(&self) -> Result<Version, ReadError> {
        let read = self.client.get_secret_value().secret_id(&self.secret_id).send();
        let read = read.await.map_err(|error| explained(&error))?;
        // Moved, not copied. What the SDK itself read the answer into is not wiped.
        let value = match (read.secret_string, read.secret_binary) {
            (Some(text), _) => SecretValue::text(text),
            (None, Some(bytes)) => SecretValue::binary(bytes.into_inner()),
            (None, None) => return Err(ReadError::new("the answer has no value")),
        };
        match read.version_id {
            Some(id) => Ok(Version { id, value }),
            None => Err(ReadError::new("the answer has no version id")),
        }
    }
}

/// The SDK's configuration for an application: `aws_config::defaults`, with limits that a request can wait
/// for. A connection stands within one second, a try takes one, and there are three tries. TLS is rustls with
/// ring and the operating system's roots.
///
/// Region, credentials and endpoints come from where the SDK always looks: `AWS_REGION`, a profile, the
/// container's or the machine's role, `AWS_ENDPOINT_URL_SECRETS_MANAGER`. Profiles with SSO or a credential
/// process take the features `sso` and `credentials-process` of `aws-config`.
#[must_use]
pub fn aws_config() -> ConfigLoader {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(1))
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(timeouts)
}

/// What the service said, or what kind of failure it was. An answer that is not understood may be the value
/// itself, so nothing of it is kept.
fn explained<E>(error: &SdkError<E>) -> ReadError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(_) => {
            let code = error.code().unwrap_or("an error without a code");
            let message = error.message().unwrap_or("no message");
            ReadError::new(format!("{code}: {message}"))
        }
        SdkError::TimeoutError(_) => ReadError::new("no answer in time"),
        SdkError::DispatchFailure(failure) => {
            let cause = failure
                .as_connector_error()
                .map(|error| rotation_core::chain(error));
            ReadError::new(cause.unwrap_or_else(|| "the request could not be sent".to_owned()))
        }
        SdkError::ConstructionFailure(_) => ReadError::new(
            "the request could not be made; check the secret's name, the Region and the credentials",
        ),
        _ => ReadError::new("the answer was not understood"),
    }
}
