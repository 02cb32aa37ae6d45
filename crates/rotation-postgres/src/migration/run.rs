//! Runs the statements of a plan.

use rotation_core::{BackendError, ErrorClass, StepContext};

use super::pair::LoginPair;
use super::plan::MigrationStep;
use crate::connections::Connections;
use crate::error::{DatabaseError, caused};
use crate::login::Login;
use crate::owner::OwnerRole;
use crate::session::Session;
use crate::superuser::{Superuser, explain_as};

/// Who can run them.
pub(super) struct Runner<'a> {
    pub(super) connections: &'a Connections,
    pub(super) superuser: &'a Superuser,
    pub(super) owner: &'a OwnerRole,
    pub(super) pair: &'a LoginPair,
}

impl Runner<'_> {
    /// Runs the statements in their order: those that follow each other with the same user and database in one
    /// transaction.
    pub(super) async fn run(
        &self,
        ctx: &StepContext<'_>,
        steps: &[MigrationStep],
    ) -> Result<(), BackendError> {
        for group in steps.chunk_by(MigrationStep::joins) {
            if let Some(first) = group.first() {
                self.transaction(ctx, first, group).await?;
            }
        }
        Ok(())
    }

    async fn transaction(
        &self,
        ctx: &StepContext<'_>,
        first: &MigrationStep,
        group: &[MigrationStep],
    ) -> Result<(), BackendError> {
        let session = self.session(ctx, first, group).await?;
        let begun = session.begin(ctx).await;
        begun.map_err(|failure| caused(could_not_run(first, "BEGIN"), failure))?;
        let commit = ["COMMIT"];
        for statement in group.iter().map(MigrationStep::statement).chain(commit) {
            if let Err(failure) = session.raw(ctx, statement).await {
                return Err(self.explain(ctx, &session, first, statement, failure).await);
            }
            tracing::info!(user = first.who(), database = first.database(), statement, "done");
        }
        session.close(ctx).await;
        Ok(())
    }

    async fn explain(
        &self,
        ctx: &StepContext<'_>,
        session: &Session,
        first: &MigrationStep,
        statement: &str,
        failure: DatabaseError,
    ) -> BackendError {
        let message = could_not_run(first, statement);
        let [current, previous] = self.pair.names();
        match [current, previous].contains(&first.who()) {
            true => caused(message, failure),
            false => {
                let roles = [current, previous, self.owner.name()];
                explain_as(message, session, ctx, failure, &roles).await
            }
        }
    }

    /// A session of the user that runs this group.
    async fn session(
        &self,
        ctx: &StepContext<'_>,
        first: &MigrationStep,
        group: &[MigrationStep],
    ) -> Result<Session, BackendError> {
        let is_theirs = |login: &&Login| Some(login.user.as_str()) == first.user();
        let login = self.pair.logins.iter().find(is_theirs);
        match (login, first.user(), &self.pair.superuser_secret) {
            (Some(login), ..) => self.users_session(ctx, login, first.database()).await,
            (None, Some(_), Some(arn)) => self.superusers_session(ctx, arn, first).await,
            (None, None, _) => Err(needs_an_administrator(first, group)),
            (None, Some(user), None) => Err(BackendError::misconfigured(format!(
                "the plan has statements of {user}, who is not of this secret any more; make a new plan"
            ))),
        }
    }

    async fn users_session(
        &self,
        ctx: &StepContext<'_>,
        login: &Login,
        database: &str,
    ) -> Result<Session, BackendError> {
        let opened = self.connections.open(ctx, &login.in_database(database)).await;
        opened.map_err(|failure| {
            let user = &login.user;
            caused(format!("{user} could not log in to database {database}"), failure)
        })
    }

    async fn superusers_session(
        &self,
        ctx: &StepContext<'_>,
        arn: &str,
        first: &MigrationStep,
    ) -> Result<Session, BackendError> {
        let rotated = self.pair.current().in_database(first.database());
        let users = self.pair.names();
        let opened = self
            .superuser
            .open(ctx, self.connections, arn, &rotated, &users)
            .await;
        opened.map_err(|error| {
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
}

fn could_not_run(first: &MigrationStep, statement: &str) -> String {
    let (who, database) = (first.who(), first.database());
    format!(
        "{who} could not run, in database {database}: {statement}. The statements of this \
         transaction were undone, those before it stay; mend the cause, or have somebody run this \
         statement who may, then plan anew"
    )
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
