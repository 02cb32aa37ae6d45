//! The pending user's own session: the steady state, in which no superuser is needed.

use rotation_core::{BackendError, StepContext};

use super::by_superuser::Need;
use super::turn::Turn;
use crate::connections::Connections;
use crate::difference::statements;
use crate::error::{FailureKind, caused};
use crate::plan::Plan;
use crate::session::Session;

pub(super) enum OwnSession {
    In {
        session: Box<Session>,
        /// It has the pending password already: an earlier try got this far.
        has_password: bool,
    },
    /// The user cannot log in, and so the superuser is needed.
    Out(Need),
}

impl OwnSession {
    /// Whether the role is known to be this secret's.
    pub(super) fn is_proven(&self) -> bool {
        match self {
            Self::In { .. } => true,
            Self::Out(need) => need.proven,
        }
    }
}

/// Logs in as the pending user: by the password that it should have, then by the one that it is to
/// get, which works where an earlier try got this far.
pub(super) async fn open(
    connections: &Connections,
    ctx: &StepContext<'_>,
    turn: &Turn<'_>,
) -> Result<OwnSession, BackendError> {
    let user = &turn.pending.user;
    let out = |why, proven| {
        OwnSession::Out(Need {
            why,
            proven,
            has_password: false,
        })
    };
    let rungs = [
        ("AWSPREVIOUS", turn.previous.as_ref(), false),
        ("AWSPENDING", Some(&turn.pending), true),
    ];
    for (label, login, has_password) in rungs {
        let Some(login) = login else { continue };
        match connections.open(ctx, login).await {
            Ok(session) => {
                let session = Box::new(session);
                return Ok(OwnSession::In {
                    session,
                    has_password,
                });
            }
            Err(failure) if failure.kind() == FailureKind::WrongPassword => {}
            // Said only after a right password: NOLOGIN, and no CONNECT on the database.
            Err(failure) if matches!(failure.kind(), FailureKind::LoginDisabled | FailureKind::Denied) => {
                return Ok(out(format!("{user} may not log in ({failure})"), true));
            }
            Err(failure) => return Err(caused(format!("{user} could not log in by {label}"), failure)),
        }
    }
    Ok(out(format!("no version of the secret logs in as {user}"), false))
}

/// The pending user changes what is its own. Answers why the superuser is needed all the same, if it is.
pub(super) async fn change(
    ctx: &StepContext<'_>,
    turn: &Turn<'_>,
    session: Session,
    has_password: bool,
    plan: &Plan,
) -> Result<Option<Need>, BackendError> {
    let user = &turn.pending.user;
    let password = (!has_password).then_some(&turn.pending.password);
    let Some(sql) = statements(plan.differences.iter(), user, password) else {
        session.close(ctx).await;
        return Ok(None);
    };
    let changed = session.change(ctx, &sql).await;
    session.close(ctx).await;
    match changed {
        Ok(_) => Ok(None),
        // rds.restrict_password_commands, a setting for superusers only, a reader endpoint.
        Err(failure) if matches!(failure.kind(), FailureKind::Denied | FailureKind::ReadOnly) => {
            Ok(Some(Need {
                why: format!("{user} could not change itself: {failure}"),
                proven: true,
                has_password,
            }))
        }
        Err(failure) => Err(caused(format!("{user} could not change its password"), failure)),
    }
}
