//! What happens: a server, a secret, an application, three rotations, and the count at the end.

use std::error::Error;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rotation_core::{Rotator, SecretValue};
use rotation_postgres::{AlternatingUsers, CaBundle, Connections, OwnerRole};
use rotation_test_servers::postgres::PostgresServer;
use rotation_testkit::{Simulator, SimulatorStore, StepResult, TravelClock};
use serde_json::json;
use tokio_postgres::{Config, NoTls};

use crate::application::{Application, Login};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// What a Lambda function would have left at the start of each step.
const REMAINING: Duration = Duration::from_secs(30);

const ROTATIONS: usize = 3;

/// How many queries the application has to make before the next step begins.
const QUERIES: usize = 25;

/// Rotates three times and says whether every query was answered.
pub(crate) async fn run(out: &mut impl Write) -> Result<bool> {
    let server = PostgresServer::start()?;
    writeln!(
        out,
        "Three rotations of alternating users, while an application keeps querying."
    )?;
    let (major, bin, port) = (server.major(), server.bin_dir().display(), server.port());
    writeln!(
        out,
        "  server           PostgreSQL {major} from {bin}, at localhost:{port}"
    )?;
    writeln!(out, "  Secrets Manager  simulated")?;
    let simulator = Simulator::with_clock(TravelClock::new());
    let secret = set_up(&server, &simulator).await?;
    let scene = Scene {
        rotator: rotator(&server, &simulator)?,
        application: Application::start(&simulator, &secret.arn),
        simulator,
        secret,
    };
    for number in 1..=ROTATIONS {
        writeln!(out, "\nRotation {number}")?;
        scene.rotate(out).await?;
    }
    let counts = scene.application.end().await;
    let (good, bad) = (
        counts.good.load(Ordering::SeqCst),
        counts.bad.load(Ordering::SeqCst),
    );
    writeln!(out, "\nqueries answered: {good}")?;
    writeln!(out, "failed queries: {bad}")?;
    Ok(bad == 0)
}

struct Secret {
    arn: String,
    superuser: String,
}

/// An application's user with a table, and the two secrets.
async fn set_up(server: &PostgresServer, simulator: &Simulator) -> Result<Secret> {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(server.port())
        .dbname("postgres")
        .user(server.superuser())
        .password(server.superuser_password());
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE ROLE app LOGIN PASSWORD 'made-by-hand'; CREATE ROLE app_owner; \
             CREATE TABLE visits (at timestamptz DEFAULT now()); ALTER TABLE visits OWNER TO app_owner; \
             GRANT app_owner TO app; ALTER ROLE app SET role = 'app_owner'",
        )
        .await?;
    let operator = simulator.operator();
    let superuser = json!({
        "engine": "postgres", "host": "localhost", "port": server.port(),
        "username": server.superuser(), "password": server.superuser_password(),
    });
    let superuser = operator.create_secret("crm/superuser", SecretValue::text(superuser.to_string()))?;
    let document = json!({
        "engine": "postgres", "host": "localhost", "port": server.port(),
        "username": "app", "password": "made-by-hand", "masterarn": superuser,
    });
    let arn = operator.create_secret("crm/app", SecretValue::text(document.to_string()))?;
    Ok(Secret { arn, superuser })
}

/// What a Lambda function would put together at its start.
fn rotator(
    server: &PostgresServer,
    simulator: &Simulator,
) -> Result<Rotator<AlternatingUsers, SimulatorStore>> {
    let bundle = CaBundle::Pem(server.ca_pem().as_bytes().to_vec());
    let backend =
        AlternatingUsers::new(Connections::new(&bundle)?).with_owner_role(OwnerRole::existing("app_owner"));
    Ok(Rotator::new(backend, simulator.store()).with_clock(simulator.clock()))
}

struct Scene {
    simulator: Simulator,
    rotator: Rotator<AlternatingUsers, SimulatorStore>,
    application: Application,
    secret: Secret,
}

impl Scene {
    async fn rotate(&self, out: &mut impl Write) -> Result<()> {
        self.simulator.clear_calls();
        self.simulator.operator().rotate(&self.secret.arn)?;
        let mut before = self.answered();
        while let Some(run) = self.simulator.step(&self.rotator, REMAINING).await {
            let step = run.invocation.event.step();
            let outcome = match &run.result {
                StepResult::Done(report) => report.outcome.as_str().replace('_', " "),
                StepResult::Failed(error) => return Err(rotation_core::chain(error).into()),
                _ => return Err(format!("{step} was cut off").into()),
            };
            let took = run.duration.as_secs_f64() * 1000.0;
            self.some_queries().await;
            let after = self.answered();
            let (good, bad) = (after.0 - before.0, after.1 - before.1);
            before = after;
            writeln!(
                out,
                "  {step:<13} {took:>7.1} ms   {outcome:<9} meanwhile {good:>4} queries answered, {bad} failed"
            )?;
        }
        let calls = self.simulator.calls();
        let reads = calls
            .iter()
            .filter(|call| call.secret_id == self.secret.superuser)
            .count();
        let user = Login::current(&self.simulator, &self.secret.arn)
            .ok_or("AWSCURRENT cannot be read")?
            .username;
        writeln!(out, "  AWSCURRENT: {user}")?;
        match reads {
            0 => writeln!(
                out,
                "  superuser secret: not read; the user changed its own password"
            )?,
            1 => writeln!(out, "  superuser secret: read once, to create {user}")?,
            more => writeln!(out, "  superuser secret: read {more} times")?,
        }
        Ok(())
    }

    /// The application's queries so far: answered, failed.
    fn answered(&self) -> (usize, usize) {
        let counts = &self.application.counts;
        (
            counts.good.load(Ordering::SeqCst),
            counts.bad.load(Ordering::SeqCst),
        )
    }

    /// Lets the application work on what the step left.
    async fn some_queries(&self) {
        let counts = &self.application.counts;
        let enough = counts.all() + QUERIES;
        // A task of a busy machine may stand still between its read and its login. The next rotation comes so soon here
        // that the credential which it read would be over then: so each has begun its second read.
        let reads = counts.reads() + 2;
        while counts.all() < enough || counts.reads() < reads {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
