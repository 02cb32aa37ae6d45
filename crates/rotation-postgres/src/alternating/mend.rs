//! What the pending user cannot change itself: by the superuser, in one transaction.

use rotation_core::{BackendError, StepContext};

use super::{AlternatingUsers, Turn};
use crate::difference::{Difference, statements};
use crate::error::DatabaseError;
use crate::owner::OwnerRole;
use crate::plan::Plan;
use crate::roles;
use crate::session::{Session, first_column};
use crate::sql::identifier;
use crate::superuser::explain;

/// Why the superuser is needed.
#[derive(Clone, Copy)]
pub(super) struct Why<'a> {
    pub(super) text: &'a str,
    /// The pending role is known to be this secret's.
    pub(super) proven: bool,
    /// It has the pending password already.
    pub(super) logs_in: bool,
}

impl AlternatingUsers {
    /// Creation, recovery, or a difference: read anew from the superuser's own server, and all in one
    /// transaction.
    pub(super) async fn by_superuser(
        &self,
        ctx: &StepContext<'_>,
        turn: &Turn,
        why: Why<'_>,
        seen: &Plan,
    ) -> Result<(), BackendError> {
        let Some(arn) = &turn.superuser_secret else {
            return Err(without_superuser(turn, why, seen));
        };
        let user = turn.pending.user.as_str();
        tracing::info!(user, why = why.text, "the superuser secret is used");
        let users = [user, turn.current.user.as_str()];
        let session = self
            .superuser
            .open(ctx, &self.connections, arn, &turn.current, &users)
            .await?;
        let plan = self.compare(ctx, &session, turn, why.proven).await?;
        match self.mend(ctx, &session, turn, &plan).await {
            Ok(()) => {
                for difference in &plan.differences {
                    tracing::info!(statement = %difference, "mended");
                }
                session.close(ctx).await;
                Ok(())
            }
            Err(Unmended::Failed(failure)) => {
                let mut roles = vec![user, turn.current.user.as_str()];
                roles.extend(self.owner.as_ref().map(OwnerRole::name));
                Err(explain(&session, ctx, failure, &roles).await)
            }
            Err(Unmended::Left(statements)) => Err(BackendError::misconfigured(format!(
                "the superuser {} may not grant all that {user} lacks, and nothing was changed. Have the owner of each \
                 object run: {}",
                session.user(),
                statements.join("; ")
            ))),
        }
    }

    async fn mend(
        &self,
        ctx: &StepContext<'_>,
        session: &Session,
        turn: &Turn,
        plan: &Plan,
    ) -> Result<(), Unmended> {
        let Some(sql) = statements(
            plan.differences.iter(),
            &turn.pending.user,
            Some(&turn.pending.password),
        ) else {
            return Ok(());
        };
        session.begin(ctx).await?;
        session.raw(ctx, &sql).await?;
        if plan.compare_grants {
            // PostgreSQL only warns of a GRANT that grants nothing.
            let names = self.names(turn);
            let left = session.raw(ctx, &roles::missing_grants_query(names)).await?;
            let left = first_column(left);
            if !left.is_empty() {
                return Err(Unmended::Left(left));
            }
        }
        session.raw(ctx, "COMMIT").await?;
        Ok(())
    }
}

/// Why the superuser's transaction was given up.
enum Unmended {
    Failed(DatabaseError),
    /// These statements had no effect.
    Left(Vec<String>),
}

impl From<DatabaseError> for Unmended {
    fn from(failure: DatabaseError) -> Self {
        Self::Failed(failure)
    }
}

/// No superuser secret: what a person would have to run.
fn without_superuser(turn: &Turn, why: Why<'_>, plan: &Plan) -> BackendError {
    let password = format!(
        "\\password {} (in psql, the password under AWSPENDING)",
        identifier(&turn.pending.user)
    );
    let statements = plan.differences.iter().map(Difference::to_string);
    let all: Vec<String> = statements.chain((!why.logs_in).then_some(password)).collect();
    BackendError::misconfigured(format!(
        "{}, and the secret names no superuser secret; nothing was changed. Add \"masterarn\" to the \
         secret, or run as an administrator: {}",
        why.text,
        all.join("; ")
    ))
}
