//! `rotate`: starts a rotation.

use super::watch;
use crate::args;
use crate::error::{Error, Exit};
use crate::service::{Kind, ServiceError};
use crate::session::{Ending, Session};
use crate::state::State;

pub(super) async fn run(session: &mut Session<'_, '_>, arguments: &args::Rotate) -> Result<Exit, Error> {
    let secret = &arguments.target.secret;
    let found = session.look(secret).await?;
    let mut plan = vec!["RotateSecret starts a rotation now".to_owned()];
    plan.extend(allowed(&found.state, &found.facts.named())?);
    session.confirm(&found, &plan, arguments.confirmed.yes)?;
    let token = session.token()?;
    match session.service.rotate(secret, &token).await {
        Ok(()) => {}
        Err(error) if is_registered(session, secret, &token, &error).await => {}
        Err(error) => return Err(error.into()),
    }
    session
        .console
        .say(format_args!("version {token} is to become AWSCURRENT"));
    let ending = |outcome, says, exit| Ending {
        command: "rotate",
        outcome,
        says,
        before: &found.facts,
        exit,
    };
    if !arguments.wait.wait {
        let says = format!("the rotation to version {token} has started");
        return session.close(ending("started", says, Exit::Done)).await;
    }
    let waited = watch::wait(session, secret, &token, arguments.wait.limit(), false).await?;
    session
        .close(ending(waited.outcome, waited.says, waited.exit))
        .await
}

/// Whether a rotation may start in this state, and what else it would do.
fn allowed(state: &State, secret: &str) -> Result<Option<String>, Error> {
    let refused = |remedy: String| Err(Error::Refused(format!("{}{remedy}", state.summary())));
    match state {
        State::NeverRotated | State::Overdue { .. } | State::InOrder => Ok(None),
        State::Off => Ok(Some(
            "it also turns rotation on again, with the schedule that it had".to_owned(),
        )),
        State::Blocked(_) | State::UnderWay(_) | State::Waiting { .. } => refused(format!(
            "; go on with it by `rotation resume {secret}`, or give it up by `rotation abandon {secret}`"
        )),
        State::NotSetUp => refused(
            "; set it up with a function first: `aws secretsmanager rotate-secret --rotation-lambda-arn …`"
                .to_owned(),
        ),
        State::MarkedForDeletion | State::ManagedByService(_) | State::Replica { .. } | State::NoCurrent => {
            refused(String::new())
        }
    }
}

/// After an answer that was lost: whether the call was done all the same.
async fn is_registered(session: &Session<'_, '_>, secret: &str, token: &str, error: &ServiceError) -> bool {
    if error.kind != Kind::Unanswered {
        return false;
    }
    let found = session.look(secret).await;
    found.is_ok_and(|found| found.facts.described.versions.contains_key(token))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::state::Pending;

    #[test]
    fn a_rotation_starts_only_where_nothing_is_pending_and_a_function_is_set() {
        let pending = || Pending {
            version: "v".to_owned(),
            stored: None,
        };
        let waiting = State::Waiting {
            pending: pending(),
            quiet: Duration::ZERO,
        };
        let due = SystemTime::UNIX_EPOCH;
        let primary_region = "us-east-1".to_owned();
        let rows = [
            (State::InOrder, Some(false)),
            (State::NeverRotated, Some(false)),
            (State::Overdue { due }, Some(false)),
            (State::Off, Some(true)),
            (State::NotSetUp, None),
            (State::Blocked(pending()), None),
            (State::UnderWay(pending()), None),
            (waiting, None),
            (State::NoCurrent, None),
            (State::MarkedForDeletion, None),
            (State::ManagedByService("rds".to_owned()), None),
            (State::Replica { primary_region }, None),
        ];
        for (state, turns_on) in rows {
            let plan = allowed(&state, "crm").ok().map(|plan| plan.is_some());
            assert_eq!(plan, turns_on, "{state:?}");
        }
    }
}
