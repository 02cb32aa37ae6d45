//! Proof that a credential works.

use rotation_core::{BackendError, StepContext};

use crate::connections::Connections;
use crate::document::PostgresCredential;
use crate::error::caused;
use crate::owner::OwnerRole;
use crate::session::first_column;

/// One login, one statement, nothing written. Fails, too, if the user does not act as its owner role.
pub(crate) async fn prove(
    connections: &Connections,
    ctx: &StepContext<'_>,
    credential: &PostgresCredential,
    owner: Option<&OwnerRole>,
) -> Result<(), BackendError> {
    let login = credential.login("pending")?;
    let user = &login.user;
    let failed = |failure| caused(format!("{user} could not log in"), failure);
    let session = connections.open(ctx, &login).await.map_err(failed)?;
    let rows = session.raw(ctx, "SELECT current_user").await;
    session.close(ctx).await;
    let rows = rows.map_err(|failure| caused(format!("{user} logged in and could not query"), failure))?;
    let acts_as = first_column(rows).into_iter().next();
    match owner {
        Some(owner) if acts_as.as_deref() != Some(owner.name()) => Err(BackendError::misconfigured(format!(
            "{user} logs in and does not act as the owner role {}; migrate the pair first",
            owner.name()
        ))),
        _ => Ok(()),
    }
}
