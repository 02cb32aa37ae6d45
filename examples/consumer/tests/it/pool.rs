//! The pool on a real PostgreSQL server.
use std::sync::Arc;
use std::time::Duration;

use consumer::{CallError, Login, PostgresManager, ReadError, SecretCache, Settings, Source, Version};
use deadpool::managed::{Pool, PoolError};
use rotation_core::{AWSCURRENT, SecretValue, async_trait};
use rotation_test_servers::postgres::PostgresServer;
use rotation_testkit::{Simulator, TravelClock};
use tokio_postgres::{Config, NoTls};

const SECRET: &str = "crm/app";

/// The simulator in process, as the operator sees it.
struct InProcess(Simulator);

#[async_trait]
impl Source for InProcess {
    async fn current(&self) -> Result<Version, ReadError> {
        let labels = self.0.labels(SECRET);
        let id = labels
            .version_with(AWSCURRENT)
            .ok_or_else(|| ReadError::new("nothing is AWSCURRENT"))?;
        let value = self.0.operator().value(SECRET, AWSCURRENT);
        let value = value.map_err(|error| ReadError::new(error.to_string()))?;
        Ok(Version {
            id: id.to_owned(),
            value,
        })
    }
}

struct Scene {
    server: PostgresServer,
    administrator: tokio_postgres::Client,
    simulator: Simulator,
    cache: Arc<SecretCache<Login>>,
    pool: Pool<PostgresManager<NoTls>>,
}

impl Scene {
    /// `app`'s password is `sentinel-1`; the secret may say otherwise.
    async fn new(stored: &str) -> Self {
        let server = PostgresServer::start().unwrap();
        let port = server.port();
        let mut config = address(port);
        config
            .user(server.superuser())
            .password(server.superuser_password());
        let (administrator, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let role = "CREATE ROLE app LOGIN PASSWORD 'sentinel-1'";
        administrator.batch_execute(role).await.unwrap();
        let simulator = Simulator::with_clock(TravelClock::new());
        simulator.operator().create_secret(SECRET, value(stored)).unwrap();
        let cache = Arc::new(SecretCache::new(InProcess(simulator.clone())));
        let manager = PostgresManager::new(Arc::clone(&cache), address(port), NoTls);
        let pool = Pool::builder(manager).max_size(4).build().unwrap();
        Self {
            server,
            administrator,
            simulator,
            cache,
            pool,
        }
    }

    /// A single user's password changes, and then AWSCURRENT moves: the version.
    async fn rotate(&self, password: &str) -> String {
        self.set_password(password).await;
        self.simulator.operator().put(SECRET, value(password)).unwrap()
    }

    async fn set_password(&self, password: &str) {
        let statement = format!("ALTER ROLE app PASSWORD '{password}'");
        self.administrator.batch_execute(&statement).await.unwrap();
    }

    fn refused_logins(&self) -> usize {
        self.server
            .log()
            .matches("password authentication failed")
            .count()
    }

    /// All connections of the pool at once; the versions that they were made with.
    async fn versions(&self) -> Vec<String> {
        let mut connections = Vec::new();
        for _ in 0..4 {
            connections.push(self.pool.get().await.unwrap());
        }
        let mut versions = Vec::new();
        for connection in &connections {
            connection.simple_query("SELECT 1").await.unwrap();
            versions.push(connection.version().to_owned());
        }
        versions
    }
}

fn address(port: u16) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).dbname("postgres");
    config
}

fn value(password: &str) -> SecretValue {
    let document = format!(
        r#"{{"engine": "postgres", "host": "ignored", "username": "app", "password": "{password}"}}"#
    );
    SecretValue::text(document)
}

#[tokio::test]
async fn connections_are_replaced_once_the_version_is_known_and_not_before() {
    let scene = Scene::new("sentinel-1").await;
    let first = scene.versions().await;
    let version = scene.rotate("sentinel-2").await;
    assert_eq!(
        scene.versions().await,
        first,
        "sessions survive the change of the password"
    );
    assert!(scene.cache.announce(&version));
    assert_eq!(scene.versions().await, vec![version; 4]);
    assert_eq!(scene.refused_logins(), 0);
}

#[tokio::test]
async fn the_time_to_live_replaces_them_too() {
    let scene = Scene::new("sentinel-1").await;
    let mut settings = Settings::default();
    settings.ttl = Duration::ZERO;
    let cache = Arc::new(SecretCache::new(InProcess(scene.simulator.clone())).with_settings(settings));
    let manager = PostgresManager::new(cache, address(scene.server.port()), NoTls);
    let pool: Pool<PostgresManager<NoTls>> = Pool::builder(manager).max_size(1).build().unwrap();
    drop(pool.get().await.unwrap());
    let version = scene.rotate("sentinel-2").await;
    assert_eq!(pool.get().await.unwrap().version(), version);
}

/// Somebody stores a password that is not the user's: the sessions that work are kept.
#[tokio::test]
async fn a_wrong_current_password_costs_no_session_and_one_login() {
    let scene = Scene::new("sentinel-1").await;
    let first = scene.versions().await;
    let wrong = scene
        .simulator
        .operator()
        .put(SECRET, value("sentinel-wrong"))
        .unwrap();
    scene.cache.announce(&wrong);
    for _ in 0..5 {
        assert_eq!(scene.versions().await, first);
    }
    assert_eq!(scene.refused_logins(), 1);
    let right = scene.rotate("sentinel-2").await;
    // Nobody says so; a refused version is looked beyond all the same, after a pause.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.versions().await, vec![right; 4]);
}

#[tokio::test]
async fn a_password_that_is_wrong_from_the_start_is_tried_once() {
    let scene = Scene::new("sentinel-wrong").await;
    for _ in 0..20 {
        let error = scene.pool.get().await.err().unwrap();
        let PoolError::Backend(CallError::Refused { .. }) = &error else {
            panic!("{error:?}")
        };
        assert!(!format!("{error} {error:?}").contains("sentinel"), "{error:?}");
    }
    assert_eq!(scene.refused_logins(), 1);
}

/// setSecret has changed the password, finishSecret has not moved AWSCURRENT yet.
#[tokio::test]
async fn a_login_in_the_window_of_a_single_user_waits_for_its_end() {
    let scene = Scene::new("sentinel-1").await;
    drop(scene.pool.get().await.unwrap());
    scene.pool.retain(|_, _| false);
    scene.set_password("sentinel-2").await;
    let promote = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        scene
            .simulator
            .operator()
            .put(SECRET, value("sentinel-2"))
            .unwrap()
    };
    let (connection, version) = tokio::join!(scene.pool.get(), promote);
    assert_eq!(connection.unwrap().version(), version);
    assert_eq!(scene.refused_logins(), 1);
}

/// A server that is away says nothing about the password.
#[tokio::test]
async fn a_server_that_is_away_is_no_refusal() {
    let mut scene = Scene::new("sentinel-1").await;
    scene.server.stop();
    let error = scene.pool.get().await.err().unwrap();
    assert!(
        matches!(&error, PoolError::Backend(CallError::Request(_))),
        "{error:?}"
    );
    assert_eq!((scene.cache.stats().reads, scene.cache.stats().refusals), (1, 0));
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_password() {
    let scene = Scene::new("sentinel-1").await;
    let connection = scene.pool.get().await.unwrap();
    let login = scene.cache.current().await.unwrap();
    let printed = format!(
        "{:?} {:?} {login:?} {:?}",
        scene.pool.manager(),
        *connection,
        **login
    );
    assert!(!printed.contains("sentinel"), "{printed}");
    assert!(printed.contains("app"), "{printed}");
}
