//! The end of a superseded login: the look at the password and its end stand under one lock.

use rotation_core::{BackendError, Retirement, StepContext};

use crate::connections::Connections;
use crate::document::PostgresCredential;
use crate::error::{DatabaseError, FailureKind, caused};
use crate::login::Login;
use crate::session::Session;
use crate::sql::identifier;

/// Whoever is logged in could set a password of his own.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                            WHERE usename = current_user AND pid <> pg_backend_pid()";

/// Ends the login of a superseded credential, as that user itself: it needs no more rights.
///
/// A session outlives the password that it logged in by. So this session may come to its statement after a later
/// rotation gave the user the next password, and must not end that one. Three rules see to it:
///
/// 1. The statement comes first, and is not committed. It locks the role's row against every other change of the
///    role's password, in all databases.
/// 2. Then a second login by the superseded password says whether the row still has that password. A login does not
///    see what is not committed.
/// 3. Only then the commit. If the transaction was lost meanwhile, there is nothing to commit.
pub(super) async fn disable(
    connections: &Connections,
    ctx: &StepContext<'_>,
    credential: &PostgresCredential,
) -> Result<Retirement, BackendError> {
    let login = credential.login("superseded")?;
    let user = &login.user;
    let could_not = |failure: DatabaseError| {
        caused(
            format!("the superseded login of {user} could not be disabled, and may still work"),
            failure,
        )
    };
    let session = match connections.open(ctx, &login).await {
        Ok(session) => session,
        Err(failure) if is_gone(&failure) => return Ok(Retirement::AlreadyGone),
        Err(failure) => return Err(could_not(failure)),
    };
    let ended = end(connections, ctx, &login, &session).await;
    session.close(ctx).await;
    ended.map_err(could_not)
}

async fn end(
    connections: &Connections,
    ctx: &StepContext<'_>,
    login: &Login,
    session: &Session,
) -> Result<Retirement, DatabaseError> {
    let without_password = format!("ALTER ROLE {} PASSWORD NULL", identifier(&login.user));
    session.begin_with(ctx, &without_password).await?;
    let unchanged = still_logs_in(connections, ctx, login).await;
    if let Ok(true) = unchanged {
        commit(ctx, session).await?;
        return Ok(Retirement::Retired);
    }
    // Without an answer the lock goes with the session.
    _ = session.raw(ctx, "ROLLBACK").await;
    unchanged.map(|_| Retirement::AlreadyGone)
}

/// Ends the sessions and the login.
///
/// No session of a later password can be among them. Before the commit there is none: the row has had the superseded
/// password since it was locked, and nobody else can change it. After the commit the sessions are ended once more, because
/// somebody may have logged in before the commit and too late for the first list. A later password may be set by then. So
/// the second list has only connections that were opened before this message came (`statement_timestamp()`).
async fn commit(ctx: &StepContext<'_>, session: &Session) -> Result<(), DatabaseError> {
    let once_more = format!("{END_SESSIONS} AND backend_start < statement_timestamp()");
    session.commit_with(ctx, END_SESSIONS, &once_more).await
}

/// Whether the password is still this one.
async fn still_logs_in(
    connections: &Connections,
    ctx: &StepContext<'_>,
    login: &Login,
) -> Result<bool, DatabaseError> {
    match connections.open(ctx, login).await {
        Ok(session) => {
            session.close(ctx).await;
            Ok(true)
        }
        // These are two sessions, and the role may have a limit of one.
        Err(failure) if failure.proves_password() => Ok(true),
        Err(failure) if is_gone(&failure) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn is_gone(failure: &DatabaseError) -> bool {
    matches!(
        failure.kind(),
        FailureKind::WrongPassword | FailureKind::LoginDisabled
    )
}
