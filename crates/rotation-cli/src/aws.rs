//! The SDK's client, as an operator's machine needs it.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
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
    if let Some((name, url)) = endpoints(common).into_iter().find(|(_, url)| !is_url(url)) {
        let remedy =
            format!("{name}: {url:?} is not a URL such as https://host:port; correct it, or leave it out");
        return Err(Error::Configuration(remedy));
    }
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
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
    let region = config.region().cloned();
    let mut config = aws_sdk_secretsmanager::config::Builder::from(&config);
    if let Some(profile) = &common.profile {
        // Who names a profile means its account; the SDK's chain would take the environment's keys first.
        let at = ProviderConfig::default()
            .with_region(region)
            .with_http_client(http);
        let named = ProfileFileCredentialsProvider::builder().profile_name(profile);
        config = config.credentials_provider(named.configure(&at).build());
    }
    if let Some(url) = &common.endpoint_url {
        config.set_endpoint_url(Some(url.clone()));
    }
    Ok(Client::from_conf(config.build()))
}

/// What names another endpoint, and what it names.
fn endpoints(common: &Common) -> Vec<(&'static str, String)> {
    if let Some(url) = &common.endpoint_url {
        return vec![("--endpoint-url", url.clone())];
    }
    let named = ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"];
    let set = |name| Some((name, std::env::var(name).ok()?));
    named.into_iter().filter_map(set).collect()
}

/// Enough for the SDK, which panics at an empty one, and quotes its whole request at another.
fn is_url(text: &str) -> bool {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        let rows = [
            ("https://secretsmanager.eu-west-1.amazonaws.com", true),
            ("http://127.0.0.1:4566", true),
            ("", false),
            ("https://", false),
            ("localhost:4566", false),
            ("http://a b", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_url(text), expected, "{text}");
        }
    }
}
