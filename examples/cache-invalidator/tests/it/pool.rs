//! The same chain with PostgreSQL: alternating users, and a pool whose connections follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use consumer::{Login, PostgresManager, SecretCache};
use deadpool::managed::Pool;
use rotation_core::{Rotator, SecretValue};
use rotation_postgres::{AlternatingUsers, CaBundle, Connections};
use rotation_test_servers::postgres::PostgresServer;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use crate::support::relay::{Relay, To};

type Connected = Pool<PostgresManager<NoTls>>;

const CONNECTIONS: usize = 4;

struct Scene {
    server: PostgresServer,
    relay: Relay,
    cache: Arc<SecretCache<Login>>,
    pool: Connected,
}

impl Scene {
    async fn new() -> Self {
        let server = PostgresServer::start().unwrap();
        let login = |username: &str, password: &str| {
            json!({
                "engine": "postgres", "host": "localhost", "port": server.port(),
                "username": username, "password": password, "masterarn": "crm/superuser",
            })
        };
        let set_up = "CREATE ROLE app LOGIN PASSWORD 'sentinel-first'";
        administrator(&server).await.batch_execute(set_up).await.unwrap();
        let relay = Relay::new(To::Topic, &login("app", "sentinel-first")).await;
        let superuser = login(server.superuser(), server.superuser_password());
        let superuser = SecretValue::text(superuser.to_string());
        relay
            .simulator
            .operator()
            .create_secret("crm/superuser", superuser)
            .unwrap();
        let cache = relay.cache().await;
        let manager = PostgresManager::new(Arc::clone(&cache), address(&server), NoTls);
        let pool = Pool::builder(manager).max_size(CONNECTIONS).build().unwrap();
        Self {
            server,
            relay,
            cache,
            pool,
        }
    }

    async fn rotate(&self) -> String {
        let bundle = CaBundle::Pem(self.server.ca_pem().as_bytes().to_vec());
        let backend = AlternatingUsers::new(Connections::new(&bundle).unwrap());
        let simulator = &self.relay.simulator;
        let rotator = Rotator::new(backend, simulator.store()).with_clock(simulator.clock());
        self.relay.rotate(&rotator).await
    }

    /// The users of all connections of the pool at once.
    async fn users(&self) -> Vec<String> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(self.pool.get().await.unwrap());
        }
        let mut users = Vec::new();
        for connection in &connections {
            users.push(
                connection
                    .query_one("SELECT session_user::text", &[])
                    .await
                    .unwrap()
                    .get(0),
            );
        }
        users
    }

    /// Queries until it is told to end; how many failed.
    fn query(&self, over: &Arc<AtomicBool>) -> JoinHandle<usize> {
        let (pool, over) = (self.pool.clone(), Arc::clone(over));
        tokio::spawn(async move {
            let mut failed = 0;
            while !over.load(Ordering::SeqCst) {
                let worked = match pool.get().await {
                    Ok(connection) => connection.simple_query("SELECT 1").await.is_ok(),
                    Err(_) => false,
                };
                failed += usize::from(!worked);
                tokio::task::yield_now().await;
            }
            failed
        })
    }
}

async fn administrator(server: &PostgresServer) -> Client {
    let mut config = address(server);
    config
        .user(server.superuser())
        .password(server.superuser_password());
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn address(server: &PostgresServer) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(server.port()).dbname("postgres");
    config
}

#[tokio::test]
async fn the_pool_follows_the_event_and_no_query_fails() {
    let scene = Scene::new().await;
    assert_eq!(scene.users().await, ["app"; CONNECTIONS]);
    let over = Arc::new(AtomicBool::new(false));
    let queries: Vec<_> = (0..3).map(|_| scene.query(&over)).collect();
    for user in ["app_clone", "app", "app_clone"] {
        scene.rotate().await;
        scene.relay.deliver(&scene.relay.label_updated()).await;
        assert_eq!(scene.relay.hear(&scene.cache).await, 1);
        assert_eq!(scene.users().await, [user; CONNECTIONS]);
    }
    over.store(true, Ordering::SeqCst);
    for query in queries {
        assert_eq!(query.await.unwrap(), 0);
    }
    assert_eq!(
        scene.cache.stats().refusals,
        0,
        "each version was known before the one before it ended"
    );
    scene.relay.assert_nothing_printed();
}
