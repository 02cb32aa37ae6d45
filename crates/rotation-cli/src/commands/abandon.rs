//! `abandon`: gives up the version that is pending.

use std::time::Duration;

use rotation_core::chain;

use super::watch;
use crate::args;
use crate::error::{Error, Exit};
use crate::service::{Kind, ServiceError};
use crate::session::{Ending, Found, Session};
use crate::state::{Facts, Pending, State};
use crate::{advice, words};

pub(super) async fn run(session: &mut Session<'_, '_>, arguments: &args::Abandon) -> Result<Exit, Error> {
    let found = session.look(&arguments.target.secret).await?;
    let Found { facts, state } = &found;
    let Some(pending) = state.pending() else {
        return nothing(session, arguments, &found).await;
    };
    let is_on = !matches!(state, State::Blocked(_));
    let proof = prove(session, arguments, facts, pending).await?;
    let mut plan = vec![proof];
    plan.extend(steps(pending, is_on));
    plan.extend(at_work(state));
    if !arguments.leave_off {
        plan.push(turning_on());
    }
    session.confirm(&found, &plan, arguments.confirmed.yes)?;
    let outcome = give_up(session, arguments, facts, pending, is_on).await?;
    let (after, exit) = if outcome == Released::Meanwhile {
        ("nothing was changed".to_owned(), Exit::Attention)
    } else if matches!(outcome, Released::Stored | Released::Unproved(_)) {
        (decide(facts), Exit::Attention)
    } else if wants_on(session, arguments, facts, is_on) {
        let done = match is_on {
            true => "rotation was turned off and AWSPENDING taken off",
            false => "AWSPENDING was taken off",
        };
        turn_on(session, arguments, facts, Some(done)).await?
    } else {
        (off(facts), Exit::Done)
    };
    let ending = Ending {
        command: "abandon",
        outcome: outcome.as_str(),
        says: format!("{}; {after}", outcome.says(pending)),
        before: facts,
        exit,
    };
    session.close(ending).await
}

/// Turns rotation off and takes the label off, if the version is pending still.
async fn give_up(
    session: &Session<'_, '_>,
    arguments: &args::Abandon,
    facts: &Facts,
    pending: &Pending,
    is_on: bool,
) -> Result<Released, Error> {
    if session.pending(&facts.asked).await?.as_ref() != Some(pending) {
        return Ok(Released::Meanwhile);
    }
    if is_on {
        turn_off(session, facts).await?;
    }
    release(session, arguments, facts, pending, is_on).await
}

async fn turn_off(session: &Session<'_, '_>, facts: &Facts) -> Result<(), Error> {
    let cancelled = session.service.cancel(&facts.asked).await;
    cancelled.map_err(|source| match source.kind {
        Kind::Unanswered => Error::Halfway {
            done: "rotation was to be turned off".to_owned(),
            source,
            remedy: format!(
                "rotation may be OFF; repeat `rotation abandon {} --turn-on`",
                facts.named()
            ),
        },
        _ => source.into(),
    })
}

fn decide(facts: &Facts) -> String {
    let name = facts.named();
    format!(
        "rotation is OFF; go on with it by `rotation resume {name}`, or give it up by `rotation abandon {name} --turn-on`"
    )
}

fn off(facts: &Facts) -> String {
    let command = advice::turn_on_command(facts);
    format!("rotation is OFF, to turn it on without rotating: {command}")
}

/// Nothing is pending, as when this command is repeated: only rotation may be left to turn on.
async fn nothing(
    session: &mut Session<'_, '_>,
    arguments: &args::Abandon,
    found: &Found,
) -> Result<Exit, Error> {
    let Found { facts, state } = found;
    if matches!(
        state,
        State::MarkedForDeletion | State::ManagedByService(_) | State::Replica { .. } | State::NoCurrent
    ) {
        return Err(Error::Refused(state.summary()));
    }
    let (mut outcome, mut exit) = ("nothing_pending", Exit::Done);
    let mut says = format!("nothing to abandon: {}", state.summary());
    if arguments.turn_on && *state == State::Off {
        session.confirm(found, &[turning_on()], arguments.confirmed.yes)?;
        let (after, ended) = turn_on(session, arguments, facts, None).await?;
        (outcome, exit, says) = ("turned_on", ended, format!("nothing was pending; {after}"));
    }
    let ending = Ending {
        command: "abandon",
        outcome,
        says,
        before: facts,
        exit,
    };
    session.close(ending).await
}

