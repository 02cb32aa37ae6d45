//! A secret and a target, in process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consumer::{Attempt, CallError, ReadError, SecretCache, Source, Version};
use rotation_core::{SecretString, SecretValue, async_trait};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

/// How long a request takes, so that those of a herd are under way at once.
pub(crate) const REQUEST: Duration = Duration::from_millis(20);
/// How long a read takes.
pub(crate) const READ: Duration = Duration::from_millis(5);

#[derive(Debug, Deserialize)]
pub(crate) struct Vendor {
    pub(crate) api_key: SecretString,
}

/// What the next reads are answered with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Version(&'static str),
    Error,
    Hang,
    Malformed,
}

/// The key of version `v1` is `sentinel-v1`.
#[derive(Clone)]
pub(crate) struct Target {
    answer: Arc<Mutex<Answer>>,
    later: Arc<Mutex<Option<(Instant, &'static str)>>>,
    accepted: Arc<Mutex<Vec<&'static str>>>,
    tried: Arc<Mutex<Vec<String>>>,
    failing: Arc<AtomicBool>,
    pub(crate) refusals: Arc<AtomicUsize>,
}

impl Target {
    pub(crate) fn accepting(version: &'static str) -> Self {
        Self {
            answer: Arc::new(Mutex::new(Answer::Version(version))),
            later: Arc::default(),
            accepted: Arc::new(Mutex::new(vec![version])),
            tried: Arc::default(),
            failing: Arc::default(),
            refusals: Arc::default(),
        }
    }

    pub(crate) fn cache(&self) -> SecretCache<Vendor> {
        SecretCache::new(self.clone())
    }

    pub(crate) fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn answer_after(&self, after: Duration, version: &'static str) {
        *self.later.lock().unwrap() = Some((Instant::now() + after, version));
    }

    pub(crate) fn accept(&self, versions: &[&'static str]) {
        *self.accepted.lock().unwrap() = versions.to_vec();
    }

    /// Another version is AWSCURRENT, and the one before is refused from now on.
    pub(crate) fn rotate(&self, version: &'static str) {
        self.answers(Answer::Version(version));
        self.accept(&[version]);
    }

    pub(crate) fn fail_requests(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }

    /// The versions that requests were made with.
    pub(crate) fn tried(&self) -> Vec<String> {
        self.tried.lock().unwrap().clone()
    }

    pub(crate) async fn raw(&self) -> Version {
        Version {
            id: "v1".to_owned(),
            value: SecretValue::text("sentinel"),
        }
    }

    /// A request with the cache's credential; the version that it was answered with.
    pub(crate) async fn request(&self, cache: &SecretCache<Vendor>) -> Result<String, CallError<String>> {
        cache
            .call(|credential| async move {
                let version = credential.version().to_owned();
                self.tried.lock().unwrap().push(version.clone());
                sleep(REQUEST).await;
                let key = credential.api_key.expose_secret();
                let known = self
                    .accepted
                    .lock()
                    .unwrap()
                    .iter()
                    .any(|known| key == format!("sentinel-{known}"));
                match known {
                    _ if self.failing.load(Ordering::SeqCst) => Err(Attempt::Failed("broken".to_owned())),
                    true => Ok(version),
                    false => {
                        self.refusals.fetch_add(1, Ordering::SeqCst);
                        Err(Attempt::Refused("refused".to_owned()))
                    }
                }
            })
            .await
    }
}

#[async_trait]
impl Source for Target {
    async fn current(&self) -> Result<Version, ReadError> {
        sleep(READ).await;
        let later = *self.later.lock().unwrap();
        let answer = match later {
            Some((at, version)) if Instant::now() >= at => Answer::Version(version),
            _ => *self.answer.lock().unwrap(),
        };
        let (id, document) = match answer {
            Answer::Version(id) => (id, format!(r#"{{"api_key": "sentinel-{id}", "note": 1}}"#)),
            Answer::Error => return Err(ReadError::new("away")),
            Answer::Hang => std::future::pending().await,
            Answer::Malformed => ("v9", r#"{"api_key": ["sentinel"]}"#.to_owned()),
        };
        Ok(Version {
            id: id.to_owned(),
            value: SecretValue::text(document),
        })
    }
}

/// So many requests at once.
pub(crate) async fn herd(
    target: &Target,
    cache: &Arc<SecretCache<Vendor>>,
    size: usize,
) -> Vec<Result<String, CallError<String>>> {
    let mut tasks = Vec::new();
    for _ in 0..size {
        let (target, cache) = (target.clone(), Arc::clone(cache));
        tasks.push(tokio::spawn(async move { target.request(&cache).await }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
