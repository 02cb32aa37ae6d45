//! `rollback`: makes the previous version current again.

use rotation_core::{AWSPREVIOUS, chain};

use crate::args;
use crate::error::{Error, Exit};
use crate::session::{Ending, Session};
use crate::state::{Facts, State};

pub(super) async fn run(session: &mut Session<'_, '_>, arguments: &args::Rollback) -> Result<Exit, Error> {
    let found = session.look(&arguments.target.secret).await?;
    let facts = &found.facts;
    let (from, to) = versions(facts, &found.state)?;
    let proof = prove(session, arguments, facts, to).await?;
    let plan = [
        proof,
        format!(
            "AWSCURRENT is moved from version {from} to {to}, if it is on {from} still; AWSPREVIOUS goes the other way"
        ),
        "the next rotation replaces it, and ends what is AWSPREVIOUS then".to_owned(),
    ];
    session.confirm(&found, &plan, arguments.confirmed.yes)?;
    session.service.make_current(&facts.asked, to, from).await?;
    let ending = Ending {
        command: "rollback",
        outcome: "rolled_back",
        says: format!("version {to} is AWSCURRENT again"),
        before: facts,
        exit: Exit::Done,
    };
    session.close(ending).await
}

/// From which version to which.
fn versions<'a>(facts: &'a Facts, state: &State) -> Result<(&'a str, &'a str), Error> {
    let refused = |why: String| Err(Error::Refused(why));
    match state {
        State::MarkedForDeletion | State::ManagedByService(_) | State::Replica { .. } | State::NoCurrent => {
            return refused(state.summary());
        }
        State::Blocked(_) | State::UnderWay(_) | State::Waiting { .. } => {
            return refused(format!(
                "{}; a step that is at work must not find the labels moved: wait, or give it up first by `rotation \
                 abandon {}`",
                state.summary(),
                facts.asked
            ));
        }
        State::NotSetUp | State::Off | State::Overdue { .. } | State::NeverRotated | State::InOrder => {}
    }
    match (facts.current(), facts.described.version_with(AWSPREVIOUS)) {
        (Some(from), Some(to)) => Ok((from, to)),
        _ => refused("no version is AWSPREVIOUS: there is nothing to roll back to".to_owned()),
    }
}

async fn prove(
    session: &Session<'_, '_>,
    arguments: &args::Rollback,
    facts: &Facts,
    to: &str,
) -> Result<String, Error> {
    if arguments.without_proof {
        return Ok("it is NOT proved that the previous credential works".to_owned());
    }
    let Some(backend) = session.backend else {
        return Err(Error::Refused(
            "without a backend it cannot be proved that the previous credential works; use it by hand, then repeat this \
             with --without-proof"
                .to_owned(),
        ));
    };
    let value = session.service.value(&facts.asked, to).await?;
    match session.prove(backend, facts, to, &value).await {
        Ok(()) => Ok("the previous credential works".to_owned()),
        Err(error) => Err(Error::Refused(format!(
            "the previous credential does not work ({}), so it must not become AWSCURRENT",
            chain(&error)
        ))),
    }
}