fn steps(pending: &Pending, is_on: bool) -> Vec<String> {
    let mut steps = Vec::new();
    if is_on {
        steps.push("CancelRotateSecret turns rotation off, so that no replay comes between".to_owned());
    }
    steps.push(format!("AWSPENDING is taken off version {}", pending.version));
    if pending.stored != Some(false) {
        steps.push(
            "what that version holds stays readable by its id until the service purges it, which is not in the \
             version's first 24 hours"
                .to_owned(),
        );
    }
    steps
}

/// Turning rotation off keeps later steps from beginning, and no more.
fn at_work(state: &State) -> Option<String> {
    matches!(state, State::UnderWay(_)).then(|| {
        "something changed lately: a step that is at work now goes on, and may still change the target"
            .to_owned()
    })
}

fn turning_on() -> String {
    "to turn rotation on again, RotateSecret with RotateImmediately=false: the schedule stays, nothing rotates now; \
     testSecret alone runs on a copy of AWSCURRENT, which is AWSPENDING for that time"
        .to_owned()
}

/// Sees to it that the pending credential is not the only one that works: so it may be where a password
/// is changed in place and setSecret has been done.
async fn prove(
    session: &Session<'_, '_>,
    arguments: &args::Abandon,
    facts: &Facts,
    pending: &Pending,
) -> Result<String, Error> {
    if pending.stored == Some(false) {
        return Ok("that version has no value: nothing is lost with it".to_owned());
    }
    if arguments.without_proof {
        return Ok("it is NOT proved that AWSCURRENT works".to_owned());
    }
    let (Some(backend), Some(current)) = (session.backend, facts.current()) else {
        return Err(Error::Refused(format!(
            "version {} holds a value, and without a backend it cannot be proved that AWSCURRENT works: where a password \
             is changed in place, the target may know only the pending one by now; log in with AWSCURRENT by hand, \
             then repeat this with --without-proof",
            pending.version
        )));
    };
    let value = session.service.value(&facts.asked, current).await?;
    let given_up = session.service.value(&facts.asked, &pending.version).await;
    if given_up.is_ok_and(|given_up| given_up == value) {
        return Ok(
            "that version is a copy of AWSCURRENT, as a dry run makes it: nothing is lost with it".to_owned(),
        );
    }
    match session.prove(backend, facts, current, &value).await {
        Ok(()) => Ok("the AWSCURRENT credential works".to_owned()),
        Err(error) => Err(Error::Refused(format!(
            "the AWSCURRENT credential does not work ({}); if the target is up, the pending one may be the one that \
             does: go on with it by `rotation resume {}`, or give it up all the same with --without-proof",
            chain(&error),
            facts.named()
        ))),
    }
}

/// What became of the label.
#[derive(Debug, Eq, PartialEq)]
enum Released {
    /// Before anything was done, it had moved.
    Meanwhile,
    Taken,
    /// A value was stored while rotation was turned off, of which nothing is proved.
    Stored,
    /// `AWSCURRENT` was proved to work, and by now is not any more: a step was done meanwhile.
    Unproved(String),
    /// The rotation came to its end while it was turned off.
    BecameCurrent,
    /// It was gone by then.
    Gone,
}

