//! PostgreSQL: a pool under alternating users, and one under a single user.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use consumer::{Login, PostgresManager, SecretCache, SecretsManager};
use deadpool::Runtime;
use deadpool::managed::{Object, Pool};
use rotation_core::{Rotate, Rotator, SecretValue};
use rotation_postgres::{AlternatingUsers, CaBundle, Connections, OwnerRole, SingleUser};
use rotation_test_servers::postgres::PostgresServer;
use rotation_testkit::server::SimulatorServer;
use rotation_testkit::{Simulator, TravelClock};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Counts, Result, client, settings, step, trusting, until};

const CONNECTIONS: usize = 4;
const QUERIES: usize = 25;
/// How many queries a connection serves before the application throws it away, as a pool with a longest
/// lifetime does: so that there are logins at every moment.
const LIFETIME: usize = 10;

type Manager = PostgresManager<MakeRustlsConnect>;

/// Rotates four times; the number of queries that failed.
pub(crate) async fn run(out: &mut impl Write) -> Result<usize> {
    let scene = Scene::new().await?;
    let server = &scene.server;
    writeln!(
        out,
        "PostgreSQL under pools of {CONNECTIONS} connections that keep querying."
    )?;
    let (major, bin, port) = (server.major(), server.bin_dir().display(), server.port());
    writeln!(
        out,
        "  server           PostgreSQL {major} from {bin}, at localhost:{port}, with TLS"
    )?;
    writeln!(
        out,
        "  Secrets Manager  {}, simulated, read with the SDK",
        scene.service.endpoint_url()
    )?;
    writeln!(
        out,
        "\n{:<48}{:>8}{:>16}{:>7}{:>8}   sessions",
        "rotation", "answered", "refused logins", "reads", "failed"
    )?;

    let bundle = CaBundle::Pem(server.ca_pem().as_bytes().to_vec());
    let alternating = AlternatingUsers::new(Connections::new(&bundle)?);
    let alternating = alternating.with_owner_role(OwnerRole::existing("app_owner"));
    let alternating = Rotator::new(alternating, scene.simulator.store()).with_clock(scene.simulator.clock());
    let application = Application::start(&scene, "crm/app").await?;
    for (title, pushed) in [
        ("1  alternating users, pushed", true),
        ("2  alternating users, the old sessions go on", false),
        ("3  alternating users, pushed", true),
    ] {
        scene
            .rotate(out, (title, "crm/app"), &application, &alternating, pushed)
            .await?;
    }
    let mut failed = application.end().await;

    let single = Rotator::new(
        SingleUser::new(Connections::new(&bundle)?),
        scene.simulator.store(),
    );
    let single = single.with_clock(scene.simulator.clock());
    let application = Application::start(&scene, "crm/batch").await?;
    let title = ("4  a single user, logins in the window wait", "crm/batch");
    scene.rotate(out, title, &application, &single, true).await?;
    failed += application.end().await;
    Ok(failed)
}

struct Scene {
    server: PostgresServer,
    administrator: Client,
    simulator: Simulator,
    service: SimulatorServer,
}

