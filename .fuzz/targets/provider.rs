//! Descriptions of providers, and two rotations with each that is accepted.
//!
//! The input has parts with a line `---` between them: the description, the secret's document, and replies for
//! the requests in their order, of which the last is given to all that follow. A reply is a status, a space and
//! a body.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rotation_core::{Rotator, SecretValue};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, ProviderError};
use rotation_test_servers::http::{Answers, AtOnce};
use rotation_testkit::{SeededRandom, Simulator, StepResult};
use serde_json::Value;
use url::Url;

/// The hosts of the descriptions that are shipped, and another.
const HOSTS: [&str; 7] = [
    "api.vendor.com:8443",
    "api.sendgrid.com",
    "api.datadoghq.eu",
    "iam.twilio.com",
    "api.confluent.cloud",
    "api.cloudflare.com",
    "cloud.mongodb.com",
];

/// Stands in values of the corpus.
const SECRET: &str = "s3cr3t";
const ADMIN: &str = "SENTINEL-admin";

/// Reading never panics, an error quotes no value, and no request of what is accepted leaves the list.
#[allow(clippy::unwrap_used, reason = "a test")]
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut parts = text.split("\n---\n");
    let description = parts.next().unwrap_or_default();
    let provider = match Provider::from_json(description) {
        Ok(provider) => provider,
        Err(error) => return quotes_no_value(&error, description),
    };
    assert!(!format!("{provider:?}").contains(char::is_control));
    let document = parts.next().unwrap_or_default();
    let vendor = Vendor::new(parts);
    // Where the description says where the token stands, it is a document, and else it is the value itself.
    let fields = [
        "token",
        "user",
        "password",
        "client_id",
        "client_secret",
        "key_id",
        "api_key",
        "application_key",
    ];
    let fields = fields
        .map(|name| format!(r#""{name}":"{ADMIN}-{name}""#))
        .join(",");
    for admin in [format!("{{{fields}}}"), ADMIN.to_owned()] {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(rotate(provider.clone(), &admin, document, vendor.again()));
    }
}

#[allow(clippy::unwrap_used, reason = "a test")]
async fn rotate(provider: Provider, admin: &str, document: &str, vendor: Vendor) {
    let simulator = Simulator::new();
    let operator = simulator.operator();
    let admin = operator.create_secret("admin", SecretValue::text(admin)).unwrap();
    let Ok(arn) = operator.create_secret("crm", SecretValue::text(document)) else {
        // An empty value is none.
        return;
    };
    let hosts = AllowedHosts::new(HOSTS).unwrap();
    let Ok(backend) = HttpBackend::new(provider, Admin::secret(admin), hosts) else {
        return;
    };
    let rotator = Rotator::new(backend.with_transport(AtOnce(vendor)), simulator.store())
        .with_clock(simulator.clock())
        .with_random(SeededRandom::new(1));
    for _ in 0..2 {
        // Refused while the first one failed and is still under way.
        _ = operator.rotate(&arn);
        while let Some(run) = simulator.step(&rotator, Duration::from_secs(30)).await {
            if let StepResult::Failed(error) = run.result {
                let text = format!("{error} {error:?} {}", rotation_core::chain(&error));
                assert!(
                    !text.contains(ADMIN) && !text.contains(char::is_control),
                    "{text}"
                );
            }
        }
        simulator.skip(Duration::from_secs(24 * 60 * 60));
    }
}

/// Replies in their order, and looks at where requests go.
#[derive(Clone)]
struct Vendor {
    replies: Arc<Vec<(u16, Bytes)>>,
    asked: Arc<Mutex<usize>>,
}

impl Vendor {
    fn new<'a>(parts: impl Iterator<Item = &'a str>) -> Self {
        let replies = parts.map(|part| {
            let (status, body) = part.split_once(' ').unwrap_or((part, ""));
            let status = status.parse().ok().filter(|status| (100..600).contains(status));
            (status.unwrap_or(200), Bytes::copy_from_slice(body.as_bytes()))
        });
        Self {
            replies: Arc::new(replies.collect()),
            asked: Arc::default(),
        }
    }

    fn again(&self) -> Self {
        Self {
            asked: Arc::default(),
            ..self.clone()
        }
    }

    #[allow(clippy::unwrap_used, reason = "a test")]
    fn reply(&self) -> Response<Bytes> {
        let mut asked = self.asked.lock().unwrap();
        let (status, body) = match self.replies.get(*asked).or(self.replies.last()) {
            // Nobody waits for an end that does not come.
            Some(reply) if *asked < 60 => reply.clone(),
            _ => (400, Bytes::new()),
        };
        *asked += 1;
        let mut response = Response::new(body);
        *response.status_mut() = status.try_into().unwrap();
        response
    }
}

impl Answers for Vendor {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        stays_on_the_list(&request);
        self.reply()
    }
}

/// By both parsers: the one of the request, and the one of the client that connects.
#[allow(clippy::unwrap_used, reason = "a test")]
fn stays_on_the_list(request: &Request<Bytes>) {
    let uri = request.uri();
    let url = Url::parse(&uri.to_string()).unwrap();
    assert_eq!(
        (uri.scheme_str(), url.scheme()),
        (Some("https"), "https"),
        "{uri}"
    );
    assert!(url.username().is_empty() && url.password().is_none(), "{uri}");
    let of_url = (url.host_str().unwrap(), url.port_or_known_default());
    let of_uri = (uri.host().unwrap(), Some(uri.port_u16().unwrap_or(443)));
    assert_eq!(of_url, of_uri, "{uri}");
    let listed = |entry: &&str| {
        let (host, port) = entry.split_once(':').unwrap_or((entry, "443"));
        of_uri == (host, port.parse().ok())
    };
    assert!(HOSTS.iter().any(listed), "{uri}");
    assert!(!uri.to_string().contains(ADMIN), "{uri}");
    let host = request.headers().get("host").map(|host| host.to_str().unwrap());
    assert!(host.is_none_or(|host| HOSTS.contains(&host)), "{host:?}");
}

/// Templates and the names of fields may be quoted.
fn quotes_no_value(error: &ProviderError, description: &str) {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
    // In what is no JSON, a value may stand in the place of a name.
    let Ok(rest) = serde_json::from_str::<Value>(description) else {
        return;
    };
    // What stands there, and is no template.
    let mut values = 0;
    for place in [
        "/documentation",
        "/key_policy/exclude_characters",
        "/lacks",
        "/max_keys",
        "/may_lack",
    ] {
        values += rest
            .pointer(place)
            .map_or(0, |value| value.to_string().matches(SECRET).count());
    }
    let elsewhere = description.matches(SECRET).count() > values;
    assert!(!text.contains(SECRET) || elsewhere, "{text}");
}
