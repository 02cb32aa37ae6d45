//! Gives a pair that AWS's template made a shared owner role.

mod steps;
mod survey;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rotation_core::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, BackendError, Deadline, OsRandom, Outside, SecretReader,
    SecretStore, SecretValue, Step, StepContext, StoreError, TokioClock, VersionRef, async_trait,
};

use crate::connect::{Connections, Session};
use crate::document::{Login, PostgresCredential, same_target};
use crate::error::caused;
use crate::names::alternate;
use crate::owner::OwnerRole;
use crate::superuser::{SameHost, Superuser, SuperuserHosts};

/// How long planning or applying may take as a whole.
const TIME: Duration = Duration::from_secs(15 * 60);

/// Moves a pair of alternating users, as AWS's template leaves it, to a shared [`OwnerRole`].
///
/// [`plan`](Self::plan) reads and changes nothing; [`apply`](Self::apply) runs the statements of a plan
/// and no others, in its order. Both may be repeated, also after a failure in the middle: what is done
/// is not planned again.
///
/// | what | becomes |
/// |---|---|
/// | what either user owns, in every database | owned by the role |
/// | direct grants, inherited memberships, row security policies | also the role's |
/// | default privileges, of the users and for them | also the role's |
/// | `"$user"` in the search path, where a schema has a user's name | that schema by its name |
/// | the membership of one user in the other | revoked |
/// | a new session of either user | acts as the role |
///
/// Both users must be able to log in, `AWSCURRENT` and `AWSPREVIOUS`: rotate once more if one is not.
/// Each runs what it may; the superuser of `masterarn`, which need not be a superuser, runs the rest.
/// Where the secret names none, `apply` stops at what an administrator has to run, and says it. What the
/// users were granted stays with them too; it is what a session has that was open before.
///
/// ```no_run
/// # async fn migrate(
/// #     connections: rotation_postgres::Connections, store: impl rotation_core::SecretStore,
/// # ) -> Result<(), rotation_postgres::BackendError> {
/// let migration = rotation_postgres::Migration::new(connections, "app_owner");
/// let plan = migration.plan(&store, "prod/app").await?;
/// println!("{plan}");
/// migration.apply(&store, "prod/app", &plan).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Migration {
    connections: Connections,
    owner: OwnerRole,
    superuser: Superuser,
}

/// The statements of a migration, in order. `Display` is a script with comments; it holds no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrationPlan {
    steps: Vec<MigrationStep>,
    notes: Vec<String>,
}

/// One statement of a migration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrationStep {
    user: Option<String>,
    database: String,
    statement: String,
}

impl MigrationPlan {
    /// What will be run.
    #[must_use]
    pub fn steps(&self) -> &[MigrationStep] {
        &self.steps
    }

    /// What a person has to know or do; nothing of it is done by the migration.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl MigrationStep {
    /// Who runs it: one of the two users, or the superuser; `None` is an administrator, where the secret
    /// names no superuser.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The database that it is run in.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &str {
        &self.statement
    }

    fn who(&self) -> &str {
        self.user().unwrap_or("an administrator")
    }

    /// Whether both are run in one transaction.
    fn joins(&self, other: &Self) -> bool {
        self.user == other.user && self.database == other.database
    }
}

impl fmt::Display for MigrationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.steps.chunk_by(MigrationStep::joins) {
            if let Some(first) = group.first() {
                writeln!(f, "-- as {}, in database {}", first.who(), first.database)?;
            }
            for step in group {
                writeln!(f, "{};", step.statement)?;
            }
        }
        if self.steps.is_empty() {
            writeln!(f, "-- nothing to do")?;
        }
        for note in &self.notes {
            writeln!(f, "-- note: {note}")?;
        }
        Ok(())
    }
}

impl Migration {
    /// A migration to the owner role of this name, which is created if it does not exist.
    #[must_use]
    pub fn new(connections: Connections, owner: impl Into<String>) -> Self {
        Self {
            connections,
            owner: OwnerRole::created(owner),
            superuser: Superuser::new(SameHost::named()),
        }
    }

