//! One function for several secrets and several backends.

use std::fmt;
use std::time::Duration;

use rotation_core::{
    Rotate, RotationError, RotationErrorKind, RotationEvent, SecretDescription, SecretStore, StepReport,
    async_trait, chain,
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::failure;

/// Hands each secret to the backend that is set up for it: by the start of its name, or by a tag.
///
/// Routes are tried in the order in which they were added, and the first that matches has the secret. A
/// secret that none matches is refused, with nothing done. Secrets Manager only ever sends the
/// secrets that somebody put this function on: a refusal says that a route is missing.
///
/// A route by tag costs one DescribeSecret per step, made when it is reached; routes by name cost
/// nothing, so add them first.
///
/// ```no_run
/// use rotation_core::{CredentialBackend, Grace, Rotator};
/// use rotation_lambda::{Router, SecretsManagerStore};
///
/// # async fn example(crm: impl CredentialBackend, mail: impl CredentialBackend) -> Result<(), rotation_lambda::Error> {
/// let store = SecretsManagerStore::new(rotation_lambda::client().await?);
/// let router = Router::new(store.clone())
///     .by_name("crm/", Rotator::new(crm, store.clone()))
///     .by_tag("rotation:backend", "mail", Rotator::new(mail, store).with_grace(Grace::None));
/// rotation_lambda::serve(router).await
/// # }
/// ```
pub struct Router<S> {
    store: S,
    routes: Vec<Route>,
}

struct Route {
    on: On,
    rotate: Box<dyn Rotate>,
}

enum On {
    Name(String),
    Tag { key: String, value: String },
}

impl<S: SecretStore> Router<S> {
    /// A router without routes, which reads tags from this store.
    pub fn new(store: S) -> Self {
        Self {
            store,
            routes: Vec::new(),
        }
    }

    /// Secrets whose name starts with `prefix`: end it with a separator, as in `crm/`, because
    /// `crm` is also the start of `crm2`. The empty prefix matches every secret; add it last.
    #[must_use]
    pub fn by_name(self, prefix: impl Into<String>, rotate: impl Rotate + 'static) -> Self {
        self.with(On::Name(prefix.into()), rotate)
    }

    /// Secrets with this tag and this value, both compared exactly. Who may tag a secret chooses its
    /// backend: the function's own permissions are what limits that.
    #[must_use]
    pub fn by_tag(
        self,
        key: impl Into<String>,
        value: impl Into<String>,
        rotate: impl Rotate + 'static,
    ) -> Self {
        let (key, value) = (key.into(), value.into());
        self.with(On::Tag { key, value }, rotate)
    }

    fn with(mut self, on: On, rotate: impl Rotate + 'static) -> Self {
        let rotate = Box::new(rotate);
        self.routes.push(Route { on, rotate });
        self
    }

    async fn route(&self, secret_id: &str, remaining: Duration) -> Result<&dyn Rotate, RotationErrorKind> {
        let mut described = None;
        for route in &self.routes {
            let matches = match &route.on {
                On::Name(prefix) => name(secret_id).starts_with(prefix.as_str()),
                On::Tag { key, value } => {
                    let secret = match &mut described {
                        Some(secret) => secret,
                        none => none.insert(self.describe(secret_id, remaining).await?),
                    };
                    secret.tags.get(key) == Some(value)
                }
            };
            if matches {
                return Ok(route.rotate.as_ref());
            }
        }
        Err(RotationErrorKind::NoBackend)
    }

    async fn describe(
        &self,
        secret_id: &str,
        remaining: Duration,
    ) -> Result<SecretDescription, RotationErrorKind> {
        let operation = "describe the secret";
        if remaining.is_zero() {
            return Err(RotationErrorKind::OutOfTime { doing: operation });
        }
        tokio::time::timeout(remaining, self.store.describe(secret_id))
            .await
            .map_err(|_| RotationErrorKind::OutOfTime { doing: operation })?
            .map_err(|source| RotationErrorKind::Store { operation, source })
    }

    /// The failure, after logging it as a rotator logs its own.
    fn refuse(event: &RotationEvent, kind: RotationErrorKind, began: Instant) -> RotationError {
        let error = RotationError::new(event.step(), event.client_request_token(), kind);
        failure::log(
            error.class(),
            error.kind().as_str(),
            &chain(&error),
            began.elapsed(),
        );
        error
    }
}

/// The name in a secret's ARN, with the six characters that the service adds; or the text itself
/// where it is no ARN, as some emulators send the name.
fn name(secret_id: &str) -> &str {
    match secret_id.starts_with("arn:") {
        true => secret_id.splitn(7, ':').nth(6).unwrap_or(secret_id),
        false => secret_id,
    }
}

#[async_trait]
impl<S: SecretStore> Rotate for Router<S> {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        let began = Instant::now();
        let span = tracing::info_span!(
            "rotation_step",
            secret = event.secret_id(),
            version = event.client_request_token(),
            step = event.step().as_str(),
        );
        let routed = async {
            let route = self.route(event.secret_id(), remaining).await;
            route.map_err(|kind| Self::refuse(event, kind, began))
        };
        let rotate = routed.instrument(span).await?;
        rotate
            .rotate(event, remaining.saturating_sub(began.elapsed()))
            .await
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.routes.iter().map(|route| match &route.on {
            On::Name(prefix) => format!("name {prefix}*"),
            On::Tag { key, value } => format!("tag {key}={value}"),
        });
        f.debug_list().entries(routes).finish()
    }
}
