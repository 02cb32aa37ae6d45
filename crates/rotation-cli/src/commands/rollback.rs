//! `rollback`: makes the previous version current again.

use std::time::SystemTime;

use rotation_core::{AWSPREVIOUS, chain};

use crate::error::{Error, Exit};
use crate::session::{Ending, Found, Session};
use crate::state::{Facts, QUIET, State};
use crate::{args, words};

pub(super) async fn run(session: &mut Session<'_, '_>, arguments: &args::Rollback) -> Result<Exit, Error> {
    let found = session.look(&arguments.target.secret).await?;
    let facts = &found.facts;
    let move_ = Move::of(&found, session.now())?;
    let proof = prove(session, arguments, facts, move_.to).await?;
    let mut plan = vec![proof];
    plan.extend(move_.plan());
    session.confirm(&found, &plan, arguments.confirmed.yes)?;
    still(session, facts, &move_).await?;
    relabel(session, facts, &move_).await?;
    let ending = Ending {
        command: "rollback",
        outcome: "rolled_back",
        says: format!("version {} is AWSCURRENT again", move_.to),
        before: facts,
        exit: Exit::Done,
    };
    session.close(ending).await
}

/// Which labels are moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Move<'a> {
    from: &'a str,
    to: &'a str,
    /// `AWSPENDING` is on `from`, too. Left there it would block every later rotation, and the service
    /// might go on with it and make `from` current again.
    releases: bool,
}

impl<'a> Move<'a> {
    fn of(found: &'a Found, now: SystemTime) -> Result<Self, Error> {
        let Found { facts, state } = found;
        let (from, to) = versions(facts, state)?;
        let releases = facts.is_closing();
        if releases && facts.quiet(now).is_none_or(|quiet| quiet < QUIET) {
            return Err(Error::Refused(format!(
                "AWSPENDING is on the current version still, and something changed within the last {}: the rotation may \
                 be at work, and about to end the previous credential; wait, and look again: rotation status {}",
                words::span(QUIET),
                facts.named()
            )));
        }
        Ok(Self { from, to, releases })
    }

    fn plan(&self) -> Vec<String> {
        let Self { from, to, releases } = self;
        let mut plan = Vec::new();
        if *releases {
            plan.push(format!(
                "AWSPENDING is taken off version {from}, which it was left on: the service must not make it current again"
            ));
        }
        plan.push(format!(
            "AWSCURRENT is moved from version {from} to {to}, if it is on {from} still; AWSPREVIOUS goes the other way"
        ));
        plan.push("the next rotation replaces it, and ends what is AWSPREVIOUS then".to_owned());
        plan
    }
}

/// A rotation that began while somebody took their time to answer ends the previous credential first.
async fn still(session: &Session<'_, '_>, facts: &Facts, move_: &Move<'_>) -> Result<(), Error> {
    let found = session.look(&facts.asked).await?;
    match Move::of(&found, session.now())? == *move_ {
        true => Ok(()),
        false => Err(Error::Refused(format!(
            "the labels have moved meanwhile; look again: rotation status {}",
            facts.named()
        ))),
    }
}

async fn relabel(session: &Session<'_, '_>, facts: &Facts, move_: &Move<'_>) -> Result<(), Error> {
    let Move { from, to, releases } = *move_;
    if releases {
        session.service.release(&facts.asked, from).await?;
    }
    let moved = session.service.make_current(&facts.asked, to, from).await;
    moved.map_err(|source| match releases {
        true => Error::Halfway {
            done: format!("AWSPENDING was taken off version {from}"),
            source,
            remedy: format!(
                "AWSCURRENT was not moved; look again: rotation status {}",
                facts.named()
            ),
        },
        false => source.into(),
    })
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
                facts.named()
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