impl Released {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Meanwhile => "labels_moved",
            Self::Taken => "abandoned",
            Self::Stored => "stored_meanwhile",
            Self::Unproved(_) => "unproved_meanwhile",
            Self::BecameCurrent => "became_current",
            Self::Gone => "already_released",
        }
    }

    fn says(&self, pending: &Pending) -> String {
        let version = &pending.version;
        match self {
            Self::Meanwhile => {
                format!(
                    "version {version} is not AWSPENDING any more, or has got a value meanwhile: look again"
                )
            }
            Self::Stored => {
                format!("version {version} has got a value meanwhile, and AWSPENDING was left on it")
            }
            Self::Unproved(why) => {
                format!("AWSPENDING was left on version {version}, for the proof did not hold: {why}")
            }
            Self::Taken => format!("version {version} is no longer AWSPENDING"),
            Self::BecameCurrent => format!("version {version} became AWSCURRENT meanwhile, and was left so"),
            Self::Gone => format!("version {version} had lost AWSPENDING already"),
        }
    }
}

/// The labels are looked at again, and the proof is made again: a step that was under way may have moved
/// them, or made the pending credential the only one that works. None begins once rotation is off.
async fn release(
    session: &Session<'_, '_>,
    arguments: &args::Abandon,
    facts: &Facts,
    pending: &Pending,
    turned_off: bool,
) -> Result<Released, Error> {
    let halfway = |source: ServiceError| match turned_off {
        true => Error::Halfway {
            done: "rotation was turned off".to_owned(),
            source,
            remedy: format!(
                "rotation is OFF; repeat `rotation abandon {} --turn-on`",
                facts.named()
            ),
        },
        false => source.into(),
    };
    let found = session.look(&facts.asked).await.map_err(halfway)?;
    if let Some(released) = moved(&found.facts, pending) {
        return Ok(released);
    }
    if let Err(error) = prove(session, arguments, &found.facts, pending).await {
        return Ok(Released::Unproved(error.why()));
    }
    let release = session.service.release(&facts.asked, &pending.version);
    release.await.map_err(halfway)?;
    Ok(Released::Taken)
}

/// What keeps the label from being taken off, if it is not where it was, or on what it was on.
fn moved(facts: &Facts, pending: &Pending) -> Option<Released> {
    if facts.current() == Some(&pending.version) {
        return Some(Released::BecameCurrent);
    }
    match facts.pending() {
        // Of a version that may have had a value, the proof was made.
        Some(now) if now.version == pending.version => {
            let stored = pending.stored == Some(false) && now.stored != Some(false);
            stored.then_some(Released::Stored)
        }
        _ => Some(Released::Gone),
    }
}

/// Whether rotation is to be on: as the options say, else as somebody answers, else as it was before.
fn wants_on(session: &mut Session<'_, '_>, arguments: &args::Abandon, facts: &Facts, was_on: bool) -> bool {
    if arguments.turn_on || arguments.leave_off {
        arguments.turn_on
    } else if arguments.confirmed.yes || facts.function.is_none() {
        was_on
    } else {
        session
            .console
            .ask("Turn rotation on again, without rotating now?")
    }
}

/// Turns rotation on, and waits for the test that this runs, during which no rotation can start. `done` is
/// what was done before it.
async fn turn_on(
    session: &mut Session<'_, '_>,
    arguments: &args::Abandon,
    facts: &Facts,
    done: Option<&str>,
) -> Result<(String, Exit), Error> {
    let token = session.token()?;
    let turned_on = session
        .service
        .turn_on(&facts.asked, &token, facts.rules.as_ref())
        .await;
    turned_on.map_err(|source| match done {
        Some(done) => Error::Halfway {
            done: done.to_owned(),
            source,
            remedy: format!(
                "rotation is OFF; repeat `rotation abandon {} --turn-on`",
                facts.named()
            ),
        },
        None => source.into(),
    })?;
    let limit = Duration::from_secs(arguments.timeout);
    Ok(match watch::test_is_over(session, &facts.asked, limit).await {
        true => ("rotation is on".to_owned(), Exit::Done),
        false => (
            format!(
                "rotation is on, but the test that this runs is not over after {}, and no rotation can start before it is: \
                 read the function's log",
                words::span(limit)
            ),
            Exit::Unfinished,
        ),
    })
}

#[cfg(test)]
mod tests;
