//! The superuser secret: when it may be used, and where.

use std::fmt;
use std::sync::Arc;

use rotation_core::{BackendError, StepContext, async_trait};

use crate::connections::Connections;
use crate::document::SuperuserDocument;
use crate::endpoint::Endpoint;
use crate::error::{DatabaseError, FailureKind, caused};
use crate::login::Login;
use crate::session::Session;
use crate::sql::{identifier, literals};

/// Decides where the superuser of a secret logs in, or that it must not.
///
/// The default is [`SameHost::named`]. Implement this where the hosts differ for a reason: the rotated
/// secret has a reader endpoint, a proxy or a CNAME; or the superuser secret names no host and the
/// server has to be looked up, as AWS's template does with `rds:DescribeDBInstances`.
///
/// ```
/// use rotation_postgres::{BackendError, Endpoint, StepContext, SuperuserHosts, SuperuserLink, async_trait};
///
/// struct ReaderOf;
///
/// #[async_trait]
/// impl SuperuserHosts for ReaderOf {
///     async fn endpoint(&self, _: &StepContext<'_>, link: SuperuserLink<'_>) -> Result<Option<Endpoint>, BackendError> {
///         let reader = link.rotated().host().replace(".cluster-ro-", ".cluster-");
///         Ok(link.named().filter(|named| named.host() == reader).cloned())
///     }
/// }
/// # fn main() {}
/// ```
#[async_trait]
pub trait SuperuserHosts: Send + Sync + 'static {
    /// Where to log in as the superuser; `None` if these two secrets do not belong together.
    ///
    /// # Errors
    ///
    /// When that cannot be told now. The rotation fails with it, and nothing is changed.
    async fn endpoint(
        &self,
        ctx: &StepContext<'_>,
        link: SuperuserLink<'_>,
    ) -> Result<Option<Endpoint>, BackendError>;
}

/// A superuser secret and the secret that names it in `masterarn`.
#[derive(Clone, Copy, Debug)]
pub struct SuperuserLink<'a> {
    superuser_secret: &'a str,
    named: Option<&'a Endpoint>,
    rotated: &'a Endpoint,
}

impl<'a> SuperuserLink<'a> {
    /// The ARN of the superuser secret.
    #[must_use]
    pub fn superuser_secret(&self) -> &'a str {
        self.superuser_secret
    }

    /// The address in the superuser secret; none where RDS manages it.
    #[must_use]
    pub fn named(&self) -> Option<&'a Endpoint> {
        self.named
    }

    /// The address in the rotated secret.
    #[must_use]
    pub fn rotated(&self) -> &'a Endpoint {
        self.rotated
    }
}

/// The superuser logs in where the rotated secret's user does.
#[derive(Clone, Copy, Debug)]
pub struct SameHost {
    absent: bool,
}

impl SameHost {
    /// The superuser secret has to name the same host; its port may be another.
    #[must_use]
    pub fn named() -> Self {
        Self { absent: false }
    }

    /// The same, and a superuser secret that names no host, as RDS makes them (`username` and
    /// `password` only), is taken to be that of the rotated secret's server.
    #[must_use]
    pub fn named_or_absent() -> Self {
        Self { absent: true }
    }
}

#[async_trait]
impl SuperuserHosts for SameHost {
    async fn endpoint(
        &self,
        _: &StepContext<'_>,
        link: SuperuserLink<'_>,
    ) -> Result<Option<Endpoint>, BackendError> {
        Ok(match link.named {
            Some(named) => Some(named).filter(|named| named.same_host(link.rotated)).cloned(),
            None => Some(link.rotated).filter(|_| self.absent).cloned(),
        })
    }
}

/// The way to a superuser's session.
#[derive(Clone)]
pub(crate) struct Superuser {
    hosts: Arc<dyn SuperuserHosts>,
}

impl Superuser {
    pub(crate) fn new(hosts: impl SuperuserHosts) -> Self {
        Self {
            hosts: Arc::new(hosts),
        }
    }

