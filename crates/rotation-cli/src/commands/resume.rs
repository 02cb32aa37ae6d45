//! `resume`: has a rotation go on with the version that is pending.

use std::time::Duration;

use rotation_core::{Rotate, RotationEvent, Step, chain};

use super::watch::{self, Waited};
use crate::args;
use crate::backend::Backend;
use crate::error::{Error, Exit};
use crate::service::Kind;
use crate::session::{Ending, Found, Session};
use crate::state::{Facts, Pending, State};

/// How long a step that is done in this process may take.
const STEP: Duration = Duration::from_secs(60);

pub(super) async fn run(session: &mut Session<'_, '_>, arguments: &args::Resume) -> Result<Exit, Error> {
    let found = session.look(&arguments.target.secret).await?;
    let state = &found.state;
    let Some(pending) = state.pending() else {
        return Err(Error::Refused(format!(
            "{}: there is nothing to resume",
            state.summary()
        )));
    };
    match arguments.here {
        true => here(session, arguments, &found, pending).await,
        false => by_the_service(session, arguments, &found, pending).await,
    }
}

async fn by_the_service(
    session: &mut Session<'_, '_>,
    arguments: &args::Resume,
    found: &Found,
    pending: &Pending,
) -> Result<Exit, Error> {
    let Found { facts, state } = found;
    let version = &pending.version;
    let mut plan = vec![format!(
        "RotateSecret is called with the token of the rotation that is not complete, {version}: no second version is \
             made"
    )];
    plan.extend(turns_on(state));
    session.confirm(found, &plan, arguments.confirmed.yes)?;
    still(session, &facts.asked, pending).await?;
    ask_again(session, &facts.asked, version).await?;
    let waited = match arguments.wait.wait {
        true => watch::wait(session, &facts.asked, version, arguments.wait.limit(), true).await?,
        false => Waited {
            outcome: "resumed",
            says: format!("the service was asked to go on with version {version}"),
            exit: Exit::Done,
        },
    };
    session.close(ending(waited, facts)).await
}

/// Its token may start something else once the rotation is over.
async fn still(session: &Session<'_, '_>, secret: &str, pending: &Pending) -> Result<(), Error> {
    let now = session.pending(secret).await?;
    match now.is_some_and(|now| now.version == pending.version) {
        true => Ok(()),
        false => Err(Error::Refused(format!(
            "version {} is not AWSPENDING any more",
            pending.version
        ))),
    }
}

/// RotateSecret with the token of the rotation that is not complete. The service may also say that it is
/// not complete and "will be reattempted", which is what is wanted.
async fn ask_again(session: &mut Session<'_, '_>, secret: &str, version: &str) -> Result<(), Error> {
    match session.service.rotate(secret, version).await {
        Ok(()) => Ok(()),
        Err(error) if error.kind == Kind::NotComplete => {
            session.console.say(format_args!("the service says: {error}"));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn here(
    session: &mut Session<'_, '_>,
    arguments: &args::Resume,
    found: &Found,
    pending: &Pending,
) -> Result<Exit, Error> {
    let Found { facts, state } = found;
    let Some(backend) = session.backend else {
        return Err(Error::Configuration(
            "--here does the steps with a backend, and this tool has none; a team makes one of its own with \
             rotation_cli::Cli"
                .to_owned(),
        ));
    };
    if pending.stored == Some(false) {
        return Err(Error::Refused(format!(
            "version {} has no value, which only the rotation function may store: the service refuses a rotation whose \
             pending value is another's; mend the function and leave out --here, or abandon this version",
            pending.version
        )));
    }
    let version = &pending.version;
    not_a_copy(session, facts, version).await?;
    let mut plan = vec![format!(
        "setSecret, testSecret and finishSecret of version {version} are done in this process"
    )];
    plan.extend(turns_on(state));
    session.confirm(found, &plan, arguments.confirmed.yes)?;
    still(session, &facts.asked, pending).await?;
    if matches!(state, State::Blocked(_)) {
        ask_again(session, &facts.asked, version).await?;
    }
    steps(session, backend, &facts.described.arn, version).await?;
    let waited = Waited {
        outcome: "rotated",
        says: format!("version {version} is AWSCURRENT: the rotation is complete"),
        exit: Exit::Done,
    };
    session.close(ending(waited, facts)).await
}

/// A dry run makes a copy of `AWSCURRENT` pending, and may leave it so: made current, it would look like a
/// rotation that never was.
async fn not_a_copy(session: &Session<'_, '_>, facts: &Facts, version: &str) -> Result<(), Error> {
    let Some(current) = facts.current() else {
        return Ok(());
    };
    let current = session.service.value(&facts.asked, current).await?;
    match session.service.value(&facts.asked, version).await? == current {
        true => Err(Error::Refused(format!(
            "version {version} is a copy of AWSCURRENT, as a dry run that failed leaves it: nothing would be rotated; \
             give it up by `rotation abandon {}`",
            facts.named()
        ))),
        false => Ok(()),
    }
}

async fn steps(
    session: &mut Session<'_, '_>,
    backend: &dyn Backend,
    arn: &str,
    version: &str,
) -> Result<(), Error> {
    let rotator = backend.rotator(session.store());
    for step in [Step::SetSecret, Step::TestSecret, Step::FinishSecret] {
        let event = RotationEvent::new(arn, version, step).map_err(|error| Error::Step(error.to_string()))?;
        match rotator.rotate(&event, STEP).await {
            Ok(report) => session
                .console
                .say(format_args!("{step}: {}", report.outcome.as_str())),
            Err(error) => {
                return Err(Error::Step(format!("{} ({})", chain(&error), error.class())));
            }
        }
    }
    Ok(())
}

fn turns_on(state: &State) -> Option<String> {
    matches!(state, State::Blocked(_))
        .then(|| "it also turns rotation on again, with the schedule that it had".to_owned())
}

fn ending(waited: Waited, facts: &Facts) -> Ending<'_> {
    Ending {
        command: "resume",
        outcome: waited.outcome,
        says: waited.says,
        before: facts,
        exit: waited.exit,
    }
}
