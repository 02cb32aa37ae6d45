//! The SDK's client, as an operator's machine needs it.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::Client;
use aws_smithy_http_client::tls;

use crate::args::Common;
use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TRY_TIMEOUT: Duration = Duration::from_secs(20);

/// Region, credentials and settings are the SDK's: environment, profile files, SSO, credential
/// processes, containers, instances. `--endpoint-url` is for Secrets Manager alone: credentials are
/// fetched from where they always are.
pub(crate) async fn client(common: &Common) -> Result<Client, Error> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(timeouts);
    if let Some(profile) = &common.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &common.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let config = loader.load().await;
    if config.region().is_none() {
        let remedy = "there is no Region; set AWS_REGION or the profile's region, or give --region";
        return Err(Error::Configuration(remedy.to_owned()));
    }
    let mut config = aws_sdk_secretsmanager::config::Builder::from(&config);
    if let Some(url) = &common.endpoint_url {
        config.set_endpoint_url(Some(url.clone()));
    }
    Ok(Client::from_conf(config.build()))
}