    /// The user of the superuser secret.
    pub(crate) async fn user(ctx: &StepContext<'_>, arn: &str) -> Result<String, BackendError> {
        document(ctx, arn).await?.user()
    }

    /// Reads the superuser secret and logs in. `users` are those that are to be changed.
    pub(crate) async fn open(
        &self,
        ctx: &StepContext<'_>,
        connections: &Connections,
        arn: &str,
        rotated: &Login,
        users: &[&str],
    ) -> Result<Session, BackendError> {
        let document = document(ctx, arn).await?;
        let named = document.endpoint()?;
        let link = SuperuserLink {
            superuser_secret: arn,
            named: named.as_ref(),
            rotated: &rotated.endpoint,
        };
        let Some(endpoint) = self.hosts.endpoint(ctx, link).await? else {
            return Err(refused(link));
        };
        let login = document.login(endpoint, rotated)?;
        if users.contains(&login.user.as_str()) {
            return Err(BackendError::misconfigured(format!(
                "{} is the superuser secret's own user; it is rotated by its own secret, as a single user",
                login.user
            )));
        }
        connections
            .open(ctx, &login)
            .await
            .map_err(|failure| caused(format!("the superuser {} could not log in", login.user), failure))
    }
}

impl fmt::Debug for Superuser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Superuser").finish_non_exhaustive()
    }
}

async fn document(ctx: &StepContext<'_>, arn: &str) -> Result<SuperuserDocument, BackendError> {
    ctx.read_secret(arn).await
}

fn refused(link: SuperuserLink<'_>) -> BackendError {
    let rotated = link.rotated.host();
    BackendError::misconfigured(match link.named {
        Some(named) => format!(
            "the superuser secret is for the host {}, and this secret for {rotated}; it was not used. \
             Correct \"masterarn\" or \"host\", or give the function a rule that accepts the two",
            named.host()
        ),
        None => format!(
            "the superuser secret names no host, and this secret {rotated}; it was not used. Add \"host\" \
             to it, or have the function take the rotated secret's (SameHost::named_or_absent)",
        ),
    })
}

/// The error of a superuser's statements, with the GRANT that is missing where one is.
pub(crate) async fn explain(
    session: &Session,
    ctx: &StepContext<'_>,
    failure: DatabaseError,
    roles: &[&str],
) -> BackendError {
    let message = format!("the superuser {} could not change the roles", session.user());
    explain_as(message, session, ctx, failure, roles).await
}

/// The same with a message of the caller's.
pub(crate) async fn explain_as(
    message: String,
    session: &Session,
    ctx: &StepContext<'_>,
    failure: DatabaseError,
    roles: &[&str],
) -> BackendError {
    let name = session.user();
    if failure.kind() != FailureKind::Denied || !failure.is_of_roles() {
        return caused(message, failure);
    }
    let missing = missing_admin_options(session, ctx, roles).await;
    if missing.is_empty() {
        return caused(message, failure);
    }
    let grants: Vec<String> = missing
        .iter()
        .map(|role| {
            format!(
                "GRANT {} TO {} WITH ADMIN OPTION",
                identifier(role),
                identifier(name)
            )
        })
        .collect();
    let message = format!(
        "{message}; nothing of it was done. From PostgreSQL 16 on, CREATEROLE reaches only roles that one has the ADMIN OPTION \
         for. Run, as a superuser or as who created them: {}",
        grants.join("; ")
    );
    BackendError::misconfigured(message).with_source(failure)
}

async fn missing_admin_options(session: &Session, ctx: &StepContext<'_>, roles: &[&str]) -> Vec<String> {
    let sql = format!(
        "SELECT rolname FROM pg_roles WHERE rolname IN ({}) \
         AND NOT pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') ORDER BY 1",
        literals(roles)
    );
    // The transaction that failed is still open.
    if session.raw(ctx, "ROLLBACK").await.is_err() {
        return Vec::new();
    }
    session.texts(ctx, &sql).await.unwrap_or_default()
}
