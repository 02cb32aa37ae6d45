//! Gives a pair that AWS's template made a shared owner role.

mod notes;
mod pair;
mod plan;
mod queries;
mod run;
mod script;
mod seen;
mod sessions;
mod steps;
mod survey;

use std::time::Duration;

use rotation_core::{BackendError, CurrentReader, Outside, SecretStore, Step, StepContext, TokioClock};

use crate::connections::Connections;
use crate::owner::OwnerRole;
use crate::superuser::{SameHost, Superuser, SuperuserHosts};

use pair::LoginPair;
use plan::Phase;
use run::Runner;

pub use plan::{MigrationPlan, MigrationStep};

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
            let pair = LoginPair::read(store, secret, &self.owner).await?;
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
            let pair = LoginPair::read(store, secret, &self.owner).await?;
            let runner = Runner {
                connections: &self.connections,
                superuser: &self.superuser,
                owner: &self.owner,
                pair: &pair,
            };
            runner.run(ctx, &of_phase(plan, Phase::Give)).await?;
            let now = self.survey(ctx, &pair).await?;
            let left = of_phase(&now, Phase::Give);
            if let Some(first) = left.first() {
                return Err(no_effect(first, &left));
            }
            runner.run(ctx, &of_phase(plan, Phase::Switch)).await
        })
        .await
    }

    /// What is still to do, as the catalogs are now.
    async fn survey(&self, ctx: &StepContext<'_>, pair: &LoginPair) -> Result<MigrationPlan, BackendError> {
        let superuser = match &pair.superuser_secret {
            Some(arn) => Some(Superuser::user(ctx, arn).await?),
            None => None,
        };
        let seen = survey::read(&self.connections, ctx, pair, &self.owner, superuser).await?;
        steps::plan(&pair.names(), &self.owner, &seen)
    }
}

fn of_phase(plan: &MigrationPlan, phase: Phase) -> Vec<MigrationStep> {
    let steps = plan.steps.iter().filter(|step| step.phase == phase);
    steps.cloned().collect()
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

/// Does this with a deadline, in the frame that sessions need.
async fn within<S: SecretStore, T>(
    store: &S,
    secret: &str,
    work: impl AsyncFnOnce(&StepContext<'_>) -> Result<T, BackendError>,
) -> Result<T, BackendError> {
    let clock = TokioClock::new();
    let secrets = CurrentReader::new(store);
    let outside = Outside::new(&clock).with_secrets(&secrets);
    work(&outside.context(secret, "migration", Step::SetSecret, TIME)).await
}
