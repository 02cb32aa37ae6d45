//! What happens: the parts put together, three rotations, and the count at the end.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use rotation_core::{AWSCURRENT, Clock, Rotate, Rotator, SecretValue};
use rotation_http::{Admin, AllowedHosts, HttpBackend, Provider, ProviderError, Request};
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::{Fault, Simulator, StepResult, TravelClock};
use serde_json::{Value, json};

use crate::breakage::ListsNothing;
use crate::report::{Paper, Tone};

/// What a Lambda function would have left at the start of each step.
const REMAINING: Duration = Duration::from_secs(30);

const ROTATIONS: usize = 3;

/// A key at the provider, and the labels of the versions that hold it.
pub(crate) struct KeyState {
    pub(crate) id: String,
    pub(crate) labels: Vec<String>,
}

/// Rotates three times and says whether the promise held.
pub(crate) async fn run(paper: &mut Paper<impl Write>, reconcile: bool) -> io::Result<bool> {
    let provider = KeyProvider::new("the-admin-token");
    let server = provider.serve().await?;
    let simulator = Simulator::with_clock(TravelClock::new());
    let secret = set_up(&simulator, &provider, &server.base_url()).map_err(io::Error::other)?;
    let rotate = rotator(
        &simulator,
        &secret.admin_arn,
        &server.address().to_string(),
        reconcile,
    )
    .map_err(io::Error::other)?;
    // The second value to be stored is not: the function dies right before.
    simulator.faults().at_nth("PutSecretValue", 2, Fault::CrashBefore);

    let mut scene = Scene {
        simulator,
        provider,
        arn: secret.arn,
        steps: 0,
        working: 0,
        promoted: 0,
        crashes: 0,
        unknown: BTreeSet::new(),
    };
    paper.line("Three rotations of an API key, in one process.")?;
    paper.line(&format!(
        "  provider         {}, real HTTP on loopback",
        server.base_url()
    ))?;
    paper.line("  Secrets Manager  simulated")?;
    if !reconcile {
        let broken = paper.tint(Tone::Bad, "does not look for orphans (--break=reconcile)");
        paper.line(&format!("  backend          {broken}"))?;
    }
    paper.heading("A first key, made by hand, is AWSCURRENT")?;
    scene.print_state(paper)?;
    for rotation in 1..=ROTATIONS {
        paper.heading(&format!("Rotation {rotation}"))?;
        scene.rotate(paper, rotate.as_ref()).await?;
    }
    scene.summary(paper)
}

struct Secret {
    arn: String,
    admin_arn: String,
}

fn set_up(
    simulator: &Simulator,
    provider: &KeyProvider,
    base_url: &str,
) -> Result<Secret, Box<dyn Error + Send + Sync>> {
    let operator = simulator.operator();
    let admin = json!({ "token": "the-admin-token" });
    let admin_arn = operator.create_secret("vendor/admin", SecretValue::text(admin.to_string()))?;
    let (id, key) = provider.make_key("made by hand");
    let document = json!({ "api_endpoint": base_url, "account_id": "42", "api_key": key, "key_id": id });
    let arn = operator.create_secret("crm/api-key", SecretValue::text(document.to_string()))?;
    Ok(Secret { arn, admin_arn })
}

/// What a Lambda function would put together at its start.
fn rotator(
    simulator: &Simulator,
    admin_arn: &str,
    host: &str,
    reconcile: bool,
) -> Result<Box<dyn Rotate>, ProviderError> {
    let provider = Provider::builder()
        .base_url("{secret.api_endpoint}")
        .create(
            Request::post("/api-keys")
                .json(json!({ "account_id": "{secret.account_id}", "label": "{label}" })),
        )
        .key_at("/key")
        .id_at("/id")
        .list(Request::get("/api-keys"))
        .items_at("/keys")
        .item_id_at("/id")
        .item_label_at("/label")
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke(Request::delete("/api-keys/{id}"))
        .build()?;
    let admin = Admin::secret(admin_arn)
        .json_pointer("/token")
        .header("x-admin-token");
    let hosts = AllowedHosts::new([host])?.allow_plain_http_on_loopback();
    let backend = HttpBackend::new(provider, admin, hosts)?;
    let (store, clock) = (simulator.store(), simulator.clock());
    Ok(match reconcile {
        true => Box::new(Rotator::new(backend, store).with_clock(clock)),
        false => {
            let backend = backend.with_transport(ListsNothing::default());
            Box::new(Rotator::new(backend, store).with_clock(clock))
        }
    })
}

struct Scene {
    simulator: Simulator,
    provider: KeyProvider,
    arn: String,
    steps: usize,
    /// After how many of the steps `AWSCURRENT` worked.
    working: usize,
    promoted: usize,
    crashes: usize,
    /// Keys that, after some step, no labelled version held.
    unknown: BTreeSet<String>,
}

