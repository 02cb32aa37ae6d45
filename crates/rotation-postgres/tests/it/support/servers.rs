//! The servers of this binary, and what reaches them.

use std::sync::{LazyLock, OnceLock};

use rotation_postgres::{AlternatingUsers, CaBundle, Connections, OwnerRole, SingleUser};
use rotation_test_servers::postgres::{Authority, Certificate, PostgresServer, WireProxy};
use rotation_testkit::Faults;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// The server for all tests that do not ask for another; it ends with the process.
pub(crate) fn server() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(start)
}

/// One authority and one certificate for all servers of this binary.
static TLS: LazyLock<(String, Certificate)> = LazyLock::new(|| {
    let authority = Authority::new().unwrap();
    let certificate = authority.issue(&["localhost", "127.0.0.1"]).unwrap();
    (authority.pem().to_owned(), certificate)
});

/// Another server that [`connections`] trusts.
pub(crate) fn start() -> PostgresServer {
    let (_, certificate) = &*TLS;
    PostgresServer::builder()
        .certificate(Authority::new().unwrap(), certificate.clone())
        .setting("log_statement", "all")
        .setting("log_connections", "on")
        .setting("max_connections", "300")
        .start()
        .unwrap()
}

/// Connections that trust the servers of this binary.
pub(crate) fn connections() -> Connections {
    let (pem, _) = &*TLS;
    Connections::new(&CaBundle::Pem(pem.as_bytes().to_vec())).unwrap()
}

pub(crate) fn single() -> SingleUser {
    SingleUser::new(connections())
}

pub(crate) fn alternating() -> AlternatingUsers {
    AlternatingUsers::new(connections())
}

/// Alternating users that share an owner role, which is created.
pub(crate) fn sharing(owner: &str) -> AlternatingUsers {
    alternating().with_owner_role(OwnerRole::created(owner))
}

/// The same without TLS, for proxies that read the messages.
pub(crate) fn alternating_in_clear() -> AlternatingUsers {
    AlternatingUsers::new(connections().allowing_plaintext())
}

pub(crate) fn sharing_in_clear(owner: &str) -> AlternatingUsers {
    alternating_in_clear().with_owner_role(OwnerRole::created(owner))
}

/// A proxy to the server, under these faults.
pub(crate) async fn proxy(server: &PostgresServer, faults: Faults) -> WireProxy {
    let upstream = ([127, 0, 0, 1], server.port()).into();
    WireProxy::start(upstream, faults).await.unwrap()
}

pub(crate) async fn login(
    port: u16,
    database: &str,
    user: &str,
    password: &str,
) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .dbname(database)
        .user(user)
        .password(password);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub(crate) async fn rows(client: &Client, sql: &str) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?;
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|column| row.get(column).unwrap_or("-").to_owned())
                .collect(),
        ),
        _ => None,
    };
    Ok(messages.into_iter().filter_map(row).collect())
}
