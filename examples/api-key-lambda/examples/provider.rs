//! A key provider on loopback, for the README's local run. Writes the simulator's seed file, says what
//! to set, and serves until it is stopped.

use std::io::{self, Write};

use rotation_test_servers::http::KeyProvider;
use serde_json::json;

const ADMIN_TOKEN: &str = "local-admin-token";

#[tokio::main]
async fn main() -> io::Result<()> {
    let file = std::env::args()
        .nth(1)
        .ok_or_else(|| io::Error::other("name the seed file to write: --example provider -- seed.json"))?;
    let provider = KeyProvider::new(ADMIN_TOKEN);
    let (key_id, api_key) = provider.make_key("made by hand");
    let server = provider.serve().await?;
    let value = json!({
        "api_endpoint": server.base_url(), "account_id": "7", "api_key": api_key, "key_id": key_id,
    });
    let seed = json!({"secrets": [{"name": "crm", "value": value}]});
    std::fs::write(file, seed.to_string())?;
    writeln!(
        io::stdout(),
        "export ADMIN_TOKEN={ADMIN_TOKEN} ALLOWED_API_HOSTS={}",
        server.address()
    )?;
    let mut seen = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let requests = provider.requests();
        for request in requests.iter().skip(seen) {
            writeln!(io::stdout(), "{request}")?;
        }
        seen = requests.len();
    }
}