impl Scene {
    /// Users with a table, and their secrets.
    async fn new() -> Result<Self> {
        let server = PostgresServer::start()?;
        let mut config = Config::new();
        config.host("127.0.0.1").port(server.port()).dbname("postgres");
        config
            .user(server.superuser())
            .password(server.superuser_password());
        let (administrator, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        let set_up = "CREATE ROLE app LOGIN PASSWORD 'made-by-hand'; CREATE ROLE app_owner; \
             CREATE TABLE visits (at timestamptz DEFAULT now()); ALTER TABLE visits OWNER TO app_owner; \
             GRANT app_owner TO app; ALTER ROLE app SET role = 'app_owner'; \
             CREATE ROLE batch LOGIN PASSWORD 'made-by-hand'; GRANT INSERT ON visits TO batch";
        administrator.batch_execute(set_up).await?;
        let simulator = Simulator::with_clock(TravelClock::new());
        let login = |username: &str, password: &str, superuser: Option<&str>| {
            json!({
                "engine": "postgres", "host": "localhost", "port": server.port(),
                "username": username, "password": password, "masterarn": superuser,
            })
        };
        let create = |name: &str, document: Value| {
            let value = SecretValue::text(document.to_string());
            simulator.operator().create_secret(name, value)
        };
        let superuser = login(server.superuser(), server.superuser_password(), None);
        let superuser = create("crm/superuser", superuser)?;
        create("crm/app", login("app", "made-by-hand", Some(&superuser)))?;
        create("crm/batch", login("batch", "made-by-hand", None))?;
        let service = simulator.serve().await?;
        Ok(Self {
            server,
            administrator,
            simulator,
            service,
        })
    }

    /// One rotation, and the row that tells of it.
    async fn rotate(
        &self,
        out: &mut impl Write,
        (title, secret): (&str, &str),
        application: &Application,
        rotator: &dyn Rotate,
        pushed: bool,
    ) -> Result<()> {
        let (counts, cache) = (&application.counts, &application.cache);
        counts.more(QUERIES).await?;
        let (good, bad, stats) = (counts.good(), counts.bad(), cache.stats());
        let version = self.simulator.operator().rotate(secret)?;
        while let Some(step) = step(&self.simulator, rotator).await? {
            // In the window of a single user no login works, and those who try one wait.
            if secret == "crm/batch" && step == "setSecret" {
                application.refused().await?;
            } else if secret != "crm/batch" {
                counts.more(QUERIES).await?;
            }
        }
        if pushed {
            cache.announce(&version);
        }
        counts.more(QUERIES * CONNECTIONS).await?;
        let now = cache.stats();
        let (answered, failed) = (counts.good() - good, counts.bad() - bad);
        let (refused, reads) = (now.refusals - stats.refusals, now.reads - stats.reads);
        let sessions = self.sessions().await?;
        writeln!(
            out,
            "{title:<48}{answered:>8}{refused:>16}{reads:>7}{failed:>8}   {sessions}"
        )?;
        Ok(())
    }

    /// The users of the sessions there are, with how many of them.
    async fn sessions(&self) -> Result<String> {
        let query = "SELECT usename || ': ' || count(*) FROM pg_stat_activity \
                     WHERE usename <> current_user GROUP BY usename ORDER BY usename";
        // At times all of them are being replaced.
        for _ in 0..1000 {
            let rows = self.administrator.query(query, &[]).await?;
            if !rows.is_empty() {
                let users: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                return Ok(users.join(", "));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err("the application has no session".into())
    }
}

/// Inserts rows over a pool, for as long as nobody ends it.
struct Application {
    cache: Arc<SecretCache<Login>>,
    counts: Arc<Counts>,
    tasks: Vec<JoinHandle<()>>,
}

impl Application {
    async fn start(scene: &Scene, secret: &str) -> Result<Self> {
        let source = SecretsManager::new(client(&scene.service).await, secret);
        let (cache, counts) = (
            Arc::new(SecretCache::new(source).with_settings(settings())),
            Arc::new(Counts::default()),
        );
        let pool = pool(&scene.server, Arc::clone(&cache))?;
        let tasks = (0..CONNECTIONS).map(|_| tokio::spawn(work(pool.clone(), Arc::clone(&counts))));
        let tasks = tasks.collect();
        Ok(Self { cache, counts, tasks })
    }

    /// Waits until a login has been refused.
    async fn refused(&self) -> Result<()> {
        let before = self.cache.stats().refusals;
        until("a refused login", || self.cache.stats().refusals > before).await
    }

    async fn end(self) -> usize {
        self.counts.end();
        for task in self.tasks {
            // It ends by itself; one that panicked has counted what it did before.
            _ = task.await;
        }
        self.counts.bad()
    }
}

/// The pool as an application makes it: where to is its own configuration, as whom is the secret's.
fn pool(server: &PostgresServer, cache: Arc<SecretCache<Login>>) -> Result<Pool<Manager>> {
    let mut config = Config::new();
    config.host("localhost").port(server.port()).dbname("postgres");
    config
        .ssl_mode(SslMode::Require)
        .connect_timeout(Duration::from_secs(5));
    let manager = PostgresManager::new(cache, config, tls(server.ca_pem())?);
    // A login may wait for as long as the cache's budget.
    let time = Some(2 * settings().budget);
    let pool = Pool::builder(manager)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1);
    Ok(pool
        .wait_timeout(time)
        .create_timeout(time)
        .recycle_timeout(time)
        .build()?)
}

/// Verifies the server's certificate and name.
fn tls(ca_pem: &str) -> Result<MakeRustlsConnect> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    Ok(MakeRustlsConnect::new(trusting(roots)?))
}

async fn work(pool: Pool<Manager>, counts: Arc<Counts>) {
    for number in 1.. {
        if counts.is_over() {
            break;
        }
        let worked = match pool.get().await {
            Ok(connection) => {
                let done = connection.execute("INSERT INTO visits DEFAULT VALUES", &[]).await;
                if number % LIFETIME == 0 {
                    drop(Object::take(connection));
                }
                done.is_ok()
            }
            Err(_) => false,
        };
        counts.count(worked);
    }
}