    /// A rule of the caller's for where the superuser logs in, as
    /// [`AlternatingUsers::with_superuser_at`](crate::AlternatingUsers::with_superuser_at).
    #[must_use]
    pub fn with_superuser_at(mut self, hosts: impl SuperuserHosts) -> Self {
        self.superuser = Superuser::new(hosts);
        self
    }

    /// What has to be done. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if a rotation is under way, one of the users cannot log in, a role is not fit
    /// for it, or a database that holds something of theirs cannot be looked at.
    pub async fn plan(&self, store: &impl SecretStore, secret: &str) -> Result<MigrationPlan, BackendError> {
        within(store, secret, async |ctx| {
            let pair = self.pair(store, secret).await?;
            let superuser = match &pair.superuser_secret {
                Some(arn) => Some(Superuser::user(ctx, arn).await?),
                None => None,
            };
            let seen = survey::read(&self.connections, ctx, &pair, &self.owner, superuser).await?;
            steps::plan(&pair.names(), &self.owner, &seen)
        })
        .await
    }

    /// Runs the statements of a plan: those that follow each other with the same user and database in
    /// one transaction.
    ///
    /// # Errors
    ///
    /// [`BackendError`] with the statement that failed, or with those that an administrator has to run.
    /// A failed statement's transaction is undone, what was run before stays, and a new plan goes on from
    /// there.
    pub async fn apply(
        &self,
        store: &impl SecretStore,
        secret: &str,
        plan: &MigrationPlan,
    ) -> Result<(), BackendError> {
        within(store, secret, async |ctx| {
            let pair = self.pair(store, secret).await?;
            for group in plan.steps.chunk_by(MigrationStep::joins) {
                self.run(ctx, &pair, group).await?;
            }
            Ok(())
        })
        .await
    }

    async fn run(
        &self,
        ctx: &StepContext<'_>,
        pair: &Pair,
        group: &[MigrationStep],
    ) -> Result<(), BackendError> {
        let Some(first) = group.first() else { return Ok(()) };
        let session = self.session(ctx, pair, first, group).await?;
        let failed = |statement: &str, failure| {
            let (who, database) = (first.who(), &first.database);
            let message = format!(
                "{who} could not run, in database {database}: {statement}. The statements of this \
                 transaction were undone, those before it stay; mend the cause, or have somebody run this \
                 statement who may, then plan anew"
            );
            caused(message, failure)
        };
        session
            .run(ctx, "BEGIN")
            .await
            .map_err(|failure| failed("BEGIN", failure))?;
        let commit = ["COMMIT"];
        for statement in group.iter().map(MigrationStep::statement).chain(commit) {
            session
                .raw(ctx, statement)
                .await
                .map_err(|failure| failed(statement, failure))?;
            tracing::info!(user = first.who(), database = first.database, statement, "done");
        }
        session.close(ctx).await;
        Ok(())
    }

    async fn session(
        &self,
        ctx: &StepContext<'_>,
        pair: &Pair,
        first: &MigrationStep,
        group: &[MigrationStep],
    ) -> Result<Session, BackendError> {
        let at = |login: &Login| Login {
            database: first.database.clone(),
            ..login.clone()
        };
        let login = pair
            .logins
            .iter()
            .find(|login| Some(login.user.as_str()) == first.user());
        match (login, &first.user, &pair.superuser_secret) {
            (Some(login), ..) => self.connections.open(ctx, &at(login)).await.map_err(|failure| {
                let user = &login.user;
                let message = format!("{user} could not log in to database {}", first.database);
                caused(message, failure)
            }),
            (None, Some(_), Some(arn)) => {
                let rotated = at(pair.current());
                self.superuser
                    .open(ctx, &self.connections, arn, &rotated, &pair.names())
                    .await
            }
            (None, None, _) => Err(needs_an_administrator(first, group)),
            (None, Some(user), None) => Err(BackendError::misconfigured(format!(
                "the plan has statements of {user}, who is not of this secret any more; make a new plan"
            ))),
        }
    }