impl Scene {
    async fn rotate(&mut self, paper: &mut Paper<impl Write>, rotate: &dyn Rotate) -> io::Result<()> {
        let token = self
            .simulator
            .operator()
            .rotate(&self.arn)
            .map_err(io::Error::other)?;
        loop {
            let mut before = self.alive();
            while let Some(run) = self.simulator.step(rotate, REMAINING).await {
                self.steps += 1;
                self.working += usize::from(self.current_works());
                let after = self.alive();
                paper.step(&run)?;
                paper.provider(after.difference(&before), before.difference(&after))?;
                before = after;
                let unknown = self.keys().into_iter().filter(|key| key.labels.is_empty());
                self.unknown.extend(unknown.map(|key| key.id));
                self.print_state(paper)?;
                if matches!(run.result, StepResult::Crashed) {
                    self.crashes += 1;
                }
            }
            let due = self.simulator.next_due();
            let Some(due) = due else { break };
            self.skip_to_replay(paper, due)?;
        }
        let labels = self.simulator.labels(&self.arn);
        self.promoted += usize::from(labels.version_with(AWSCURRENT) == Some(&token));
        Ok(())
    }

    fn skip_to_replay(&self, paper: &mut Paper<impl Write>, due: SystemTime) -> io::Result<()> {
        let now = self.simulator.clock().now();
        let wait = due.duration_since(now).unwrap_or_default();
        self.simulator.skip(wait);
        let minutes = wait.as_secs().div_ceil(60);
        paper.line(&format!(
            "\n  {minutes} minutes later (skipped), Secrets Manager replays the rotation with the same token."
        ))
    }

    fn print_state(&self, paper: &mut Paper<impl Write>) -> io::Result<()> {
        let labels = self.simulator.labels(&self.arn).to_string();
        paper.state(&labels, &self.keys(), self.current_works())
    }

    fn alive(&self) -> BTreeSet<String> {
        self.provider.alive().into_iter().map(|key| key.id).collect()
    }

    /// Asks the provider itself, not the backend.
    fn current_works(&self) -> bool {
        let current = self.simulator.operator().value(&self.arn, AWSCURRENT).ok();
        let document: Option<Value> = current.and_then(|value| value.decode().ok());
        let key = document
            .as_ref()
            .and_then(|document| document["api_key"].as_str());
        key.is_some_and(|key| self.provider.authenticates(key))
    }

    /// The keys that are alive, each with the labels of the versions that hold it.
    fn keys(&self) -> Vec<KeyState> {
        let labels = self.simulator.labels(&self.arn);
        let held: Vec<_> = labels
            .rows()
            .iter()
            .filter(|row| !row.labels.is_empty())
            .filter_map(|row| Some((self.key_id(&row.version_id)?, row.labels.clone())))
            .collect();
        let alive = self.provider.alive().into_iter();
        alive
            .map(|key| KeyState {
                labels: held
                    .iter()
                    .filter(|(id, _)| *id == key.id)
                    .flat_map(|(_, l)| l.clone())
                    .collect(),
                id: key.id,
            })
            .collect()
    }

    fn key_id(&self, version: &str) -> Option<String> {
        let value = self.simulator.operator().value_of(&self.arn, version).ok()?;
        let document: Value = value.decode().ok()?;
        Some(document.get("key_id")?.as_str()?.to_owned())
    }

    fn summary(&self, paper: &mut Paper<impl Write>) -> io::Result<bool> {
        let keys = self.keys();
        let orphans: Vec<_> = keys.iter().filter(|key| key.labels.is_empty()).collect();
        let held = orphans.is_empty()
            && self.working == self.steps
            && self.promoted == ROTATIONS
            && self.crashes == 1;
        paper.heading("Summary")?;
        let (promoted, crashes) = (self.promoted, self.crashes);
        paper.line(&format!(
            "  rotations completed     {promoted} of {ROTATIONS}, with {crashes} crash on the way"
        ))?;
        paper.line(&format!(
            "  AWSCURRENT after steps  worked, {} of {} times",
            self.working, self.steps
        ))?;
        for found in self
            .unknown
            .iter()
            .filter(|id| keys.iter().all(|key| key.id != **id))
        {
            let text = format!("{found}, made by the try that died, was found by its label and revoked");
            paper.line(&format!(
                "  lost and found          {}",
                paper.tint(Tone::Good, &text)
            ))?;
        }
        let held_by_version = keys.len() - orphans.len();
        let count = format!(
            "{}, {held_by_version} of them held by a labelled version",
            keys.len()
        );
        paper.line(&format!("  keys alive              {count}"))?;
        for orphan in orphans {
            let text = format!("{} is alive, and no version holds it", orphan.id);
            paper.line(&format!(
                "  orphan                  {}",
                paper.tint(Tone::Bad, &text)
            ))?;
        }
        let verdict = match held {
            true => paper.tint(Tone::Good, "The promise held."),
            false => paper.tint(Tone::Bad, "The promise did not hold."),
        };
        paper.line(&format!("\n{verdict}"))?;
        Ok(held)
    }
}
