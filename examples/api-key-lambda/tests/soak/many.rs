//! Many secrets, each with a key at one provider, and built functions that rotate them.

use std::collections::BTreeSet;
use std::time::Duration;

use rotation_lambda::rotation_core::SecretValue;
use rotation_lambda_host::{Function, Invoked};
use rotation_test_servers::http::{KeyProvider, KeyServer};
use rotation_testkit::model::{Invocation, InvocationResult};
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, TravelClock};
use serde_json::{Value, json};

use super::measure::{Measure, process_with};

const ADMIN_TOKEN: &str = "sentinel-admin-token";

pub(crate) struct Many {
    simulator: Simulator,
    provider: KeyProvider,
    functions: Vec<Function>,
    names: Vec<String>,
    secrets: Vec<String>,
    deliveries: usize,
    _server: SimulatorServer,
    _keys: KeyServer,
}

impl Many {
    /// `name` is in the environment of the functions' processes.
    pub(crate) async fn start(name: &str, secrets: usize, functions: usize) -> Self {
        let simulator = Simulator::with_clock(TravelClock::new());
        simulator.configure(|options| options.replay_interval = Duration::from_millis(1));
        let provider = KeyProvider::new(ADMIN_TOKEN);
        let keys = provider.serve().await.unwrap();
        let server = SimulatorServer::builder(simulator.clone()).function_access_key(Function::ACCESS_KEY_ID);
        let server = server.start().await.unwrap();
        let names: Vec<_> = (0..functions).map(|n| format!("{name}-{n}")).collect();
        let mut started = Vec::new();
        for name in &names {
            let function = Function::builder(env!("CARGO_BIN_EXE_api-key-rotator"))
                .env("ADMIN_TOKEN", ADMIN_TOKEN)
                .env("ALLOWED_API_HOSTS", keys.address().to_string())
                .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.endpoint_url())
                .env("SOAK", name);
            started.push(function.start().await.unwrap());
        }
        let mut many = Self {
            simulator,
            provider,
            functions: started,
            names,
            secrets: Vec::new(),
            deliveries: 0,
            _server: server,
            _keys: keys,
        };
        for n in 0..secrets {
            many.secrets.push(many.secret(n, &many._keys.base_url()));
        }
        many
    }

    fn secret(&self, n: usize, endpoint: &str) -> String {
        let (id, key) = self.provider.make_key("made by hand");
        let document = json!({
            "account_id": n, "api_endpoint": endpoint, "api_key": key, "key_id": id, "note": "sentinel-note",
        });
        let value = SecretValue::text(document.to_string());
        let operator = self.simulator.operator();
        let arn = operator.create_secret(&format!("soak/{n}"), value).unwrap();
        operator
            .set_up_rotation(&arn, &self.functions[0].arn(), 30)
            .unwrap();
        arn
    }

    /// Rotates every secret; how many invocations failed and were repeated.
    pub(crate) async fn round(&mut self) -> usize {
        let tokens: Vec<_> = self
            .secrets
            .iter()
            .map(|arn| self.simulator.operator().rotate(arn).unwrap())
            .collect();
        let mut failed = 0;
        loop {
            if let Some(invocation) = self.simulator.next_invocation() {
                let result = self.deliver(&invocation).await;
                failed += usize::from(matches!(result, InvocationResult::Failed(_)));
                self.simulator.report(&invocation, result);
            } else if self.simulator.next_due().is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            } else {
                break;
            }
        }
        for (arn, token) in self.secrets.iter().zip(tokens) {
            let labels = self.simulator.labels(arn);
            assert_eq!(
                labels.version_with("AWSCURRENT"),
                Some(token.as_str()),
                "{labels}"
            );
        }
        failed
    }

    /// Hands the step to every function at the same time. The service hears of one answer, in turns.
    async fn deliver(&mut self, invocation: &Invocation) -> InvocationResult {
        let event = &invocation.event;
        let event = json!({
            "Step": event.step(), "SecretId": event.secret_id(), "ClientRequestToken": event.client_request_token(),
        });
        let mut answers = match self.functions.as_slice() {
            [one, other] => {
                let (one, other) = tokio::join!(one.invoke(&event), other.invoke(&event));
                vec![one, other]
            }
            functions => vec![functions[0].invoke(&event).await],
        };
        self.deliveries += 1;
        let heard = answers.swap_remove(self.deliveries % answers.len());
        match heard {
            Invoked {
                failed: true,
                payload,
                ..
            } => InvocationResult::Failed(payload.to_string()),
            _ => InvocationResult::Succeeded,
        }
    }

    /// How many keys were made at the provider.
    pub(crate) fn made(&self) -> usize {
        let requests = self.provider.requests();
        requests
            .iter()
            .filter(|request| *request == "POST /api-keys 201")
            .count()
    }

    /// What each function's process holds. Each has had one process, from its first invocation on.
    pub(crate) fn measure(&self) -> Vec<Measure> {
        let functions = self.functions.iter().zip(&self.names);
        functions
            .map(|(function, name)| {
                assert_eq!(
                    function.cold_starts(),
                    1,
                    "another process: {}",
                    function.output()
                );
                Measure::of(&process_with(&format!("SOAK={name}")))
            })
            .collect()
    }

    /// Every `AWSCURRENT` works at the provider, and a labelled version holds every key that is alive.
    pub(crate) fn check(&self) {
        let mut held = BTreeSet::new();
        for arn in &self.secrets {
            for label in ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"] {
                let Ok(value) = self.simulator.operator().value(arn, label) else {
                    continue;
                };
                let document: Value = value.decode().unwrap();
                let key = document["api_key"].as_str().unwrap();
                assert!(self.provider.authenticates(key), "{label} of {arn} does not work");
                assert_eq!(document["note"], "sentinel-note");
                held.insert(document["key_id"].as_str().unwrap().to_owned());
            }
        }
        let alive: BTreeSet<_> = self.provider.alive().into_iter().map(|key| key.id).collect();
        assert_eq!(
            alive.difference(&held).collect::<Vec<_>>(),
            [""; 0],
            "no version holds these keys"
        );
    }
}
