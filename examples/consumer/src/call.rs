//! A request with the credential, and what a refusal leads to.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::OwnedMutexGuard;

use crate::cache::{Current, SecretCache};
use crate::source::ReadError;
use crate::state::Trust;

/// How many versions one request is tried with: the one that was held, the next, and one more for two
/// rotations in a row.
const ATTEMPTS: u32 = 3;

/// How a try of a request failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Attempt<E> {
    /// The target refused the credential, **before it did anything**: HTTP 401, PostgreSQL's 28P01. The
    /// request is repeated with another version, if there is one. A 403 is no refusal: it says what the
    /// holder may not do, and another version may not either.
    Refused(E),
    /// Any other failure; the credential has nothing to do with it. Not repeated here.
    Failed(E),
}

/// How a request failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError<E> {
    /// For another reason than its credential.
    Request(E),
    /// The credential under `AWSCURRENT` is refused, and reading the secret brought no other.
    Refused {
        /// The version that is refused.
        version: String,
        /// What the target said; nothing if it was not asked, because this version was refused before.
        error: Option<E>,
    },
    /// There is no credential.
    Unread(ReadError),
}

impl<E> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(_) => f.write_str("the request failed"),
            Self::Refused { version, .. } => write!(
                f,
                "the credential is refused, and AWSCURRENT is still its version, {version}; look at the secret's rotation, and flush once it is mended"
            ),
            Self::Unread(_) => f.write_str("there is no credential"),
        }
    }
}

impl<E: Error + 'static> Error for CallError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Request(error) => Some(error),
            Self::Refused { error, .. } => error.as_ref().map(|error| error as _),
            Self::Unread(error) => Some(error),
        }
    }
}

/// A credential to be tried. While it has not worked yet, the others wait for its end.
struct Lease<T> {
    current: Arc<Current<T>>,
    _proof: Option<OwnedMutexGuard<()>>,
}

/// Why there is none.
enum NoLease {
    Unread(ReadError),
    Refused(String),
}

impl<T: DeserializeOwned> SecretCache<T> {
    /// Makes a request with the credential. If it is refused, the secret is read again, and the request is
    /// made once more with the version that this brings.
    ///
    /// If it brings the same version, it is read a few times more within
    /// [`budget`](crate::Settings::budget): a read soon after a rotation may not show it yet, and the
    /// password of a single user changes a moment before `AWSCURRENT` moves. The refused version is not
    /// sent again meanwhile.
    ///
    /// The time that the request itself takes is the caller's to limit. It may be dropped at any await.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn call<R, E, F, Fut>(&self, request: F) -> Result<R, CallError<E>>
    where
        F: FnMut(Arc<Current<T>>) -> Fut,
        Fut: Future<Output = Result<R, Attempt<E>>>,
    {
        self.call_within(self.settings.budget, request).await
    }

    /// The same with another budget than that of the settings. With none, a refusal is at once an error.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn call_within<R, E, F, Fut>(&self, budget: Duration, mut request: F) -> Result<R, CallError<E>>
    where
        F: FnMut(Arc<Current<T>>) -> Fut,
        Fut: Future<Output = Result<R, Attempt<E>>>,
    {
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            let lease = match self.lease(budget).await {
                Ok(lease) => lease,
                Err(NoLease::Unread(error)) => return Err(CallError::Unread(error)),
                Err(NoLease::Refused(version)) => {
                    let error = refused.map(|(_, error)| error);
                    return Err(CallError::Refused { version, error });
                }
            };
            let (version, began) = (lease.current.version().to_owned(), self.now());
            match request(Arc::clone(&lease.current)).await {
                Ok(done) => {
                    self.state().accept(&version, began);
                    return Ok(done);
                }
                Err(Attempt::Failed(error)) => return Err(CallError::Request(error)),
                Err(Attempt::Refused(error)) => {
                    tracing::info!(version, "credential refused");
                    let now = self.now();
                    self.state().refuse(&version, now, &self.settings);
                    refused = Some((version, error));
                }
            }
        }
        // `ATTEMPTS` is not zero, so there was one.
        let (version, error) =
            refused.map_or_else(Default::default, |(version, error)| (version, Some(error)));
        Err(CallError::Refused { version, error })
    }

    /// The credential to try next.
    async fn lease(&self, budget: Duration) -> Result<Lease<T>, NoLease> {
        self.current().await.map_err(NoLease::Unread)?;
        let mut looked = false;
        loop {
            let now = self.now();
            let Some(trust) = self.state().trust(now) else {
                return Err(NoLease::Unread(ReadError::new("it was not read")));
            };
            match trust {
                Trust::Works(current) => return Ok(Lease::of(current, None)),
                Trust::Untried(current) => {
                    if let Some(lease) = self.first_or_after(current).await {
                        return Ok(lease);
                    }
                }
                Trust::ProbeDue(current) => {
                    let version = current.version().to_owned();
                    let Ok(proof) = Arc::clone(&self.proving).try_lock_owned() else {
                        return Err(NoLease::Refused(version));
                    };
                    self.state().probe(now, &self.settings);
                    return Ok(Lease::of(current, Some(proof)));
                }
                Trust::Refused {
                    version,
                    since,
                    next_read,
                } => {
                    let until = since.saturating_add(budget);
                    if next_read < until && now < until {
                        self.look_until(&version, until).await;
                    } else if next_read <= now && !looked {
                        looked = true;
                        self.read_if_idle().await;
                    } else {
                        return Err(NoLease::Refused(version));
                    }
                }
            }
        }
    }

    /// The lease of the one who tries a new version, or `None` when somebody else did so meanwhile. Who has
    /// waited long enough goes along.
    async fn first_or_after(&self, current: Arc<Current<T>>) -> Option<Lease<T>> {
        let proof = tokio::select! {
            biased;
            proof = Arc::clone(&self.proving).lock_owned() => proof,
            () = self.sleep(self.settings.proof_wait) => return Some(Lease::of(current, None)),
        };
        match self.state().trust(self.now()) {
            Some(Trust::Untried(current)) => Some(Lease::of(current, Some(proof))),
            _ => None,
        }
    }

    async fn look_until(&self, refused: &str, until: Duration) {
        tokio::select! {
            biased;
            () = self.look_beyond(refused) => {}
            () = self.sleep(until.saturating_sub(self.now())) => {}
        }
    }
}

impl<T> Lease<T> {
    fn of(current: Arc<Current<T>>, proof: Option<OwnedMutexGuard<()>>) -> Self {
        Self {
            current,
            _proof: proof,
        }
    }
}