    async fn pair(&self, store: &impl SecretStore, secret: &str) -> Result<Pair, BackendError> {
        let described = store.describe(secret).await?;
        let current = described.version_with(AWSCURRENT);
        if described
            .version_with(AWSPENDING)
            .is_some_and(|pending| Some(pending) != current)
        {
            return Err(BackendError::misconfigured(
                "a rotation of this secret is under way; wait until it has ended, or end it, and plan anew",
            ));
        }
        let (current, previous) = tokio::join!(
            store.read(secret, VersionRef::Stage(AWSCURRENT)),
            store.read(secret, VersionRef::Stage(AWSPREVIOUS)),
        );
        let current: PostgresCredential = current?.value.decode()?;
        let superuser_secret = current.superuser_secret().map(str::to_owned);
        let current = current.login("current")?;
        let other = alternate(&current.user)?;
        self.owner.check([&current.user, &other])?;
        let not_both = || {
            BackendError::misconfigured(format!(
                "AWSPREVIOUS is not a login of {other}, and both users have to log in; rotate the secret \
                 once more as alternating users, then plan anew"
            ))
        };
        let previous: PostgresCredential = previous.map_err(|_| not_both())?.value.decode()?;
        let previous = previous.login("previous")?;
        if previous.user != other || same_target(&previous, &current).is_err() {
            return Err(not_both());
        }
        Ok(Pair {
            logins: [current, previous],
            superuser_secret,
        })
    }
}

fn needs_an_administrator(first: &MigrationStep, group: &[MigrationStep]) -> BackendError {
    let all: Vec<&str> = group.iter().map(MigrationStep::statement).collect();
    BackendError::misconfigured(format!(
        "the secret names no superuser secret (\"masterarn\"), and these statements need an administrator. \
         What came before them is done. Run in database {}, in this order, then plan anew: {}",
        first.database,
        all.join("; ")
    ))
}

/// The two logins of a secret: current and previous.
struct Pair {
    logins: [Login; 2],
    superuser_secret: Option<String>,
}

impl Pair {
    fn current(&self) -> &Login {
        let [current, _] = &self.logins;
        current
    }

    fn names(&self) -> [&str; 2] {
        self.logins.each_ref().map(|login| login.user.as_str())
    }
}

/// What was seen of one database.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Database {
    name: String,
    /// The users that own something in it.
    owners: Vec<String>,
    /// Grants to the owner role that others than the pair have to make.
    grants: Vec<String>,
    /// Changes of a schema's owner, by each user.
    schemas_owned: Vec<Owned>,
    /// The same that one of the pair may run, once the owner role owns what it owned.
    own: Vec<(String, String)>,
    /// Those of these names that are schemas.
    schemas: Vec<String>,
    /// The search path of each user, as a session begins with it.
    paths: BTreeMap<String, String>,
    notes: Vec<String>,
}

/// A change of something's owner to the owner role.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Owned {
    by: String,
    statement: String,
    /// The owner itself has the right that this takes besides.
    may: bool,
}

/// Reads other secrets straight from the store.
struct Reader<'a, S>(&'a S);

#[async_trait]
impl<S: SecretStore> SecretReader for Reader<'_, S> {
    async fn read_current(&self, secret_id: &str) -> Result<SecretValue, StoreError> {
        Ok(self.0.read(secret_id, VersionRef::Stage(AWSCURRENT)).await?.value)
    }
}

/// Does this with a deadline, in the frame that sessions need.
async fn within<S: SecretStore, T>(
    store: &S,
    secret: &str,
    work: impl AsyncFnOnce(&StepContext<'_>) -> Result<T, BackendError>,
) -> Result<T, BackendError> {
    let clock = TokioClock::new();
    let outside = Outside {
        clock: &clock,
        random: &OsRandom,
        secrets: &Reader(store),
    };
    let deadline = Deadline::after(&clock, TIME);
    let ctx = StepContext::new(secret, "migration", Step::SetSecret, deadline, outside);
    work(&ctx).await
}
