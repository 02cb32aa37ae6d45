//! Gives a pair that AWS's template made a shared owner role.

mod queries;
mod script;
mod steps;
mod survey;

use std::collections::BTreeMap;
use std::time::Duration;

use rotation_core::{
    AWSCURRENT, AWSPENDING, AWSPREVIOUS, BackendError, Deadline, ErrorClass, OsRandom, Outside, SecretReader,
    SecretStore, SecretValue, Step, StepContext, StoreError, TokioClock, VersionRef, async_trait,
};

use crate::connections::Connections;
use crate::document::PostgresCredential;
use crate::error::caused;
use crate::login::{Login, same_target};
use crate::names::alternate;
use crate::owner::OwnerRole;
use crate::session::Session;
use crate::superuser::{SameHost, Superuser, SuperuserHosts, explain_as};

use script::Phase;

pub use script::{MigrationPlan, MigrationStep};

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
            self.survey(ctx, &pair).await
        })
        .await
    }

    /// Runs the statements of a plan: those that follow each other with the same user and database in
    /// one transaction. Before the first that takes anything away it looks whether all that came before
    /// has had its effect: PostgreSQL only warns of a `GRANT` that grants nothing.
    ///
    /// # Errors
    ///
    /// [`BackendError`] with the statement that failed, or with those that had no effect or that an
    /// administrator has to run. A failed statement's transaction is undone, what was run before stays,
    /// and a new plan goes on from there.
    pub async fn apply(
        &self,
        store: &impl SecretStore,
        secret: &str,
        plan: &MigrationPlan,
    ) -> Result<(), BackendError> {
        within(store, secret, async |ctx| {
            let pair = self.pair(store, secret).await?;
            let (give, switch): (Vec<_>, Vec<_>) = plan
                .steps
                .iter()
                .cloned()
                .partition(|step| step.phase == Phase::Give);
            for group in give.chunk_by(MigrationStep::joins) {
                self.run(ctx, &pair, group).await?;
            }
            let now = self.survey(ctx, &pair).await?;
            let left: Vec<_> = now
                .steps
                .into_iter()
                .filter(|step| step.phase == Phase::Give)
                .collect();
            if let Some(first) = left.first() {
                return Err(no_effect(first, &left));
            }
            for group in switch.chunk_by(MigrationStep::joins) {
                self.run(ctx, &pair, group).await?;
            }
            Ok(())
        })
        .await
    }

    async fn survey(&self, ctx: &StepContext<'_>, pair: &Pair) -> Result<MigrationPlan, BackendError> {
        let superuser = match &pair.superuser_secret {
            Some(arn) => Some(Superuser::user(ctx, arn).await?),
            None => None,
        };
        let seen = survey::read(&self.connections, ctx, pair, &self.owner, superuser).await?;
        steps::plan(&pair.names(), &self.owner, &seen)
    }

    async fn run(
        &self,
        ctx: &StepContext<'_>,
        pair: &Pair,
        group: &[MigrationStep],
    ) -> Result<(), BackendError> {
        let Some(first) = group.first() else { return Ok(()) };
        let session = self.session(ctx, pair, first, group).await?;
        let failed = |statement: &str| {
            let (who, database) = (first.who(), first.database());
            format!(
                "{who} could not run, in database {database}: {statement}. The statements of this \
                 transaction were undone, those before it stay; mend the cause, or have somebody run this \
                 statement who may, then plan anew"
            )
        };
        let begun = session.begin(ctx).await;
        begun.map_err(|failure| caused(failed("BEGIN"), failure))?;
        let commit = ["COMMIT"];
        for statement in group.iter().map(MigrationStep::statement).chain(commit) {
            if let Err(failure) = session.raw(ctx, statement).await {
                let message = failed(statement);
                let [current, previous] = pair.names();
                return Err(match [current, previous].contains(&first.who()) {
                    true => caused(message, failure),
                    false => {
                        let roles = [current, previous, self.owner.name()];
                        explain_as(message, &session, ctx, failure, &roles).await
                    }
                });
            }
            tracing::info!(user = first.who(), database = first.database(), statement, "done");
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
        let at = |login: &Login| login.in_database(first.database());
        let login = pair
            .logins
            .iter()
            .find(|login| Some(login.user.as_str()) == first.user());
        match (login, first.user(), &pair.superuser_secret) {
            (Some(login), ..) => self.connections.open(ctx, &at(login)).await.map_err(|failure| {
                let user = &login.user;
                let message = format!("{user} could not log in to database {}", first.database());
                caused(message, failure)
            }),
            (None, Some(_), Some(arn)) => {
                let rotated = at(pair.current());
                let users = pair.names();
                let opened = self.superuser.open(ctx, &self.connections, arn, &rotated, &users);
                opened.await.map_err(|error| {
                    let (database, next) = (first.database(), first.statement());
                    let message = format!(
                        "the superuser could not log in to database {database}, where the next statement is {next}; what came \
                         before it is done"
                    );
                    match error.class() {
                        ErrorClass::Unavailable => BackendError::unavailable(message),
                        _ => BackendError::misconfigured(message),
                    }
                    .with_source(error)
                })
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
        first.database(),
        all.join("; ")
    ))
}

fn no_effect(first: &MigrationStep, left: &[MigrationStep]) -> BackendError {
    let all: Vec<String> = left
        .iter()
        .map(|step| format!("{} (in database {})", step.statement(), step.database()))
        .collect();
    BackendError::misconfigured(format!(
        "{} ran what it was to run, and these statements are still to do: what grants no right is only warned of. Nothing \
         was taken away. Have the owner of each object run them, then plan anew: {}",
        first.who(),
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
    /// What the owner role lacks a right in to be given what is there: by user.
    blocked: Vec<(String, String)>,
    /// The same as `grants` that one of the pair may run, once the owner role owns what it owned.
    own: Vec<(String, String)>,
    /// Those of these names that are schemas.
    schemas: Vec<String>,
    /// The search path of each user, as a session begins with it.
    paths: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl Database {
    /// Something that this user may run, unless the other runs the same.
    fn of_user(&mut self, user: &str, statement: String) {
        if self.own.iter().all(|(_, known)| *known != statement) {
            self.own.push((user.to_owned(), statement));
        }
    }
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
