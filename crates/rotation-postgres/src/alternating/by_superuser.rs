//! What the pending user cannot change itself: by the superuser, in one transaction.

use rotation_core::{BackendError, StepContext};

use super::turn::Turn;
use crate::connections::Connections;
use crate::difference::{Difference, statements};
use crate::error::DatabaseError;
use crate::grants::missing_grants_query;
use crate::login::Login;
use crate::owner::OwnerRole;
use crate::plan::Plan;
use crate::session::{Session, first_column};
use crate::sql::identifier;
use crate::superuser::{Superuser, explain};

/// Why the superuser is needed.
pub(super) struct Need {
    pub(super) why: String,
    /// The pending role is known to be this secret's.
    pub(super) proven: bool,
    /// It has the pending password already.
    pub(super) has_password: bool,
}

/// Creation, recovery, or a difference: read anew from the superuser's own server, and all in one
/// transaction. `seen` is what the current user saw.
pub(super) async fn mend(
    superuser: &Superuser,
    connections: &Connections,
    ctx: &StepContext<'_>,
    turn: &Turn<'_>,
    need: Need,
    seen: &Plan,
) -> Result<(), BackendError> {
    let Some(arn) = turn.superuser_secret else {
        return Err(without_superuser(turn, &need, seen));
    };
    let user = turn.pending.user.as_str();
    tracing::info!(user, why = need.why, "the superuser secret is used");
    let users = [user, turn.current.user.as_str()];
    let session = superuser
        .open(ctx, connections, arn, &turn.current, &users)
        .await?;
    let plan = turn.compare(ctx, &session, need.proven).await?;
    match run(ctx, &session, turn, &plan).await {
        Ok(()) => {
            for difference in &plan.differences {
                tracing::info!(statement = %difference, "mended");
            }
            session.close(ctx).await;
            Ok(())
        }
        Err(Unmended::Failed(failure)) => {
            let roles: Vec<&str> = users.into_iter().chain(turn.owner.map(OwnerRole::name)).collect();
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

async fn run(ctx: &StepContext<'_>, session: &Session, turn: &Turn<'_>, plan: &Plan) -> Result<(), Unmended> {
    let Login { user, password, .. } = &turn.pending;
    let Some(sql) = statements(plan.differences.iter(), user, Some(password)) else {
        return Ok(());
    };
    session.begin(ctx).await?;
    session.raw(ctx, &sql).await?;
    if plan.compare_grants {
        // PostgreSQL only warns of a GRANT that grants nothing.
        let left = session.raw(ctx, &missing_grants_query(turn.names())).await?;
        let left = first_column(left);
        if !left.is_empty() {
            return Err(Unmended::Left(left));
        }
    }
    session.raw(ctx, "COMMIT").await?;
    Ok(())
}

/// No superuser secret: what a person would have to run.
fn without_superuser(turn: &Turn<'_>, need: &Need, plan: &Plan) -> BackendError {
    let password = format!(
        "\\password {} (in psql, the password under AWSPENDING)",
        identifier(&turn.pending.user)
    );
    let statements = plan.differences.iter().map(Difference::to_string);
    let all: Vec<String> = statements
        .chain((!need.has_password).then_some(password))
        .collect();
    BackendError::misconfigured(format!(
        "{}, and the secret names no superuser secret; nothing was changed. Add \"masterarn\" to the \
         secret, or run as an administrator: {}",
        need.why,
        all.join("; ")
    ))
}
