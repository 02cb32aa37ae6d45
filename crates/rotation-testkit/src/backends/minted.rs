//! A target that makes keys, and the backend that rotates them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rotation_core::{
    Applied, BackendError, CredentialBackend, Live, Profile, RandomSource, Retire, Retirement, SecretString,
    SecretValue, StepContext, async_trait,
};
use rotation_simulator::{Faults, Interruption, SeededRandom};
use serde::{Deserialize, Serialize};

use super::unavailable;
use crate::sync::lock;

/// A target that makes keys: each has an id, a label of the caller's choice, and a value that is
/// shown once. Clones share the keys.
///
/// Its effects are named `POST /keys`, `GET /keys`, `DELETE /keys` and `GET /me`.
#[derive(Clone, Debug)]
pub struct MintedKeys {
    faults: Faults,
    state: Arc<Mutex<Keys>>,
}

#[derive(Debug, Default)]
struct Keys {
    minted: u64,
    /// By id.
    alive: BTreeMap<String, Key>,
    rejecting: bool,
    down: bool,
}

#[derive(Debug)]
struct Key {
    label: String,
    value: SecretString,
    blocked: bool,
}

/// What the target says to a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Works,
    Unknown,
    /// It exists and will never work.
    Blocked,
}

/// A key as the secret's document holds it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MintedKey {
    /// Its id, which is not secret.
    pub key_id: String,
    /// Its value.
    pub key: SecretString,
}

impl MintedKey {
    /// As the value of a new secret.
    #[must_use]
    pub fn to_value(&self) -> SecretValue {
        super::to_document(self)
    }
}

impl MintedKeys {
    /// A target without keys, whose requests pass these faults.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self {
            faults,
            state: Arc::default(),
        }
    }

    /// Makes a key by hand, as for the first value of a secret: no fault strikes.
    #[must_use]
    pub fn mint(&self, label: &str) -> MintedKey {
        lock(&self.state).mint(label)
    }

    /// Whether this credential works.
    #[must_use]
    pub fn authenticates(&self, key: &MintedKey) -> bool {
        lock(&self.state).standing(key) == Standing::Works
    }

    /// The ids of the keys that exist, in order.
    #[must_use]
    pub fn alive(&self) -> Vec<String> {
        lock(&self.state).alive.keys().cloned().collect()
    }

    /// How many keys were ever made.
    #[must_use]
    pub fn minted(&self) -> u64 {
        lock(&self.state).minted
    }

    /// While rejecting, the target blocks every new key for good: it exists and never works.
    pub fn set_rejecting(&self, rejecting: bool) {
        lock(&self.state).rejecting = rejecting;
    }

    /// While down, the target answers every request with an error and applies none.
    pub fn set_down(&self, down: bool) {
        lock(&self.state).down = down;
    }

    async fn create(&self, label: &str) -> Result<MintedKey, Interruption> {
        self.request("POST /keys", |keys| keys.mint(label)).await
    }

    async fn list(&self) -> Result<Vec<(String, String)>, Interruption> {
        let list = |keys: &Keys| {
            keys.alive
                .iter()
                .map(|(id, key)| (id.clone(), key.label.clone()))
                .collect()
        };
        self.request("GET /keys", |keys| list(keys)).await
    }

    async fn revoke(&self, id: &str) -> Result<bool, Interruption> {
        self.request("DELETE /keys", |keys| keys.alive.remove(id).is_some())
            .await
    }

    async fn log_in(&self, key: &MintedKey) -> Result<Standing, Interruption> {
        self.request("GET /me", |keys| keys.standing(key)).await
    }

    async fn request<T>(&self, effect: &str, apply: impl FnOnce(&mut Keys) -> T) -> Result<T, Interruption> {
        let reached = self.faults.pass(effect, || {
            let mut keys = lock(&self.state);
            (!keys.down).then(|| apply(&mut keys))
        });
        reached.await?.ok_or(Interruption::InternalError)
    }
}

impl Keys {
    fn mint(&mut self, label: &str) -> MintedKey {
        self.minted += 1;
        let key_id = format!("key-{:04}", self.minted);
        let mut random = [0; 16];
        // A seeded source is never out of randomness.
        _ = SeededRandom::new(self.minted).fill(&mut random);
        let value = SecretString::from(format!("mk_{:032x}", u128::from_be_bytes(random)));
        let key = Key {
            label: label.to_owned(),
            value: value.clone(),
            blocked: self.rejecting,
        };
        self.alive.insert(key_id.clone(), key);
        MintedKey { key_id, key: value }
    }

