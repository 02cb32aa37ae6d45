//! The store over the real SDK, against the simulator's socket, keeps the contract of stores: the same suite
//! as the simulator's own.
use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::{Client, Config};
use aws_smithy_http_client::tls;
use rotation_core::async_trait;
use rotation_secretsmanager::SecretsManagerStore;
use rotation_testkit::Simulator;
use rotation_testkit::conformance::store::{self, StagedStore, StoreSubject};
use rotation_testkit::server::SimulatorServer;

const FUNCTION_KEY: &str = "AKIAFUNCTION";

struct OverTheSocket;

#[async_trait]
impl StoreSubject for OverTheSocket {
    async fn stage(&self) -> StagedStore {
        let simulator = Simulator::new();
        let server = SimulatorServer::builder(simulator.clone())
            .function_access_key(FUNCTION_KEY)
            .start()
            .await
            .unwrap();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .endpoint_url(server.endpoint_url())
            .credentials_provider(Credentials::new(FUNCTION_KEY, "signing-key", None, None, "test"))
            .http_client(http)
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .build();
        StagedStore::new(simulator, SecretsManagerStore::new(Client::from_conf(config))).keeping(server)
    }
}

#[tokio::test]
async fn the_store_over_the_sdk_keeps_the_contract() {
    let report = store::check(&OverTheSocket).await;
    println!("{report}");
    report.assert_holds();
}
