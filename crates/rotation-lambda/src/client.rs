//! The SDK's client, as a Lambda function needs it.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_smithy_http_client::tls;

use crate::{Error, variables};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// For one try of a call, which takes milliseconds. A lost answer is asked for again well within
/// the 30 seconds that functions usually have.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections sleep through the pause between two invocations, and are seldom alive after it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// A Secrets Manager client for a Lambda function.
///
/// - Region and settings come from the environment, as the SDK reads it: `AWS_REGION`,
///   `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `AWS_USE_FIPS_ENDPOINT`, `AWS_MAX_ATTEMPTS` and so on.
///   Where `AWS_ENDPOINT_URL_SECRETS_MANAGER` is not set, `SECRETS_MANAGER_ENDPOINT`, the variable of
///   AWS's templates, is honoured.
/// - Credentials come from the environment, or from the container's endpoint where Lambda gives
///   them so. Profiles, SSO and credential processes are not read: make a client of your own for
///   those, and use [`run_with_client`](crate::run_with_client).
/// - A connection has to stand within 2 seconds, a try to end within 5; three tries, unless
///   `AWS_MAX_ATTEMPTS` says otherwise. The framework's deadline holds above all.
/// - TLS is rustls with ring and the operating system's roots; `SSL_CERT_FILE` names others.
///
/// # Errors
///
/// [`Error`] when `SECRETS_MANAGER_ENDPOINT` is not a URL.
pub async fn client() -> Result<Client, Error> {
    let endpoint = variables::endpoint()?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build_https();
    let container = ProviderConfig::default().with_http_client(http.clone());
    let container = EcsCredentialsProvider::builder().configure(&container).build();
    let credentials =
        CredentialsProviderChain::first_try("environment", EnvironmentVariableCredentialsProvider::new())
            .or_else("container", container);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .build();
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .credentials_provider(credentials)
        .timeout_config(timeouts)
        .load()
        .await;
    let config = aws_sdk_secretsmanager::config::Builder::from(&config);
    let config = match endpoint {
        Some(endpoint) => config.endpoint_url(endpoint),
        None => config,
    };
    Ok(Client::from_conf(config.build()))
}