    fn standing(&self, key: &MintedKey) -> Standing {
        match self.alive.get(&key.key_id) {
            Some(alive) if alive.value == key.key && alive.blocked => Standing::Blocked,
            Some(alive) if alive.value == key.key => Standing::Works,
            _ => Standing::Unknown,
        }
    }
}

/// Rotates the keys of a [`MintedKeys`].
///
/// Keys are labelled `secret|token|deadline`, so that a later try finds what an earlier one left
/// behind, and knows whether its maker may still be about to store it.
#[derive(Clone, Debug)]
pub struct MintingBackend {
    target: MintedKeys,
}

impl MintingBackend {
    /// For this target.
    #[must_use]
    pub fn new(target: MintedKeys) -> Self {
        Self { target }
    }

    /// Ends what earlier tries for this secret left behind.
    async fn reconcile(&self, ctx: &StepContext<'_>, live: Live<'_, MintedKey>) -> Result<(), BackendError> {
        let keys = ctx.timeout(self.target.list()).await?.map_err(unavailable)?;
        for (id, label) in keys {
            if !live.protects(&id) && is_orphan(&label, ctx, live.all_identified()) {
                ctx.timeout(self.target.revoke(&id)).await?.map_err(unavailable)?;
            }
        }
        Ok(())
    }
}

/// How long after its deadline a maker still counts as being at work: clocks differ, and a last
/// request may be under way.
const MARGIN: Duration = Duration::from_secs(60);

/// Whether a key with this label was made for this secret by a try that was over when this step read
/// the labels; one that was not may have stored its key since. When a labelled version holds a
/// credential that cannot be told, only this token's own keys are certain.
fn is_orphan(label: &str, ctx: &StepContext<'_>, all_identified: bool) -> bool {
    let Some((secret, token, deadline)) = parse_label(label) else {
        return false;
    };
    let over = deadline.checked_add(MARGIN).is_some_and(|end| end < ctx.as_of());
    secret == ctx.secret_arn() && over && (all_identified || token == ctx.version())
}

fn make_label(ctx: &StepContext<'_>) -> String {
    let deadline = ctx.wall_deadline().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Rounded up: the maker is never taken to be over too early.
    format!(
        "{}|{}|{}",
        ctx.secret_arn(),
        ctx.version(),
        deadline.as_secs() + 1
    )
}

fn parse_label(label: &str) -> Option<(&str, &str, SystemTime)> {
    let mut parts = label.split('|');
    let (secret, token) = (parts.next()?, parts.next()?);
    let deadline = Duration::from_secs(parts.next()?.parse().ok()?);
    Some((secret, token, UNIX_EPOCH.checked_add(deadline)?))
}

#[async_trait]
impl CredentialBackend for MintingBackend {
    type Credential = MintedKey;

    fn profile(&self) -> Profile {
        Profile::minted("minted-keys")
    }

    fn id(&self, key: &MintedKey) -> Option<String> {
        Some(key.key_id.clone())
    }

    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, MintedKey>,
    ) -> Result<MintedKey, BackendError> {
        self.reconcile(ctx, live).await?;
        let label = make_label(ctx);
        ctx.timeout(self.target.create(&label))
            .await?
            .map_err(unavailable)
    }

    async fn set(
        &self,
        _: &StepContext<'_>,
        _: &MintedKey,
        _: Live<'_, MintedKey>,
    ) -> Result<(), BackendError> {
        Ok(()) // a key works as soon as it is made
    }

    async fn test(&self, ctx: &StepContext<'_>, pending: &MintedKey) -> Result<(), BackendError> {
        match ctx
            .timeout(self.target.log_in(pending))
            .await?
            .map_err(unavailable)?
        {
            Standing::Works => Ok(()),
            Standing::Unknown => Err(BackendError::unavailable("the target does not know this key")),
            Standing::Blocked => Err(BackendError::rejected(
                "the target has blocked this key for good",
                Applied::Nothing,
            )),
        }
    }

    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        key: &MintedKey,
        _: Retire,
    ) -> Result<Retirement, BackendError> {
        match ctx
            .timeout(self.target.revoke(&key.key_id))
            .await?
            .map_err(unavailable)?
        {
            true => Ok(Retirement::Retired),
            false => Ok(Retirement::AlreadyGone),
        }
    }
}
