//! A PostgreSQL server on loopback, for the README's local run. Writes the simulator's seed file and the
//! server's CA bundle, says what to set, and serves until it is stopped.

use std::io::{self, Write};
use std::path::PathBuf;

use rotation_test_servers::postgres::PostgresServer;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), rotation_lambda::Error> {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    let folder =
        folder.ok_or_else(|| io::Error::other("name a folder to write to: --example server -- /tmp"))?;
    let server = PostgresServer::builder()
        .setting("log_statement", "ddl")
        .start()?;
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(server.port())
        .dbname("postgres")
        .user(server.superuser())
        .password(server.superuser_password());
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute("CREATE ROLE app LOGIN PASSWORD 'made-by-hand'")
        .await?;
    let document = |user: &str, password: &str| -> Value {
        json!({
            "engine": "postgres", "host": "localhost", "port": server.port(),
            "username": user, "password": password, "masterarn": "crm/superuser",
        })
    };
    let seed = json!({"secrets": [
        {"name": "crm/superuser", "value": document(server.superuser(), server.superuser_password())},
        {"name": "crm/app", "value": document("app", "made-by-hand")},
    ]});
    let bundle = folder.join("server-ca.pem");
    std::fs::write(&bundle, server.ca_pem())?;
    std::fs::write(folder.join("seed.json"), seed.to_string())?;
    let mut out = io::stdout();
    writeln!(
        out,
        "PostgreSQL {} from {}",
        server.major(),
        server.bin_dir().display()
    )?;
    writeln!(out, "export POSTGRES_CA_BUNDLE={}", bundle.display())?;
    let mut seen = server.log().len();
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let log = server.log();
        let statements = log.get(seen..).unwrap_or_default().lines();
        for line in statements.filter(|line| line.contains("statement:")) {
            writeln!(out, "{line}")?;
        }
        seen = log.len();
    }
}
